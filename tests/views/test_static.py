"""Style and script."""

import re
from pathlib import Path

import probe.views
from probe.views.static import VERSION
from tests.views.world import Client

FOLDER = Path(probe.views.__file__).parent / "static"


async def test_each_file_is_served_as_it_is_with_its_type(client: Client) -> None:
    for name, kind in (("page.css", "text/css"), ("refresh.js", "text/javascript")):
        response, text = await client.get(f"/static/{name}")
        assert response.status == 200
        assert response.content_type == kind
        assert text == (FOLDER / name).read_text()


async def test_a_file_is_kept_for_long_only_under_its_version(client: Client) -> None:
    response, _ = await client.get(f"/static/page.css?v={VERSION}")
    assert "immutable" in response.headers["Cache-Control"]
    response, _ = await client.get("/static/page.css?v=other")
    assert response.headers["Cache-Control"] == "no-cache"


async def test_the_page_asks_for_the_version_that_is_served(client: Client) -> None:
    _, text = await client.get("/")
    assert set(re.findall(r"/static/[\w.]+\?v=(\w+)", text)) == {VERSION}


def test_style_and_script_fetch_nothing_from_elsewhere() -> None:
    for path in FOLDER.iterdir():
        assert not re.search(r"https?://|@import|url\(", path.read_text()), path.name
