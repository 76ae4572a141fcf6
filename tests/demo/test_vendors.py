"""The vendors' data is what the standards allow."""

import dataclasses
import ipaddress

import pytest

from probe.config.settings import Tls
from probe.demo.fates import Fate, Rule
from probe.demo.vendors import VENDORS, Vendor
from probe.mail.reply import Reply

# RFC 5737 §3.
DOCUMENTATION = [
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
]
FACTS = {
    "queue_id": "0123456789BC",
    "message_id": "0123456789BC@smtp.northmail.test",
    "seconds": 1_772_625_600,
    "host": "smtp.northmail.test",
    "recipient": "a@northmail.test",
}


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.id)
def test_every_reply_carries_an_enhanced_code_of_its_own_class(vendor: Vendor) -> None:
    for name, words in dataclasses.asdict(vendor.words).items():
        line = words.format(**FACTS)
        reply = Reply(int(line[:3]), line[4:])
        assert reply.enhanced, f"{name}: {line}"
        assert len(line) <= 510, "RFC 5321 §4.5.3.1.5"
        assert (reply.code // 100) == {"accepted": 2, "later": 4}.get(name, 5)
        if name != "accepted":
            assert Rule(fate=Fate.REFUSE, reply=line).reply == line


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.id)
def test_names_and_addresses_are_nobody_s(vendor: Vendor) -> None:
    assert vendor.domain.endswith(".test")  # RFC 2606 §2
    address = ipaddress.ip_address(vendor.address)
    assert any(address in network for network in DOCUMENTATION)


def test_the_vendors_differ_in_what_a_client_must_cope_with() -> None:
    assert len({vendor.junk for vendor in VENDORS}) == len(VENDORS)
    assert {vendor.submission_tls for vendor in VENDORS} == {Tls.IMPLICIT, Tls.STARTTLS}
    assert {vendor.imap_tls for vendor in VENDORS} == {Tls.IMPLICIT, Tls.STARTTLS}
    assert [vendor.id for vendor in VENDORS if vendor.keeps_sent] == ["bluepost"]
    assert len({vendor.received for vendor in VENDORS}) == len(VENDORS)


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.id)
def test_a_hop_takes_milliseconds_not_seconds(vendor: Vendor) -> None:
    least, most = vendor.hop_seconds
    assert 0 < least < most < 0.3
