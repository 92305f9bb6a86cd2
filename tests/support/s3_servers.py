"""Servers that speak S3, on loopback: moto's, and Ceph's gateway where it is asked for."""

from __future__ import annotations

import base64
import hmac
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple

from ceph_server import ceph
from helpers import missing
from server_process import free_port, served_by

KEY = "AKIATESTTESTTESTTEST"
SECRET = "a/secret+of40letters0123456789abcdefghij"


class Bucket(NamedTuple):
    """A bucket of a server."""

    endpoint: str
    name: str
    work: Path

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

    def request(self, method: str, query: str = "") -> bytes:
        """What the server answers to a request for the bucket itself, which obstore can't send.

        As S3 asks of its clients, and as obstore does, an internal error is tried again.
        """
        path = f"/{self.name}{query and '?' + query}"
        date = formatdate(usegmt=True)
        signed = hmac.digest(SECRET.encode(), f"{method}\n\n\n{date}\n{path}".encode(), "sha1")
        headers = {
            "Date": date,
            "Authorization": f"AWS {KEY}:{base64.b64encode(signed).decode()}",
        }
        request = urllib.request.Request(self.endpoint + path, method=method, headers=headers)
        for wait in (0.1, 0.3, 1, 3, None):
            try:
                with urllib.request.urlopen(request, timeout=20) as answer:
                    data: bytes = answer.read()
                return data
            except urllib.error.HTTPError as error:
                error.close()
                if error.code < 500:
                    raise
                if wait is None:
                    logs = [log.read_text()[-4000:] for log in self.work.glob("*log")]
                    raise RuntimeError(f"{error}: {logs}") from error
                time.sleep(wait)
        raise AssertionError


@contextmanager
def s3(work: Path) -> Iterator[Bucket]:
    """An empty bucket of a new server: moto's, or that of Ceph in the folder IDXIO_CEPH."""
    work.mkdir()
    folder = os.environ.get("IDXIO_CEPH")
    port = free_port()
    bucket = Bucket(f"http://127.0.0.1:{port}", "bucket", work)
    with ceph(Path(folder), work, port, KEY, SECRET) if folder else _moto(work, port):
        bucket.request("PUT")
        yield bucket


@contextmanager
def _moto(work: Path, port: int) -> Iterator[None]:
    beside = Path(sys.executable).with_name("moto_server")
    program = str(beside) if beside.exists() else shutil.which("moto_server")
    if program is None:
        missing("there is no moto_server here: pip install 'moto[s3]' flask flask-cors")
        raise AssertionError
    command = [program, "-H", "127.0.0.1", "-p", str(port)]
    with served_by(command, f"http://127.0.0.1:{port}/moto-api/", work / "log"):
        yield
