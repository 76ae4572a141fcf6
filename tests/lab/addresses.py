"""Every address and port of the lab, in one place. All of it is loopback."""

SWITCHBOARD = "127.1.0.1"
CONTROL_PORT = 10030
POLICY_PORT = 10031
ROUTES_PORT = 10032
RESOLVER = "127.1.0.53"

NOBODY_LISTENS = "127.1.9.9"
BLACK_HOLE = "127.1.9.8"
BLACK_HOLE_PORT = 25

SMTP, SUBMISSION, SUBMISSIONS, SUBMISSION_PLAIN = 25, 587, 465, 1587
IMAP, IMAPS = 143, 993

PROVIDERS = {"alpha": "127.1.1.1", "beta": "127.1.2.1", "gamma": "127.1.3.1"}
HOSTS = ("mx", "smtp", "imap")


def zones() -> dict[str, dict[str, list[str]]]:
    """Return the lab's DNS: the providers, and domains that are broken on purpose."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, address in PROVIDERS.items():
        domain = f"{name}.test"
        found[domain] = {"MX": [f"10 mx.{domain}"], "TXT": [f"v=spf1 ip4:{address} -all"]}
        found |= {f"{host}.{domain}": {"A": [address]} for host in HOSTS}
        reverse = ".".join(reversed(address.split(".")))
        found[f"{reverse}.in-addr.arpa"] = {"PTR": [f"mx.{domain}"]}
    return found | {
        "dead.test": {"MX": ["10 mx.dead.test"]},
        "mx.dead.test": {"A": [NOBODY_LISTENS]},
        "hole.test": {"MX": ["10 mx.hole.test"]},
        "mx.hole.test": {"A": [BLACK_HOLE]},
        "nomail.test": {"MX": ["0 ."]},  # RFC 7505
        "fallback.test": {"MX": ["10 mx.dead.test", "20 mx.beta.test"]},
    }
