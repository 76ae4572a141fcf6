"""Meshed and listed routes, and what they ask of the mailboxes."""

from collections.abc import Callable

import pytest

from probe.config.settings import Settings

Load = Callable[[str], Settings]
Refuse = Callable[[str], list[str]]


def boxes(**providers: int) -> str:
    """Mailboxes ``n0``, ``n1``, ... at ``n`` and so on, with a budget that is no limit."""
    entries = [
        f"  - {{id: {provider}{i}, address: {provider}{i}@example.com, provider: {provider}, "
        "auth: {password: '${PW}'}, sends_per_day: 1000000, "
        "smtp: {host: h.example}, imap: {host: h.example}}\n"
        for provider, count in providers.items()
        for i in range(count)
    ]
    return "mailboxes:\n" + "".join(entries)


def pairs(settings: Settings) -> set[tuple[str, str]]:
    assert len({route.pair for route in settings.routes}) == len(settings.routes)
    return {route.pair for route in settings.routes}


def test_without_a_section_the_providers_are_meshed(config: Load) -> None:
    assert pairs(config(boxes(n=1, s=1))) == {("n0", "s0"), ("s0", "n0")}


def test_a_list_alone_makes_no_mesh(config: Load) -> None:
    settings = config(boxes(n=1, s=2) + "routes: {list: [{from: n0, to: s1}]}\n")
    assert pairs(settings) == {("n0", "s1")}


def test_all_joins_also_mailboxes_of_one_provider(config: Load) -> None:
    assert len(pairs(config(boxes(n=2, s=1) + "routes: {mesh: all}\n"))) == 6


def test_a_listed_route_overrides_the_meshed_one(config: Load) -> None:
    listed = "{from: n0, to: s0, interval: 10m, delayed_after: 2m, lost_after: 20m}"
    settings = config(boxes(n=1, s=1) + f"routes: {{mesh: providers, list: [{listed}]}}\n")
    times = {r.pair: (r.interval, r.delayed_after, r.lost_after) for r in settings.routes}
    assert times == {("n0", "s0"): (600, 120, 1200), ("s0", "n0"): (900, 300, 3600)}


def test_a_listed_route_takes_the_rest_from_the_defaults(config: Load) -> None:
    defaults = "defaults: {interval: 20m, delayed_after: 6m, lost_after: 2h}\n"
    text = defaults + boxes(n=1, s=1) + "routes: {list: [{from: n0, to: s0, interval: 1h}]}\n"
    [route] = config(text).routes
    assert (route.interval, route.delayed_after, route.lost_after) == (3600, 360, 7200)


def test_a_listed_route_within_one_provider_is_welcome(config: Load) -> None:
    settings = config(boxes(n=2) + "routes: {list: [{from: n0, to: n1}]}\n")
    assert pairs(settings) == {("n0", "n1")}


def test_a_mesh_of_millions_is_refused_before_it_is_made(refusal: Refuse) -> None:
    text = "mailboxes:\n" + "".join(
        f"  - {{id: n{i}, address: n{i}@example.com, provider: north, "
        "auth: {password: '${PW}'}}\n"
        for i in range(400)
    )
    [line] = refusal(f"{text}routes: {{mesh: all}}\n")
    assert "routes.mesh: this mesh makes 159600 routes, more than 100000" in line


def test_the_proposed_interval_fits(config: Load, refusal: Refuse) -> None:
    text = boxes(n=1, s=3).replace("1000000", "100", 1) + "routes: {mesh: providers}\n"
    [line] = refusal(text)
    assert "n0 would send 288 messages a day over 3 routes, more than its 100" in line
    assert "an interval of 43m12s or longer would fit" in line
    config(f"defaults: {{interval: 43m12s}}\n{text}")
    assert refusal(f"defaults: {{interval: 43m11s}}\n{text}")


def test_a_budget_that_is_just_enough_is_accepted(config: Load) -> None:
    config(boxes(n=1, s=1).replace("1000000", "96"))


def test_wrong_defaults_are_not_counted_against_the_routes(refusal: Refuse, two: str) -> None:
    tight = f"{two}    sends_per_day: 1\n"  # too little for any interval but 1d
    lines = refusal(f"defaults: {{interval: 1D, delayed_after: 2h}}\n{tight}")
    assert [line.split(": ")[1] for line in lines] == ["defaults.interval"]


def test_polling_must_be_quicker_than_the_strictest_route(config: Load, refusal: Refuse) -> None:
    text = boxes(n=1, s=1) + (
        "routes: {mesh: providers, list: [{from: n0, to: s0, delayed_after: 60s}]}\n"
    )
    [line] = refusal(text)
    assert "mailboxes.1.imap.poll: poll (1m) must be shorter than the delayed_after (1m)" in line
    config(text.replace("delayed_after: 60s", "delayed_after: 61s"))


@pytest.mark.parametrize("interval", ["1s", "30d"])
def test_intervals_reach_from_a_second_to_a_month(config: Load, interval: str) -> None:
    settings = config(f"defaults: {{interval: {interval}}}\n{boxes(n=1, s=1)}")
    assert len(settings.routes) == 2
