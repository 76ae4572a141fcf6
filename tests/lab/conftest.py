"""What the tests of the lab itself share."""

import ssl

import pytest

from tests.lab.world import Lab


@pytest.fixture
def ca(lab: Lab) -> ssl.SSLContext:
    """A TLS context that trusts the lab's certificate authority and nobody else."""
    return ssl.create_default_context(cafile=lab.ca)
