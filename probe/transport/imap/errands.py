"""Removing what is ours, and nothing else.

No message is marked before its header was fetched from the very folder that is open for
writing, and its signature verified there and then: a UID remembered from yesterday, or a
subject that looks right, is no proof.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from probe.core.message import SUBJECT_WORD
from probe.core.observation import Kept, MessageRef, Observation, Removed
from probe.transport.imap import refusal, sequences
from probe.transport.imap.parse import Fetch, Status
from probe.transport.imap.reading import Place
from probe.transport.imap.session import HEADER_OCTETS, Opened, Session, imap_date
from probe.transport.imap.words import words

AT_ONCE = 100
"""Messages in one go: a few round trips, so that INBOX is not left alone for long."""

TIDY_LIMIT = 500
"""Messages of one folder looked at in one tidying; if there are more, the next one goes on."""

IsOurs = Callable[[bytes, bytes | None], float | None]
"""When the probe was sent that a message is, or is a report about; None: not ours.

Asked with the header, and with the whole message where the header looks like a report."""


@dataclass(slots=True)
class _Harvest:
    """What became of each message."""

    removed: list[int]
    kept: dict[str, list[int]]

    def keep(self, uids: Collection[int], why: str) -> None:
        if uids:
            self.kept.setdefault(why, []).extend(uids)


class Errands:
    """Removes messages in one session."""

    def __init__(
        self,
        session: Session,
        *,
        now: Callable[[], float],
        is_ours: IsOurs,
        looks_like_report: Callable[[bytes], bool],
    ) -> None:
        self._session = session
        self._now = now
        self._is_ours = is_ours
        self._looks_like_report = looks_like_report

    async def remove(self, place: Place, refs: Sequence[MessageRef]) -> list[Observation]:
        """Remove these messages of one folder; at most AT_ONCE."""
        opened = await self._session.open(place.wire, writable=True)
        current = [ref.uid for ref in refs if ref.uidvalidity == opened.uidvalidity]
        stale = tuple(ref for ref in refs if ref.uidvalidity != opened.uidvalidity)
        observations: list[Observation] = []
        if stale:
            why = "the folder was renumbered; tidying will find what is left"
            observations.append(Kept(self._now(), stale, why))
        harvest = await self._harvest(current, before=None)
        return observations + self._report(place, opened, harvest)

    async def tidy(self, place: Place, sent_before: float) -> list[Observation]:
        """Remove what we sent before that moment, as far as a search for our subject finds it."""
        opened = await self._session.open(place.wire, writable=True)
        # By the server's date, in its zone: a day later, and the token's own time decides.
        until = imap_date(sent_before, days=2)
        found = await self._session.search("SUBJECT", f'"{SUBJECT_WORD}"', "BEFORE", until)
        total = _Harvest([], {})
        for start in range(0, min(len(found), TIDY_LIMIT), AT_ONCE):
            part = await self._harvest(found[start : start + AT_ONCE], before=sent_before)
            total.removed += part.removed
            for why, uids in part.kept.items():
                total.keep(uids, why)
        return self._report(place, opened, total)

    async def _harvest(self, uids: Sequence[int], *, before: float | None) -> _Harvest:
        """Verify and remove. With ``before``, what is foreign or younger is not spoken of."""
        harvest = _Harvest([], {})
        fetched, status = await self._session.headers(uids) if uids else ([], None)
        if status is not None and status.kind != "OK":
            _stop_if_throttled(status, "UID FETCH")
            harvest.keep(uids, _say(status))
            return harvest
        ours = [item.uid or 0 for item in fetched if await self._may_go(item, before)]
        if before is None:
            present = {item.uid or 0 for item in fetched}
            harvest.removed += [uid for uid in uids if uid not in present]  # gone already
            harvest.keep(present - set(ours), "the signature is not ours")
        if ours:
            await self._delete(ours, harvest)
        return harvest

    async def _may_go(self, item: Fetch, before: float | None) -> bool:
        header = (item.section("HEADER") or b"")[:HEADER_OCTETS]
        sent_at = self._is_ours(header, None)
        if sent_at is None and self._looks_like_report(header):
            sent_at = self._is_ours(header, await self._session.body(item.uid or 0))
        return sent_at is not None and (before is None or sent_at < before)

    async def _delete(self, uids: list[int], harvest: _Harvest) -> None:
        """STORE and UID EXPUNGE; without the latter we would expunge what others marked."""
        if not (self._session.can("UIDPLUS") or self._session.can("IMAP4REV2")):
            harvest.keep(uids, "the server cannot expunge single messages (no UIDPLUS)")
            return
        for step in (self._session.mark_deleted, self._session.expunge):
            status = await step(uids)
            if status.kind != "OK":
                _stop_if_throttled(status, "removing")
                harvest.keep(uids, _say(status))
                return
        left = set(await self._session.search("UID", sequences.write(uids))) & set(uids)
        harvest.removed += [uid for uid in uids if uid not in left]
        harvest.keep(left, "the server said OK, but the messages are still there")

    def _report(self, place: Place, opened: Opened, harvest: _Harvest) -> list[Observation]:
        def refs(uids: Collection[int]) -> tuple[MessageRef, ...]:
            return tuple(MessageRef(place.folder, opened.uidvalidity, uid) for uid in sorted(uids))

        at = self._now()
        observations: list[Observation] = []
        if harvest.removed:
            observations.append(Removed(at, refs(harvest.removed)))
        observations += [Kept(at, refs(uids), why) for why, uids in harvest.kept.items()]
        return observations


def _stop_if_throttled(status: Status, doing: str) -> None:
    """A server that wants to be left alone is left alone."""
    if refusal.is_throttle(status):
        raise refusal.refused(status, doing=doing)


def _say(status: Status) -> str:
    return f"{status.kind} {words(status.text)}"
