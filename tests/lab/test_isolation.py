"""Two labs on one machine do not meet, and what is left behind is nobody else's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.process import LabError, descendants, read_pid, run, wait_gone
from tests.lab.world import REPOSITORY, Lab, LabOccupiedError

SECOND_LAB = """
import sys
from pathlib import Path
from tests.lab.isolation import enter_own_network
from tests.lab.world import Lab

enter_own_network()
lab = Lab(Path(sys.argv[1]))
lab.start()
assert lab.faults.ask("who")["base"] == sys.argv[1]
lab.stop()
"""

CAP_SYS_ADMIN = 21
"""Bit in CapEff (capabilities(7)): without it there is no network namespace."""


def may_have_own_network() -> bool:
    status = Path("/proc/self/status").read_text()
    (effective,) = [line for line in status.splitlines() if line.startswith("CapEff:")]
    return bool(int(effective.split()[1], 16) >> CAP_SYS_ADMIN & 1)


def test_a_second_lab_in_this_network_is_told_who_was_first(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(LabOccupiedError, match=str(lab.base)) as occupied:
        Lab(tmp_path).start()
    assert occupied.value.pid == lab.switchboard_pid()
    assert all(lab.status().values())


def test_a_second_lab_runs_in_a_network_of_its_own_where_it_may(lab: Lab) -> None:
    # Beside the first lab's directory: pytest's own is closed to the users of the servers.
    base = lab.base / "second"
    done = subprocess.run(
        [sys.executable, "-c", SECOND_LAB, str(base)],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode == 0) is may_have_own_network(), done.stderr
    assert ("another lab is up" in done.stderr) is not may_have_own_network()
    assert not any(Lab(base).status().values())
    assert lab.faults.ask("who")["base"] == str(lab.base)


def test_a_pid_file_of_a_dead_or_foreign_process_names_nobody(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    assert read_pid(pid_file, tmp_path) is None
    for content in ("", "words", "4194305", str(os.getpid())):
        pid_file.write_text(content)
        assert read_pid(pid_file, tmp_path) is None


def test_a_pid_file_of_our_own_process_names_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    command = ["sh", "-c", "echo ready; read end", str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as ours:
        assert ours.stdin is not None
        assert ours.stdout is not None
        assert ours.stdout.readline() == b"ready\n"
        pid_file.write_text(f"{ours.pid}\n")
        assert read_pid(pid_file, tmp_path) == ours.pid
        assert ours.pid in descendants(os.getpid())
        ours.stdin.close()
        wait_gone([ours.pid])


def test_a_program_that_fails_is_an_error_with_its_words() -> None:
    with pytest.raises(LabError, match=r"ended with 3:\nthe reason"):
        run("sh", "-c", "echo the reason >&2; exit 3")
