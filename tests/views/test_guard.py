"""What holds for every answer."""

import asyncio
from pathlib import Path

import pytest
import structlog

from probe.views import archive, guard
from probe.views.headers import HEADERS
from tests.views.world import Client, World

EVERYWHERE = ["/", "/metrics", "/healthz", "/api/v1/probes", "/static/page.css", "/nowhere"]


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_every_answer_has_the_strict_headers(client: Client, path: str) -> None:
    response, _ = await client.get(path)
    for name, value in HEADERS.items():
        assert response.headers.getall(name) == [value]
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", [path for path in EVERYWHERE if "static" not in path])
async def test_nothing_but_style_and_script_is_stored(client: Client, path: str) -> None:
    response, _ = await client.get(path)
    assert response.headers["Cache-Control"] == "no-store"


async def test_errors_below_api_are_json_of_one_line(client: Client) -> None:
    for path, status in (("/api/v1/nothing", 404), ("/api/v1/probes/nothing", 404)):
        response, text = await client.get(path)
        assert response.status == status
        assert set(await response.json()) == {"error"}
        assert "\n" not in text


async def test_errors_elsewhere_are_text_of_one_line(client: Client) -> None:
    response, text = await client.get("/probes/nothing")
    assert response.status == 404
    assert response.content_type == "text/plain"
    assert text.count("\n") == 1
    assert text.startswith("no such probe")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST", "TRACE", "QUERY"])
async def test_other_methods_are_not_allowed(client: Client, method: str) -> None:
    response, _ = await client.ask(method, "/")
    assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")


@pytest.mark.parametrize("name", ["../web.py", "..%2fweb.py", "%2e%2e/web.py", "page.css%00", ""])
async def test_no_file_outside_the_table_is_served(client: Client, name: str) -> None:
    response, text = await client.get(f"/static/{name}")
    assert response.status == 404
    assert "import" not in text


async def test_a_journal_that_cannot_be_read_is_told(world: World, client: Client) -> None:
    for path in world.path.parent.glob("journal.db*"):
        path.write_bytes(b"this is no database\n" * 100)
    response, text = await client.get("/")
    assert response.status == 503
    assert text.startswith("the journal cannot be read: ")
    assert response.headers["Retry-After"] == "5"


async def test_a_journal_that_is_not_there_is_told(
    world: World, client: Client, tmp_path: Path
) -> None:
    world.path = tmp_path / "gone" / "journal.db"
    response, text = await client.get("/api/v1/probes")
    assert response.status == 503
    assert (await response.json())["error"].startswith("the journal cannot be read: ")
    assert str(tmp_path) not in text


async def test_an_answer_that_takes_too_long_is_given_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "ANSWER_TIMEOUT", 0.05)

    async def forever() -> str:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    monkeypatch.setattr(world, "reload", forever)
    async with world.served() as client:
        response, text = await client.ask("POST", "/-/reload", headers={"X-Mailprobe-Reload": "1"})
    assert (response.status, text) == (503, "no answer in time\n")


async def test_too_many_questions_at_once_are_turned_away(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "WAITING", 0)
    response, _ = await client.get("/")
    assert response.status == 503


async def test_an_error_of_ours_is_one_line_outside_and_a_trace_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> str:
        raise ZeroDivisionError("inner detail")

    monkeypatch.setattr(world, "reload", broken)
    with structlog.testing.capture_logs() as entries:
        async with world.served() as client:
            response, text = await client.ask(
                "POST", "/-/reload", headers={"X-Mailprobe-Reload": "1"}
            )
    assert (response.status, text) == (500, "an error of mailprobe itself; its log says more\n")
    assert entries == [
        {
            "event": "request.failed",
            "log_level": "error",
            "method": "POST",
            "path": "/-/reload",
            "exc_info": True,
        }
    ]
