"""The daemon on real servers: through stops, blindness and bad configs."""

import asyncio
from pathlib import Path

import pytest

from probe.core.outcome import Outcome
from probe.journal.reader import Reader
from tests.e2e.daemon import Daemon, until
from tests.e2e.lab_config import LabConfig
from tests.e2e.roundtrips import measure
from tests.lab.addresses import IMAP
from tests.lab.proxy import BOTH, TcpProxy
from tests.lab.world import Lab

pytestmark = pytest.mark.timeout(150)  # whole processes, on a machine that may be busy


async def test_every_round_trip_is_observed_and_measured_as_the_wire_saw_it(
    lab: Lab, tmp_path: Path
) -> None:
    figures = await measure(lab, tmp_path, 120)

    assert set(figures.outcomes) == {Outcome.DELIVERED}
    assert figures.pairs == 6
    # The rest came while the daemon was stopped, or was read before the server had pushed it.
    assert len(figures.from_push) > 0.5 * figures.outcomes.total()
    assert figures.from_store[0] > 0  # never seen before the server had stored it


async def test_a_stop_in_the_middle_of_traffic_loses_and_repeats_nothing(
    lab: Lab, tmp_path: Path
) -> None:
    config = LabConfig(lab, tmp_path)
    daemon = config.daemon()
    for rounds in range(1, 4):
        async with daemon:
            await daemon.concluded(10 * rounds)
            assert await daemon.stop() == 0
        async with daemon:
            await daemon.concluded(10 * rounds + 5)  # and then it is killed

    await config.finish(daemon)

    standings = daemon.probes()
    assert all(standing.verdict.final for standing in standings)
    assert {standing.verdict.outcome for standing in standings} <= {
        Outcome.DELIVERED,
        Outcome.UNSENT,  # killed between the journal and the server: never handed over
    }
    assert all(standing.verdict.sightings <= 1 for standing in standings)


@pytest.mark.timeout(330)  # a watcher notices a stall after a minute or two; see its own guards
async def test_what_could_not_be_seen_is_not_called_lost(lab: Lab, tmp_path: Path) -> None:
    config = LabConfig(lab, tmp_path)
    config.document["defaults"] |= {"delayed_after": "11s", "lost_after": "12s"}
    async with TcpProxy(lab.beta.address, IMAP) as proxy, config.through(proxy, 1) as daemon:
        await daemon.concluded(12)
        proxy.stall(*BOTH)  # the servers go on: mail is delivered and cannot be read
        stalled_at = (await asyncio.to_thread(daemon.probes))[-1].probe.planned_at

        async def unobserved() -> bool:
            return await daemon.metric("probes_total", outcome="unobserved") >= 3

        await until(unobserved, "probes to beta are unobserved", seconds=150)
        assert await daemon.metric("mailbox_watched", provider="beta") == 0
        assert await daemon.metric("probes_total", outcome="lost") == 0
        assert await daemon.metric("mailbox_unwatched_seconds_total", provider="beta") > 60

        proxy.resume()

        async def found() -> bool:
            return await daemon.metric("probes_revised_total", was="unobserved") >= 3

        await until(found, "what arrived meanwhile is found", seconds=90)
        assert await daemon.metric("mailbox_watched", provider="beta") == 2
        assert await daemon.metric("probes_total", outcome="lost") == 0
        assert await daemon.stop() == 0
        await config.finish(daemon)

    _judged_by_the_servers_clock(daemon, "beta", stalled_at)


def _judged_by_the_servers_clock(daemon: Daemon, provider: str, stalled_at: float) -> None:
    """What came while we were blind took the time that the server tells, not that of ours."""
    to_it = [s for s in daemon.probes() if s.probe.recipient_provider == provider]
    unseen = [
        standing.verdict
        for standing in to_it
        if stalled_at < standing.probe.planned_at < stalled_at + 60
    ]
    assert len(unseen) > 60
    assert {verdict.outcome for verdict in unseen} == {Outcome.DELIVERED}
    assert all(verdict.estimated for verdict in unseen)

    # An estimate never enters the histogram.
    with Reader(daemon.journal) as reader:
        delivery = reader.tallies().delivery
    observed = sum(sum(d.counts) for (_, to), d in delivery.items() if to == provider)
    assert observed == sum(not standing.verdict.estimated for standing in to_it)


async def test_every_outcome_is_reached_on_real_servers(lab: Lab, tmp_path: Path) -> None:
    config = LabConfig(lab, tmp_path)
    config.document["defaults"] |= {"delayed_after": "11s", "lost_after": "14s"}
    async with config.daemon() as daemon:
        await daemon.concluded(12)

        async def reached(outcome: Outcome) -> None:
            async def counted() -> bool:
                return await daemon.metric("probes_total", outcome=outcome) > 0

            await until(counted, f"a probe is {outcome}", lambda: daemon.log.read_text()[-3000:])

        with lab.faults.junk(at="beta"):
            await reached(Outcome.JUNKED)
        with lab.faults.refuse(
            at="alpha", code=550, enhanced="5.7.1", text="no", stage="submission"
        ):
            await reached(Outcome.REFUSED)
        with lab.faults.refuse(at="gamma", code=550, enhanced="5.1.1", text="no such user"):
            await reached(Outcome.BOUNCED)
        with lab.faults.discard(at="beta"):
            await reached(Outcome.LOST)
        with lab.faults.greylist(at="gamma", seconds=12):
            await reached(Outcome.DELAYED)
        lab.alpha.smtp.stop()
        await reached(Outcome.UNSENT)
