"""What became of a probe. Not called success or failure: each means its own thing."""

from enum import StrEnum


class Outcome(StrEnum):
    """The eight outcomes, a closed vocabulary (docs/outcomes.md)."""

    DELIVERED = "delivered"
    """Seen in the inbox within the delayed-after time."""
    JUNKED = "junked"
    """Seen in the junk folder."""
    DELAYED = "delayed"
    """Seen in the inbox, but later than the delayed-after time; or not yet seen and overdue."""
    REFUSED = "refused"
    """A server answered our submission with a 4yz or 5yz reply."""
    BOUNCED = "bounced"
    """Accepted, then a delivery status notification came back: failed (RFC 3464)."""
    LOST = "lost"
    """Accepted, watched for the whole time, and neither it nor a bounce ever came."""
    UNSENT = "unsent"
    """We could not hand it over: no server took responsibility for it."""
    UNOBSERVED = "unobserved"
    """We were not looking, so we do not know."""


ARRIVED = frozenset({Outcome.DELIVERED, Outcome.JUNKED, Outcome.DELAYED})
"""Outcomes of a message that reached the mailbox (a final *delayed* has arrived)."""
