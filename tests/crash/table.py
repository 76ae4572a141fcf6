"""The campaign as a table: a row for each moment."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from statistics import median

from tests.crash.account import Account
from tests.crash.campaign import Round

COLUMNS = ("moment", "rounds", "came", "probes", "twice", "falsely lost", "start p50", "max")
WIDTHS = (24, 7, 5, 7, 6, 13, 10, 6)


def table(rounds: list[Round], account: Account) -> str:
    """Moments in the order of the campaign, then the sum."""
    by_moment: dict[str, list[Round]] = defaultdict(list)
    for this in rounds:
        by_moment[this.moment].append(this)
    probes = _by_moment(rounds, account)
    lines = [_line(COLUMNS) + "  outcomes"]
    lines += [_row(one, by_moment[one], probes[one], account) for one in sorted(by_moment)]
    lines.append(_row("all", rounds, [one for of in probes.values() for one in of], account))
    return "\n".join(lines)


def _by_moment(rounds: list[Round], account: Account) -> dict[str, list[tuple[str, str]]]:
    """(probe, outcome) by the round in which it was planned."""
    starts = [this.began for this in rounds]
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for planned_at, probe, outcome in account.outcomes:
        this = rounds[max(0, bisect_right(starts, planned_at) - 1)]
        found[this.moment].append((probe, outcome))
    return found


def _row(name: str, rounds: list[Round], probes: list[tuple[str, str]], account: Account) -> str:
    rose = [this.rose_in for this in rounds if this.rose_in is not None]
    here = {probe for probe, _ in probes}
    cells = (
        name,
        len(rounds),
        sum(this.came for this in rounds),
        len(probes),
        len(here & set(account.twice)),
        len(here & set(account.falsely_lost)),
        f"{median(rose):.2f} s" if rose else "-",
        f"{max(rose):.2f}" if rose else "-",
    )
    outcomes = Counter(outcome for _, outcome in probes)
    said = ", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common())
    return f"{_line(cells)}  {said}"


def _line(cells: Iterable[object]) -> str:
    first, *rest = zip(cells, WIDTHS, strict=True)
    return f"{first[0]:<{first[1]}}" + "".join(f"{cell:>{width}}" for cell, width in rest)
