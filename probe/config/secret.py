"""A secret is a type that does not print."""

import hmac


class Secret:
    """A password or token. Only ``reveal()`` gives it away, so that every use can be found."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself, for the wire and nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(**)"

    def __str__(self) -> str:
        return "**"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not serialised")
