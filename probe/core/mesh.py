"""Which mailboxes send to which, where nobody lists the routes."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import permutations

from probe.core.mailbox import Mailbox

Pair = tuple[str, str]
"""Sender's and recipient's mailbox id."""


def all_pairs(mailboxes: Sequence[Mailbox]) -> Iterator[Pair]:
    """Every ordered pair of different mailboxes: n (n - 1) routes."""
    return permutations((mailbox.id for mailbox in mailboxes), 2)


def by_provider(mailboxes: Sequence[Mailbox]) -> Iterator[Pair]:
    """Every mailbox sends to and receives from every other provider, at linear cost.

    Two providers with m and n mailboxes are joined by max(m, n) routes each way, and not by
    m * n: the larger side is walked once, the smaller one round and round.
    """
    members: defaultdict[str, list[str]] = defaultdict(list)
    for mailbox in mailboxes:
        members[mailbox.provider].append(mailbox.id)
    for senders, recipients in permutations(members.values(), 2):
        for i in range(max(len(senders), len(recipients))):
            yield senders[i % len(senders)], recipients[i % len(recipients)]


def count_all(mailboxes: Sequence[Mailbox]) -> int:
    """How many routes ``all_pairs`` makes, without making them."""
    return len(mailboxes) * (len(mailboxes) - 1)


def count_by_provider(mailboxes: Sequence[Mailbox]) -> int:
    """How many routes ``by_provider`` makes, without making them.

    With the providers in order of size, each is the larger one of as many pairs as stand
    before it; two directions.
    """
    sizes = sorted(Counter(mailbox.provider for mailbox in mailboxes).values())
    return 2 * sum(size * smaller for smaller, size in enumerate(sizes))
