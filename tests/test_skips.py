"""Where everything must be had (CI=true), a skipped test is a failed one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
SKIPS_A_TEST = "import pytest\n\ndef test_it():\n    pytest.skip('no root here')\n"
SKIPS_ITSELF = "import pytest\n\npytest.skip('no apt here', allow_module_level=True)\n"
FAILS_AS_EXPECTED = "import pytest\n\n@pytest.mark.xfail\ndef test_it():\n    assert False\n"


def run_tests(folder: Path, source: str, ci: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_sample.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-ra", str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, "CI": ci},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.parametrize(
    ("source", "reason"), [(SKIPS_A_TEST, "no root here"), (SKIPS_ITSELF, "no apt here")]
)
def test_with_ci_a_skip_fails_and_says_so(tmp_path: Path, source: str, reason: str) -> None:
    done = run_tests(tmp_path, source, ci="true")
    assert done.returncode in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}
    assert "CI=true, and so a skipped test is a failed one" in done.stdout
    assert reason in done.stdout


@pytest.mark.parametrize("source", [SKIPS_A_TEST, FAILS_AS_EXPECTED])
def test_otherwise_nothing_fails(tmp_path: Path, source: str) -> None:
    assert run_tests(tmp_path, source, ci="").returncode == 0


def test_a_skip_gives_its_reason_in_one_line(tmp_path: Path) -> None:
    done = run_tests(tmp_path, SKIPS_A_TEST, ci="")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert "no root here" in line


def test_with_ci_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    assert run_tests(tmp_path, FAILS_AS_EXPECTED, ci="true").returncode == 0
