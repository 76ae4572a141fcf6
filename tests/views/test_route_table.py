"""The gauges of routes, written once."""

from dataclasses import replace

from probe.core.mailbox import Mailbox, Route
from probe.core.outcome import Outcome
from probe.views.route_table import CHUNK, UP, RouteState, RouteTable
from tests.views.world import LIVE, MAILBOXES

STATE = RouteState(1.0, Outcome.DELIVERED, 2.0, 0.5)
PAIR = ("north-1", "reef-1")


def text(table: RouteTable) -> str:
    return b"".join(table.chunks()).decode()


def lines(table: RouteTable) -> list[str]:
    return [line for line in text(table).splitlines() if not line.startswith("#")]


def test_a_route_has_a_line_in_each_family() -> None:
    label_set = '{sender="north-1",recipient="reef-1",client="Acme"}'
    assert lines(RouteTable(LIVE, {PAIR: STATE})) == [
        f"mailprobe_route_up{label_set} 1",
        f"mailprobe_route_last_delivery_seconds{label_set} 0.5",
        f"mailprobe_route_last_verdict_timestamp_seconds{label_set} 2",
    ]


def test_only_mail_in_the_inbox_is_up() -> None:
    for outcome in set(Outcome) - {Outcome.UNOBSERVED}:
        state = replace(STATE, outcome=outcome)
        assert lines(RouteTable(LIVE, {PAIR: state}))[0].endswith(f" {int(outcome in UP)}")
    assert {Outcome.DELIVERED, Outcome.DELAYED} == UP


def test_an_unobserved_route_keeps_only_the_time_of_its_verdict() -> None:
    state = RouteState(1.0, Outcome.UNOBSERVED, 2.0, None)
    (only,) = lines(RouteTable(LIVE, {PAIR: state}))
    assert only.startswith("mailprobe_route_last_verdict_timestamp_seconds{")


def test_the_recipients_client_goes_before_the_senders() -> None:
    def client(sender: str, recipient: str) -> bool | str:
        (line, *_) = lines(RouteTable(LIVE, {(sender, recipient): STATE}))
        return 'client="' in line and line.split('client="')[1].split('"')[0]

    assert client("north-1", "tern-1") == "Zenith"
    assert client("north-1", "reef-1") == "Acme"
    assert client("north-2", "reef-1") is False


def test_a_change_rewrites_its_own_lines_only() -> None:
    other = ("tern-1", "reef-1")
    table = RouteTable(LIVE, {PAIR: STATE, other: STATE})
    before = lines(table)
    table.apply({PAIR: RouteState(3.0, Outcome.LOST, 4.0, None)})
    after = lines(table)
    assert [line for line in before if "tern-1" in line] == [x for x in after if "tern-1" in x]
    assert [line.rsplit(" ", 1)[1] for line in after if "north-1" in line] == ["0", "4"]


def test_a_route_that_is_not_configured_is_passed_over() -> None:
    table = RouteTable(LIVE, {("gone", "away"): STATE})
    table.apply({("gone", "away"): STATE})
    assert lines(table) == []


def test_a_table_fits_until_routes_or_mailboxes_change() -> None:
    table = RouteTable(LIVE, {})
    assert table.fits(
        replace(LIVE, now=LIVE.now + 1, routes=tuple(route for route in LIVE.routes))
    )
    assert not table.fits(replace(LIVE, routes=LIVE.routes[1:]))
    assert not table.fits(replace(LIVE, mailboxes=MAILBOXES[::-1]))


def test_the_pairs_of_providers_are_those_with_routes() -> None:
    assert RouteTable(LIVE, {}).provider_pairs == [
        ("North", "Reef"),
        ("North", "Tern"),
        ("Reef", "North"),
        ("Reef", "Tern"),
        ("Tern", "North"),
        ("Tern", "Reef"),
    ]


def test_many_routes_come_in_pieces_and_none_is_missing() -> None:
    boxes = tuple(Mailbox(f"m{n}", f"m{n}@x.example", "X") for n in range(60))
    routes = tuple(Route(a.id, b.id, 60, 300, 3600) for a in boxes for b in boxes if a != b)
    live = replace(LIVE, mailboxes=boxes, routes=routes)
    table = RouteTable(live, {route.pair: STATE for route in routes})
    assert len(routes) > 3 * CHUNK
    assert len(lines(table)) == 3 * len(routes)
    assert max(piece.count(b"\n") for piece in table.chunks()) == CHUNK
