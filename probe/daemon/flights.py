"""Which probes are in the air, in memory: who waits for what, and since when."""

from collections.abc import Iterable


class Flights:
    """An index of the journal's open probes, kept by the correlator."""

    def __init__(self) -> None:
        self._all: dict[str, tuple[str, float]] = {}
        self._by_recipient: dict[str, dict[str, float]] = {}

    def load(self, flights: Iterable[tuple[str, str, float]]) -> None:
        """Those of an earlier process: id, recipient, since when."""
        for probe_id, recipient, since in sorted(flights, key=lambda flight: flight[2]):
            self.add(probe_id, recipient, since)

    def add(self, probe_id: str, recipient: str, since: float) -> None:
        """A probe is on its way."""
        self._all[probe_id] = (recipient, since)
        self._by_recipient.setdefault(recipient, {})[probe_id] = since

    def remove(self, probe_id: str) -> None:
        """It has landed, or is not waited for any more."""
        flight = self._all.pop(probe_id, None)
        if flight is None:
            return
        waiting = self._by_recipient[flight[0]]
        del waiting[probe_id]
        if not waiting:
            del self._by_recipient[flight[0]]

    def expecting(self, recipient: str) -> float | None:
        """Since when the oldest probe to this mailbox is awaited; None: none is."""
        # Added in the order of time, and dicts keep it: the first is the oldest.
        return next(iter(self._by_recipient.get(recipient, {}).values()), None)

    @property
    def oldest(self) -> float | None:
        """Since when the oldest of all is awaited."""
        return next((since for _, since in self._all.values()), None)

    def __len__(self) -> int:
        return len(self._all)
