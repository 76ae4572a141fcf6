"""SASL messages, before base64."""


def plain(user: str, password: str) -> bytes:
    """PLAIN (RFC 4616 §2), which can carry any name, LOGIN only ASCII."""
    return f"\0{user}\0{password}".encode()


def xoauth2(user: str, token: str) -> bytes:
    """XOAUTH2, as Google and Microsoft document it."""
    return f"user={user}\1auth=Bearer {token}\1\1".encode()
