"""Reading a folder: which messages are new, in batches, and what is then verified.

``verified_at`` is the moment before the search was sent: what the search did not show was not
there then. It may have come while the answer was on its way, so no later moment is certain.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from probe.core.mailbox import Folder
from probe.core.observation import Arrived, Bookmark, MessageRef, Observation, Verified
from probe.transport.imap import refusal
from probe.transport.imap.parse import Fetch
from probe.transport.imap.session import HEADER_OCTETS, Opened, Session, imap_date

BATCH = 50
"""Headers in one FETCH: 3.2 MiB if all of them are as long as we take."""


@dataclass(slots=True)
class Place:
    """A folder that is read, and how far."""

    folder: Folder
    name: str
    wire: str
    mark: Bookmark | None = None

    @property
    def read_at(self) -> float | None:
        """When it was last read to its end."""
        return self.mark.verified_at if self.mark else None


@dataclass(slots=True)
class Sweep:
    """One reading of a folder, which may take several batches."""

    place: Place
    started: float
    uidvalidity: int
    last: int
    """The highest UID that this reading covers."""
    not_before: float | None
    todo: list[int] = field(default_factory=list)


class Reading:
    """Reads folders of one session."""

    def __init__(
        self,
        session: Session,
        *,
        now: Callable[[], float],
        looks_like_report: Callable[[bytes], bool],
        expecting_since: Callable[[], float | None],
    ) -> None:
        self._session = session
        self._now = now
        self._looks_like_report = looks_like_report
        self._expecting_since = expecting_since

    async def begin(self, place: Place, *, ask: bool = False) -> Sweep:
        """Open the folder if need be, and find what is new. ``ask``: let the server look, too."""
        opened = None
        if self._session.opened != place.wire:
            opened = await self._session.open(place.wire)
        elif ask:
            await self._session.noop()
        # Whatever is pushed from here on is for the next reading.
        self._session.stirred.clear()
        started = self._now()
        if opened is not None and not self._continues(place, opened):
            return await self._begin_anew(place, opened, started)
        mark = _marked(place)
        found = await self._session.search("UID", f"{mark.uid + 1}:*")
        # RFC 9051 §9: n:* with n beyond the last message means the last message.
        new = [uid for uid in found if uid > mark.uid]
        validity = opened.uidvalidity if opened else mark.uidvalidity
        last = max(new, default=mark.uid)
        return Sweep(place, started, validity, last, mark.verified_at, new)

    def _continues(self, place: Place, opened: Opened) -> bool:
        """A mark at UID 0 asks for everything, so it fits any folder."""
        mark = place.mark
        if mark is None:
            return False
        return mark.uid == 0 or (mark.uidvalidity, mark.name) == (opened.uidvalidity, place.name)

    async def _begin_anew(self, place: Place, opened: Opened, started: float) -> Sweep:
        """Never read before, or renumbered (RFC 9051 §2.3.1.1).

        Old mail is not ours to read. But what is expected may be here already, and what came
        since the last reading of the old numbers is not yet reported.
        """
        last = await self._last_uid(opened)
        expected = self._expecting_since()
        since = [place.read_at, expected]
        known = [moment for moment in since if moment is not None]
        new: list[int] = []
        if known:
            # The date is in the server's zone, so the day before is asked for (RFC 9051 §6.4.4).
            new = await self._session.search("SINCE", imap_date(min(known), days=-1))
        last = max([last, *new])
        return Sweep(place, started, opened.uidvalidity, last, None, new)

    async def _last_uid(self, opened: Opened) -> int:
        if opened.uidnext is not None:
            return opened.uidnext - 1
        return max(await self._session.search("UID", "*"), default=0)

    async def batch(self, sweep: Sweep) -> list[Observation]:
        """Report some of what is new."""
        uids, sweep.todo = sweep.todo[:BATCH], sweep.todo[BATCH:]
        fetched, status = await self._session.headers(uids)
        if status.kind != "OK" and refusal.is_throttle(status):
            raise refusal.refused(status, doing="UID FETCH")
        if status.kind != "OK" and len(uids) > 1:
            fetched += await self._one_by_one(set(uids) - {item.uid for item in fetched})
        return [await self._arrived(sweep, item) for item in fetched]

    async def _one_by_one(self, uids: set[int]) -> list[Fetch]:
        """One message that the server cannot read must not hide the others."""
        fetched: list[Fetch] = []
        for uid in sorted(uids):
            found, _ = await self._session.headers([uid])
            fetched += found
        return fetched

    async def _arrived(self, sweep: Sweep, item: Fetch) -> Arrived:
        uid = item.uid or 0
        header = (item.section("HEADER") or b"")[:HEADER_OCTETS]
        at, not_before = self._visibility(sweep, item)
        return Arrived(
            ref=MessageRef(sweep.place.folder, sweep.uidvalidity, uid),
            at=at,
            not_before=not_before,
            internal_date=item.internal_date,
            header=header,
            body=await self._session.body(uid) if self._looks_like_report(header) else None,
        )

    def _visibility(self, sweep: Sweep, item: Fetch) -> tuple[float, float | None]:
        """When it became visible, and until when it surely was not.

        A push in IDLE is sent when the message comes, so there is no gap. But a server may
        push late what it failed to push in time, when IDLE begins or ends: then all that is
        known is that the last reading did not show it.
        """
        if item.visible is None:
            return self._now(), sweep.not_before
        at = item.visible.at
        if item.visible.exact:
            return at, at
        return at, None if sweep.not_before is None else min(sweep.not_before, at)

    def end(self, sweep: Sweep) -> Verified:
        """All of it is reported."""
        place = sweep.place
        place.mark = Bookmark(
            place.folder, place.name, sweep.uidvalidity, sweep.last, sweep.started
        )
        return Verified(place.mark)


def _marked(place: Place) -> Bookmark:
    if place.mark is None:
        raise RuntimeError(f"{place.folder} is open but was never read")
    return place.mark
