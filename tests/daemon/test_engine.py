"""All loops together."""

from probe.core.outcome import Outcome
from tests.daemon.house import House


async def test_a_probe_goes_round(house: House) -> None:
    await house.ready()
    await house.passes(130)

    assert house.finals()[:2] == [Outcome.DELIVERED, Outcome.DELIVERED]
    assert house.events() == ["Accepted", "Sighted"]
