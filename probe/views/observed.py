"""Metrics that are observed one by one, and those of the process: a registry of our own."""

import platform
from collections.abc import Collection

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    Summary,
    disable_created_metrics,
    generate_latest,
)

import probe
from probe.core.event import Timings

SUBMISSION_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
"""Upper bounds in seconds. A near server takes tenths; many make a stranger wait 5 to 30 s
before the greeting; 120 is where we give up by default."""

Server = tuple[str, str]
"""Host, and protocol: smtp or imap."""


class Observed:
    """Submission times, certificates, the build and the process."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # for the whole process
        self._registry = CollectorRegistry()
        self._submission = Histogram(
            "mailprobe_submission_seconds",
            "Seconds that a submission took until the server accepted it",
            ["sender_provider"],
            buckets=SUBMISSION_BUCKETS,
            registry=self._registry,
        )
        # A summary: a histogram would cost 13 series for each of six stages.
        self._stages = Summary(
            "mailprobe_submission_stage_seconds",
            "Seconds that one stage of an accepted submission took",
            ["sender_provider", "stage"],
            registry=self._registry,
        )
        self._expiry = Gauge(
            "mailprobe_tls_certificate_expiry_timestamp_seconds",
            "When the certificate that the server showed last expires",
            ["host", "protocol"],
            registry=self._registry,
        )
        self._servers: set[Server] = set()
        self._providers: set[str] = set()
        build = Info("mailprobe_build", "The program that runs", registry=self._registry)
        build.info({"version": probe.__version__, "python": platform.python_version()})
        ProcessCollector(registry=self._registry)

    def submitted(self, provider: str, timings: Timings) -> None:
        """Observe one submission, and its stages."""
        self._providers.add(provider)
        self._submission.labels(provider).observe(sum(timings.values()))
        for stage, seconds in timings.items():
            self._stages.labels(provider, stage.value).observe(seconds)

    def certificate(self, server: Server, expires: float) -> None:
        """Remember a certificate's end."""
        self._servers.add(server)
        self._expiry.labels(*server).set(expires)

    def keep_certificates(self, servers: Collection[Server]) -> None:
        """Forget the certificates of all other servers."""
        for server in self._servers.difference(servers):
            self._expiry.remove(*server)
        self._servers.intersection_update(servers)

    def keep_providers(self, providers: Collection[str]) -> None:
        """Forget the submissions of all other providers."""
        for provider in self._providers.difference(providers):
            self._submission.remove_by_labels({"sender_provider": provider})
            self._stages.remove_by_labels({"sender_provider": provider})
        self._providers.intersection_update(providers)

    def render(self) -> bytes:
        """Write all of it; from any thread."""
        return generate_latest(self._registry)
