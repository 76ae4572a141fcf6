"""How much a mailbox may send in 24 hours: a rolling count in hours, so that it stays small."""

from dataclasses import dataclass, field

DAY = 86400.0
_HOUR = 3600.0


@dataclass(slots=True)
class Budget:
    """Sends of one mailbox. Providers count over rolling 24 hours, so we do too."""

    limit: int
    _hours: dict[int, int] = field(default_factory=dict)

    def spent(self, now: float) -> int:
        """Sends in the last 24 hours, counted by whole hours (never too few)."""
        oldest = int((now - DAY) // _HOUR)
        for hour in [hour for hour in self._hours if hour < oldest]:
            del self._hours[hour]
        return sum(self._hours.values())

    def take(self, now: float) -> bool:
        """Count one send, if there is one left."""
        if self.spent(now) >= self.limit:
            return False
        self.add(now)
        return True

    def add(self, at: float, number: int = 1) -> None:
        """Count sends that happened (a restart tells those of the journal)."""
        hour = int(at // _HOUR)
        self._hours[hour] = self._hours.get(hour, 0) + number
