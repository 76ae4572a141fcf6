"""The JSON of the API: documents of probes, facts and routes. Times RFC 3339, absent is null."""

from collections import Counter
from typing import Any, assert_never

from probe.core.event import (
    Accepted,
    Event,
    Expired,
    Notified,
    Refused,
    Sighted,
    Transcript,
    Unconfirmed,
    Unsent,
)
from probe.core.live import Live
from probe.core.outcome import Outcome
from probe.core.tally import Tallies
from probe.journal.records import History, RouteStanding, Standing
from probe.mail.reply import Reply
from probe.mail.trace import Hop, parse
from probe.views.wording import rfc3339

Document = dict[str, Any]


def time(at: float | None) -> str | None:
    """Write a time, or null."""
    return None if at is None else rfc3339(at)


def probe_document(standing: Standing | History) -> Document:
    """Describe one probe; the keys are a contract (docs/metrics.md, "JSON")."""
    probe, verdict = standing.probe, standing.verdict
    return {
        "id": probe.id,
        "sender": probe.sender,
        "recipient": probe.recipient,
        "sender_provider": probe.sender_provider,
        "recipient_provider": probe.recipient_provider,
        "submitted_at": time(verdict.submitted_at),
        "outcome": verdict.outcome,
        "final": verdict.final,
        "delivery_seconds": verdict.delivery_seconds,
        "estimated": verdict.estimated,
        "folder": verdict.folder,
        # Attribution and confirming probes fill these; until they exist nothing is claimed.
        "reason": None,
        "side": None,
        "confidence": None,
        "component": None,
        "confirming": None,
    }


def history_document(history: History) -> Document:
    """Describe one probe with all its facts."""
    return probe_document(history) | {
        "planned_at": time(history.probe.planned_at),
        "detail": history.verdict.detail or None,
        "events": [event_document(event) for event in history.events],
    }


def event_document(event: Event) -> Document:  # noqa: PLR0911 - one for each kind of event
    """Describe one fact."""
    document = {"event": type(event).__name__.lower(), "at": time(event.at)}
    match event:
        case Accepted():
            return document | {"reused": event.reused} | _reply(event.reply) | _exchange(event)
        case Refused():
            return document | {"stage": event.stage} | _reply(event.reply) | _exchange(event)
        case Unsent():
            facts = {"stage": event.stage, "cause": event.cause, "detail": event.detail}
            return document | facts | _exchange(event)
        case Unconfirmed():
            return document | {"cause": event.cause, "detail": event.detail} | _exchange(event)
        case Sighted():
            return document | _sighting(event)
        case Notified():
            return document | _notification(event)
        case Expired():
            return document | {"watched": event.watched, "detail": event.detail or None}
        case _:
            assert_never(event)


def route_documents(
    live: Live, standings: dict[tuple[str, str], RouteStanding], since: float | None = None
) -> list[Document]:
    """Describe the configured routes, sorted, with the last verdict of each.

    ``since`` leaves out those without a verdict since then.
    """
    home = {box.id: box for box in live.mailboxes}
    documents = []
    for route in sorted(live.routes, key=lambda route: route.pair):
        sender, recipient = home[route.sender], home[route.recipient]
        standing = standings.get(route.pair)
        if since is not None and (standing is None or standing.at < since):
            continue
        documents.append(
            {
                "sender": route.sender,
                "recipient": route.recipient,
                "sender_provider": sender.provider,
                "recipient_provider": recipient.provider,
                "client": recipient.client or sender.client or None,
                "interval_seconds": route.interval,
                "delayed_after_seconds": route.delayed_after,
                "lost_after_seconds": route.lost_after,
                "outcome": standing.outcome if standing else None,
                "verdict_at": time(standing.at) if standing else None,
                "delivery_seconds": standing.delivery_seconds if standing else None,
            }
        )
    return documents


def provider_documents(live: Live, tallies: Tallies) -> list[Document]:
    """Describe the configured providers, sorted; counts since the journal began."""
    mailboxes = Counter(box.provider for box in live.mailboxes)
    home = {box.id: box.provider for box in live.mailboxes}
    blind = {home.get(watch.mailbox) for watch in live.watches if not watch.watched}
    sent = {name: dict.fromkeys(Outcome, 0) for name in mailboxes}
    received = {name: dict.fromkeys(Outcome, 0) for name in mailboxes}
    for ((sender, recipient), outcome), count in tallies.concluded.items():
        if sender in sent:
            sent[sender][outcome] += count
        if recipient in received:
            received[recipient][outcome] += count
    return [
        {
            "provider": name,
            "mailboxes": mailboxes[name],
            "watched": name not in blind,
            "sent": sent[name],
            "received": received[name],
        }
        for name in sorted(mailboxes)
    ]


def _reply(reply: Reply) -> Document:
    enhanced = str(reply.enhanced) if reply.enhanced else None
    return {
        "reply": {"code": reply.code, "enhanced": enhanced, "text": reply.text},
        "queue_id": reply.queue_id,
    }


def _exchange(event: Accepted | Refused | Unsent | Unconfirmed) -> Document:
    return {
        "timings": {stage.value: seconds for stage, seconds in event.timings.items()},
        "transcript": _transcript(event.transcript),
    }


def _transcript(transcript: Transcript) -> list[Document]:
    return [
        {"offset": line.offset, "speaker": line.speaker, "text": line.text} for line in transcript
    ]


def _sighting(event: Sighted) -> Document:
    return {
        "folder": event.folder,
        "not_before": time(event.not_before),
        "internal_date": time(event.internal_date),
        "clock_offset": event.clock_offset,
        "hops": [_hop(hop) for hop in parse(event.header)],
    }


def _hop(hop: Hop) -> Document:
    return {
        "by": hop.by or None,
        "from": hop.from_ or None,
        "with": hop.with_ or None,
        "id": hop.id or None,
        "at": time(hop.at),
        "delay": hop.delay,
        "skewed": hop.skewed,
    }


def _notification(event: Notified) -> Document:
    return {
        "action": event.dsn.action,
        "reporting_mta": event.dsn.reporting_mta,
        "recipients": [
            {
                "recipient": recipient.recipient,
                "status": recipient.status,
                "action": recipient.action,
                "diagnostic": recipient.diagnostic,
                "remote_mta": recipient.remote_mta,
            }
            for recipient in event.dsn.recipients
        ],
    }
