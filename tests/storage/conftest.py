"""Servers that the tests of remote files share; each starts when the first test asks for it."""

import pytest
from moto_server import moto
from nginx_server import nginx
from range_server import RangeServer


@pytest.fixture
def server():
    """A counting server, without latency, that nothing lies on."""
    with RangeServer() as running:
        yield running


@pytest.fixture(scope="session")
def nginx_over(tmp_path_factory):
    """The URL of an nginx and the folder that it serves."""
    files = tmp_path_factory.mktemp("served")
    with nginx(files, tmp_path_factory.mktemp("nginx") / "work") as url:
        yield url, files


@pytest.fixture(scope="session")
def bucket(tmp_path_factory):
    """A bucket of moto's S3."""
    with moto(tmp_path_factory.mktemp("moto") / "work") as made:
        yield made
