"""The norms of the house, held by tools and not by hope."""

import ast
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
LONGEST_FILE = 300
LONGEST_FUNCTION = 50
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
ROOMS_OF_TESTS_ONLY = {"lab", "e2e", "bench", "crash"}


def modules() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each source file."""
    for path in sorted((REPOSITORY / "probe").rglob("*.py")):
        yield str(path.relative_to(REPOSITORY)), path.read_text()


def functions(name: str, text: str) -> Iterator[tuple[str, int]]:
    """Yield each function of a module, and how many lines it has."""
    for node in ast.walk(ast.parse(text, name)):
        if isinstance(node, FUNCTIONS) and node.end_lineno is not None:
            yield f"{name}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_a_file_has_one_job_and_so_is_short() -> None:
    lengths = {name: len(text.splitlines()) for name, text in modules()}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    lengths = [entry for module in modules() for entry in functions(*module)]
    assert [entry for entry in lengths if entry[1] > LONGEST_FUNCTION] == []


def test_a_module_says_in_its_first_line_what_it_is_for() -> None:
    silent = [name for name, text in modules() if not ast.get_docstring(ast.parse(text, name))]
    assert silent == []


def test_the_folders_of_tests_mirror_the_rooms_of_the_source() -> None:
    tests = REPOSITORY / "tests"
    tested = {path.relative_to(tests).parts[0] for path in tests.glob("*/**/test_*.py")}
    rooms = {path.name for path in (REPOSITORY / "probe").iterdir() if path.is_dir()}
    assert tested - rooms - ROOMS_OF_TESTS_ONLY == set()
