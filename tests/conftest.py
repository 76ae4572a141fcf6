"""What all tests share: the mail lab, and what a skipped test means."""

import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TypeVar

import hypothesis
import pytest

from tests.lab.isolation import enter_own_network, why_impossible
from tests.lab.process import wait_gone
from tests.lab.world import Lab, LabOccupiedError

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

LAB_USERS = 6
"""Mailboxes user1..user6 at each provider, beside `monitor` and `full`."""

OTHER_LAB_SECONDS = 600.0
"""How long a test run waits for another lab, where it cannot have a network of its own."""

# How fast an example runs says how busy the machine is, and nothing of what is tested.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the lab, so that ``-m lab`` and ``-m "not lab"`` choose."""
    for item in items:
        if "lab" in getattr(item, "fixturenames", ()):
            item.add_marker("lab")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Move to a network of our own before anything listens, so that labs cannot collide."""
    wanted = any(item.get_closest_marker("lab") for item in session.items)
    if wanted and not session.config.option.collectonly and why_impossible() is None:
        enter_own_network()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With ``CI=true``, let a skipped test fail: there, everything must be had."""
    report = yield
    if hasattr(report, "wasxfail"):
        return report
    if report.skipped and item.get_closest_marker("lab") and (reason := why_impossible()):
        # One place for all of them, which pytest then reports in one line.
        report.longrepr = (__file__, 1, f"Skipped: {reason}")
    return _fail_if_skipped(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a file that skips itself as a whole."""
    report = yield
    return _fail_if_skipped(report)


def _fail_if_skipped(report: Report) -> Report:
    if report.skipped and os.environ.get("CI") == "true":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"CI=true, and so a skipped test is a failed one. {reason}"
    return report


@pytest.fixture(scope="session")
def running_lab() -> Iterator[Lab]:
    """The mail lab, up for the whole session."""
    if reason := why_impossible():
        pytest.skip(reason)
    base = Path(tempfile.mkdtemp(prefix="mailprobe-lab-"))
    lab = Lab(base, users=LAB_USERS)
    try:
        _start(lab)
        yield lab
    finally:
        lab.stop()
        shutil.rmtree(base)


def _start(lab: Lab) -> None:
    try:
        lab.start()
    except LabOccupiedError as error:
        print(f"\nWaiting up to {OTHER_LAB_SECONDS:.0f} s: {error}", flush=True)  # noqa: T201
        wait_gone([error.pid], OTHER_LAB_SECONDS)
        lab.start()


@pytest.fixture
def lab(running_lab: Lab) -> Lab:
    """The mail lab without faults, all servers up, all mailboxes and queues empty."""
    running_lab.reset()
    return running_lab
