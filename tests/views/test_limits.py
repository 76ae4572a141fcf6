"""How many and how fast: pure bookkeeping."""

import pytest

from probe.views.limits import PEERS_KNOWN, Bucket, Crowd, Pace, peer_of


@pytest.mark.parametrize(
    ("address", "peer"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_a_peer_is_an_address_or_the_network_of_one_host(address: str, peer: str) -> None:
    assert peer_of(address) == peer


def test_one_peer_cannot_take_the_room_of_all() -> None:
    crowd = Crowd(most=3, of_one=2)
    assert [crowd.enter("a") for _ in range(3)] == [True, True, False]
    assert crowd.enter("b")
    assert not crowd.enter("c")  # full
    crowd.leave("a")
    assert crowd.enter("c")


def test_who_left_is_forgotten() -> None:
    crowd = Crowd()
    for n in range(100):
        assert crowd.enter(str(n))
        crowd.leave(str(n))
    assert not crowd._inside


def test_a_bucket_fills_with_time_and_not_beyond_its_brim() -> None:
    bucket = Bucket(per_second=2.0, burst=3.0, at=0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(0.5), bucket.take(0.5)] == [True, False]
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]


def test_what_is_dear_takes_more() -> None:
    bucket = Bucket(per_second=1.0, burst=10.0, at=0.0)
    assert [bucket.take(0.0, 6.0), bucket.take(0.0, 6.0), bucket.take(0.0, 4.0)] == [
        True, False, True,
    ]  # fmt: skip


def test_peers_do_not_spend_each_others_tokens_and_their_table_is_bounded() -> None:
    pace = Pace(per_second=1.0, burst=1.0)
    assert [pace.take("a", 0.0), pace.take("a", 0.0), pace.take("b", 0.0)] == [True, False, True]
    for n in range(3 * PEERS_KNOWN):
        assert pace.take(f"peer {n}", 0.0)
    assert len(pace._buckets) == PEERS_KNOWN
