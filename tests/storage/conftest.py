"""Servers that the tests of remote files share; each starts when the first test asks for it."""

import pytest
from nginx_server import nginx
from s3_servers import s3


def pytest_collection_modifyitems(items):
    """Mark the tests that store in a bucket, so that they can be run against another server."""
    for item in items:
        if "bucket" in item.fixturenames:
            item.add_marker(pytest.mark.s3)


@pytest.fixture(scope="session")
def nginx_over(tmp_path_factory):
    """The URL of an nginx and the folder that it serves."""
    files = tmp_path_factory.mktemp("served")
    with nginx(files, tmp_path_factory.mktemp("nginx") / "work") as url:
        yield url, files


@pytest.fixture(scope="session")
def bucket(tmp_path_factory):
    """A bucket of an S3 server."""
    with s3(tmp_path_factory.mktemp("s3") / "work") as made:
        yield made
