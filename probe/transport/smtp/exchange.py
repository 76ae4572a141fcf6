"""What happened in one submission: stages, timings, transcript; and the event it comes to."""

import base64
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from probe.config.settings import Endpoint
from probe.core.event import (
    Accepted,
    Cause,
    Line,
    Refused,
    Speaker,
    Timings,
    Unconfirmed,
    Unsent,
)
from probe.mail.reply import Reply, Stage

# A reply line has 512 octets at most (RFC 5321 §4.5.3.1.5): nothing honest is cut.
_LONGEST_LINE = 500
# A submission with STARTTLS and a long EHLO takes about forty lines.
_MOST_LINES = 200
# The longest refusals in the wild, Google's with their links, stay under 1 000 characters.
_LONGEST_REPLY = 4000
# A server may echo what we sent. Shorter than this, masking would eat ordinary words.
_SHORTEST_MASKED = 4

_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(slots=True)
class Exchange:
    """One submission as it goes; offsets count from ``begin``."""

    clock: Callable[[], float]
    now: Callable[[], float]
    stage: Stage = Stage.RESOLVE
    sender_accepted: bool = False
    """MAIL was answered with a 250."""
    handed_over: bool = False
    """The end of the message was, or may have been, written: from here on, never again."""
    reused: bool = False
    _origin: float = 0.0
    _timings: Timings = field(default_factory=dict)
    _lines: list[Line] = field(default_factory=list)
    _masked: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        self._origin = self.clock()

    def begin(self, endpoint: Endpoint) -> None:
        """Start the clock; what could give the password away is masked from now on."""
        self._origin = self.clock()
        secret = endpoint.password.reveal()
        sasl = f"\0{endpoint.username}\0{secret}"
        encoded = (base64.b64encode(text.encode()).decode() for text in (sasl, secret))
        forms = (*encoded, secret)
        self._masked = tuple(form for form in forms if len(form) >= _SHORTEST_MASKED)

    def restart(self) -> None:
        """Forget what was tried over a dead connection; the origin stays."""
        self.stage, self.reused = Stage.RESOLVE, False
        self._timings.clear()
        self._lines.clear()

    @contextmanager
    def timed(self, stage: Stage) -> Iterator[None]:
        """Enter a stage; the time spent in it adds up, also when it fails."""
        self.stage = stage
        began = self.clock()
        try:
            yield
        finally:
            spent = self.clock() - began
            self._timings[stage] = self._timings.get(stage, 0.0) + spent

    def note(self, text: str) -> None:
        """Write down a remark of ours."""
        self._write(Speaker.NOTE, text)

    def said(self, text: str) -> None:
        """Write down what we sent, already masked."""
        self._write(Speaker.CLIENT, text)

    def heard(self, code: int, text: str) -> None:
        """Write down a reply, line by line as it crossed the wire."""
        *firsts, last = text.split("\n")
        for first in firsts[:_MOST_LINES]:
            self._write(Speaker.SERVER, f"{code}-{first}")
        self._write(Speaker.SERVER, f"{code} {last}")

    def reply(self, code: int, text: str) -> Reply:
        """Make a reply that is safe to store and to show."""
        return Reply(code, self.clean(text)[:_LONGEST_REPLY])

    def clean(self, text: str) -> str:
        """Mask secrets; octets that are no text, and controls, become something harmless."""
        for secret in self._masked:
            text = text.replace(secret, "**")
        # aiosmtplib decodes with surrogateescape, which neither SQLite nor JSON would take
        text = text.encode(errors="surrogateescape").decode(errors="replace")
        return _CONTROLS.sub(" ", text)

    def accepted(self, code: int, text: str) -> Accepted:
        """The server took responsibility."""
        return Accepted(
            self.now(),
            self.reply(code, text),
            dict(self._timings),
            tuple(self._lines),
            self.reused,
        )

    def refused(self, code: int, text: str) -> Refused:
        """A server said no."""
        reply = self.reply(code, text)
        return Refused(self.now(), self.stage, reply, dict(self._timings), tuple(self._lines))

    def ended(self, cause: Cause, detail: str) -> Unsent | Unconfirmed:
        """No reply decided it: unconfirmed after the hand-over, unsent before."""
        detail = self.clean(detail).replace("\n", " ")
        self.note(detail)
        timings, lines = dict(self._timings), tuple(self._lines)
        if self.handed_over:
            return Unconfirmed(self.now(), cause, detail, timings, lines)
        return Unsent(self.now(), self.stage, cause, detail, timings, lines)

    def _write(self, speaker: Speaker, text: str) -> None:
        if len(self._lines) >= _MOST_LINES:
            return
        text = self.clean(text).replace("\n", " ")
        if len(text) > _LONGEST_LINE:
            text = text[: _LONGEST_LINE - 1] + "…"
        self._lines.append(Line(self.clock() - self._origin, speaker, text))
