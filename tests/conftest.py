"""Profiles of hypothesis, the real data, and a server for files."""

import os
from pathlib import Path

import pytest
from helpers import missing
from hypothesis import HealthCheck, settings
from range_server import RangeServer

FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")

settings.register_profile("default", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=200, deadline=None, print_blob=True)
settings.register_profile(
    "expensive",
    max_examples=5000,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def fashion_mnist() -> Path:
    """The folder of the real Fashion-MNIST."""
    if not (FASHION_MNIST / "train-images-idx3-ubyte.gz").exists():
        missing(f"{FASHION_MNIST} is missing: apt-get install dataset-fashion-mnist")
    return FASHION_MNIST


@pytest.fixture
def server():
    """A counting server, without latency, that nothing lies on."""
    with RangeServer() as running:
        yield running
