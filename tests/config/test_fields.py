"""Single values: what passes, and what each is turned into."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config import fields


@pytest.mark.parametrize("value", ["a", "0", "gmail-probe", "a_b-c9", "a" * 63])
def test_an_id_is_fit_for_a_label(value: str) -> None:
    assert fields.identifier(value) == value


@pytest.mark.parametrize("value", ["", "A", "-a", "_a", "a b", "a.b", "ä", "a\n", "a" * 64, 'a"'])
def test_anything_else_is_no_id(value: str) -> None:
    with pytest.raises(ValueError, match="is not an id: use a-z"):
        fields.identifier(value)


@pytest.mark.parametrize("value", [1, 25, 993, 65535])
def test_a_port_is_from_1_to_65535(value: int) -> None:
    assert fields.port(value) == value


@pytest.mark.parametrize("value", [0, -1, 65536, 99999])
def test_other_numbers_are_no_port(value: int) -> None:
    with pytest.raises(ValueError, match="is not a port"):
        fields.port(value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("mail.Example.COM", "mail.example.com"),
        ("mail.example.com.", "mail.example.com"),
        ("mail.bücher.example", "mail.xn--bcher-kva.example"),
        ("mail_1", "mail_1"),
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("2001:DB8::1", "2001:db8::1"),
    ],
)
def test_a_host_is_a_name_or_an_address(written: str, meant: str) -> None:
    assert fields.host(written) == meant


@pytest.mark.parametrize(
    "value", ["", ".", "a..b", "-a", "a-", "a b", "a" * 64, "ä" * 64, "a\x00"]
)
def test_other_text_is_no_host(value: str) -> None:
    with pytest.raises(ValueError, match="is not a host name or IP address"):
        fields.host(value)


def test_a_domain_of_more_than_253_octets_is_refused() -> None:
    with pytest.raises(ValueError, match="is not a domain name"):
        fields.domain(".".join(["a" * 60] * 5))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a@b.example", "a@b.example"),
        ("First.Last+tag@B.Example", "First.Last+tag@b.example"),
        ("probe@bücher.example", "probe@xn--bcher-kva.example"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_an_address_keeps_its_local_part_and_gets_an_ascii_domain(
    written: str, meant: str
) -> None:
    assert fields.address(written) == meant


@pytest.mark.parametrize(
    "value",
    [
        *("", "a", "@", "a@", "@b", "a b@c", ".a@b", "a.@b", "a..b@c", "a@b@c", "<a@b>"),
        *("a@[1.2.3.4]", '"a b"@c', "a\r\n@b", "ä@b", "x" * 65 + "@b", "a@b\n"),
    ],
)
def test_other_text_is_no_address(value: str) -> None:
    with pytest.raises(ValueError, match=r"address|domain|SMTPUTF8"):
        fields.address(value)


@given(st.text(max_size=80))
def test_what_passes_as_an_address_is_safe_in_an_smtp_command(value: str) -> None:
    try:
        address = fields.address(value)
    except ValueError:
        return
    assert address.isascii()
    assert address.isprintable()
    assert not set(' <>"\\(),:;[]') & set(address)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("127.0.0.1:9925", ("127.0.0.1", 9925)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:9925", ("::1", 9925)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_a_listening_address_is_a_host_and_a_port(written: str, meant: tuple[str, int]) -> None:
    assert fields.listen(written) == meant


@pytest.mark.parametrize(
    "value",
    ["", "9925", ":9925", "a", "a:", "a:b", "a:65536", "a:-1", "a:٣", "::1:80", "[a:80", 1],
)
def test_other_values_are_no_listening_address(value: object) -> None:
    with pytest.raises(ValueError, match=r"9925|is not a host|0\.0\.0\.0"):
        fields.listen(value)


@pytest.mark.parametrize(
    ("written", "meant"), [("Spam", "Spam"), (["A", "B"], ("A", "B")), ("auto", "auto")]
)
def test_folder_names_are_one_or_several(written: object, meant: object) -> None:
    assert fields.names(written) == meant


@pytest.mark.parametrize("value", ["", [], [""], ["a", 1], 1, None, True, {}, "a\nb"])
def test_other_values_are_no_folder_names(value: object) -> None:
    with pytest.raises(ValueError, match="folder's name"):
        fields.names(value)


def test_text_is_one_short_line() -> None:
    assert fields.text("Zoë & Söhne") == "Zoë & Söhne"
    with pytest.raises(ValueError, match="one line"):
        fields.text("a\x1bb")
    with pytest.raises(ValueError, match="longer than 200"):
        fields.text("x" * 201)
