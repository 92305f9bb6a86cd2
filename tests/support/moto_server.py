"""moto's server, which speaks S3, on loopback."""

from __future__ import annotations

import shutil
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from helpers import missing
from server_process import free_port, served_by

KEY = "AKIATESTTESTTESTTEST"
SECRET = "a/secret+of40letters0123456789abcdefghij"


class Bucket(NamedTuple):
    """A bucket of a server."""

    endpoint: str
    name: str

    @property
    def options(self) -> dict[str, Any]:
        """How it is reached, in obstore's words."""
        return {
            "endpoint": self.endpoint,
            "region": "us-east-1",
            "access_key_id": KEY,
            "secret_access_key": SECRET,
        }

    @property
    def store(self) -> Any:
        """A store of obstore."""
        from obstore.store import S3Store

        return S3Store(self.name, **self.options, client_options={"allow_http": True})

    def put(self, key: str, data: bytes) -> str:
        """Store an object; return its URL."""
        self.store.put(key, data)
        return f"s3://{self.name}/{key}"


@contextmanager
def moto(work: Path) -> Iterator[Bucket]:
    """An empty bucket of a new server."""
    beside = Path(sys.executable).with_name("moto_server")
    program = str(beside) if beside.exists() else shutil.which("moto_server")
    if program is None:
        missing("there is no moto_server here: pip install 'moto[s3]' flask flask-cors")
        raise AssertionError
    work.mkdir()
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [program, "-H", "127.0.0.1", "-p", str(port)]
    with served_by(command, f"{endpoint}/moto-api/", work / "log"):
        request = urllib.request.Request(f"{endpoint}/bucket", method="PUT")
        with urllib.request.urlopen(request, timeout=20):
            pass
        yield Bucket(endpoint, "bucket")
