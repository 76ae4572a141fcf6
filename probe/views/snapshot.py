"""What a scrape says that is computed from one snapshot and the counts."""

from collections.abc import Iterable, Iterator

from probe.core.live import Live, LoopTurn
from probe.core.outcome import Outcome
from probe.core.tally import DELIVERY_BUCKETS, Delivery, Pair, Tallies
from probe.views.exposition import escape, family, histogram, labels

ODDITIES = {
    "forged": (
        "forged_tokens_total",
        "Messages with a token of our instance whose signature is not ours",
    ),
    "strangers": ("foreign_tokens_total", "Messages with a token of another instance"),
    "unknown": (
        "unknown_tokens_total",
        "Messages with a rightly signed token of a probe that the journal does not know",
    ),
    "misplaced": (
        "misplaced_messages_total",
        "Messages of ours in a mailbox where their route does not lead",
    ),
    "duplicates": ("duplicate_messages_total", "Second and further copies of a probe"),
    "kept": ("undeletable_messages_total", "Messages of ours that a server did not let us remove"),
    "unfired": (
        "probes_not_fired_total",
        "Probes due and not sent: budget spent, queue full, or journal shut",
    ),
}
"""Field of Oddities: its counter's name and help."""


def copied(tallies: Tallies) -> Tallies:
    """Copy the counts, so that another thread may read them."""
    return Tallies(
        dict(tallies.concluded),
        dict(tallies.revised),
        {pair: Delivery(list(d.counts), d.total_seconds) for pair, d in tallies.delivery.items()},
    )


def pair_families(pairs: Iterable[Pair], tallies: Tallies) -> Iterator[str]:
    """Counters and delivery times of these pairs of providers."""
    inner = {pair: _pair_labels(pair) for pair in pairs}
    yield family(
        "probes_total",
        "counter",
        "Probes by their first final outcome",
        (
            (f'{{{text},outcome="{outcome}"}}', tallies.concluded.get((pair, outcome), 0))
            for pair, text in inner.items()
            for outcome in Outcome
        ),
    )
    yield family(
        "probes_revised_total",
        "counter",
        "Final outcomes that a late fact changed into another",
        (
            (f'{{{inner[pair]},was="{was}",outcome="{outcome}"}}', count)
            for (pair, was, outcome), count in sorted(tallies.revised.items())
            if pair in inner
        ),
    )
    nothing = Delivery()
    yield histogram(
        "delivery_seconds",
        "Seconds from the accepting reply until the message was visible; exact times only",
        DELIVERY_BUCKETS,
        (
            (text, delivery.counts, delivery.total_seconds)
            for pair, text in inner.items()
            for delivery in (tallies.delivery.get(pair, nothing),)
        ),
    )


def live_families(live: Live) -> Iterator[str]:
    """What the program says of itself."""
    yield from _flight_families(live)
    yield from _watch_families(live)
    yield from _oddity_families(live)
    yield family(
        "loop_last_turn_timestamp_seconds",
        "gauge",
        "When the loop last came round",
        ((labels(loop=turn.name), turn.last_turn) for turn in _oldest_turns(live)),
    )
    yield _single(
        "config_last_reload_successful",
        "Whether the config in force is the last one that was asked for",
        not live.config_error,
    )
    yield _single(
        "config_last_reload_success_timestamp_seconds",
        "When the config in force was loaded",
        live.config_loaded_at,
    )
    yield _single(
        "journal_writable",
        "Whether the journal can be written; while it cannot, no probe is sent",
        live.journal_writable,
    )


def _flight_families(live: Live) -> Iterator[str]:
    yield _single("in_flight", "Probes without a final outcome", live.in_flight)
    oldest = live.oldest_in_flight_at
    age = 0.0 if oldest is None else max(0.0, live.now - oldest)
    yield _single(
        "oldest_in_flight_seconds", "Age of the oldest probe without a final outcome", age
    )


def _watch_families(live: Live) -> Iterator[str]:
    home = {box.id: box.provider for box in live.mailboxes}
    watches = {
        labels(
            mailbox=watch.mailbox, provider=home.get(watch.mailbox, ""), folder=watch.folder
        ): watch
        for watch in live.watches
    }
    yield family(
        "mailbox_watched",
        "gauge",
        "Whether the folder of the mailbox is being watched",
        ((label_set, watch.watched) for label_set, watch in watches.items()),
    )
    yield family(
        "mailbox_unwatched_seconds_total",
        "counter",
        "Seconds in which the folder of the mailbox was not watched, since the process started",
        ((label_set, watch.unwatched_seconds) for label_set, watch in watches.items()),
    )


def _oddity_families(live: Live) -> Iterator[str]:
    for field, (name, text) in ODDITIES.items():
        count: int = getattr(live.oddities, field)
        yield family(name, "counter", text, [("", count)])


def _oldest_turns(live: Live) -> list[LoopTurn]:
    """One turn for each name, the one longest ago: two series of one name fail a scrape."""
    turns: dict[str, LoopTurn] = {}
    for turn in live.loops:
        known = turns.setdefault(turn.name, turn)
        if turn.last_turn < known.last_turn:
            turns[turn.name] = turn
    return list(turns.values())


def _single(name: str, text: str, value: float) -> str:
    return family(name, "gauge", text, [("", value)])


def _pair_labels(pair: Pair) -> str:
    sender, recipient = pair
    return f'sender_provider="{escape(sender)}",recipient_provider="{escape(recipient)}"'
