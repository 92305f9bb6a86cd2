"""idxio.fetch of a dataset that is on this machine, beside what proves the same without idxio."""

from __future__ import annotations

import gzip
import hashlib
from functools import partial
from pathlib import Path

import idxio

from .datasets_check import NAMES
from .harness import Contestant, Group, WrongError


def groups(data: Path) -> list[Group]:
    expected = gzip_and_hashlib(data)

    def check(contestant: Contestant) -> None:
        found = contestant.run()
        if isinstance(found, str):  # a folder
            found = gzip_and_hashlib(Path(found))
        if found != expected:
            raise WrongError(f"{contestant.name} found {found}, the oracle {expected}")

    return [
        Group(
            name="fetch",
            title="find Fashion-MNIST on this machine, and prove it by the SHA-256 of its payload",
            oracle="gzip.decompress and hashlib",
            check=check,
            contestants=[
                Contestant("idxio.fetch", partial(idxio.fetch, "fashion-mnist", data)),
                Contestant("gzip + hashlib", partial(gzip_and_hashlib, data)),
            ],
            ours="idxio.fetch",
        )
    ]


def gzip_and_hashlib(data: Path) -> list[str]:
    return [
        hashlib.sha256(gzip.decompress((data / name).read_bytes())).hexdigest() for name in NAMES
    ]
