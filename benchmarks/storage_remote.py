"""Reading by URL from a server of 30 ms latency a request and 40 MB/s a connection: milliseconds,
requests, bytes, requests in flight, and the memory of a stream.

Run as a program, ``python -m benchmarks.storage_remote URL``, this is a process that streams a file
when it is told to, for its peak memory.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .c_baseline import ask
from .core_import import ROOT
from .core_memory import peak_of
from .files import Files
from .harness import Contestant, Group, WrongError, equal_to
from .remote_server import Counts, RemoteServer
from .storage_remote_jobs import JOBS, Job, RemoteFiles, Run, package_of, stream, whole

# So many times are the records in the files of the group of memory, which are several times as
# large as all that is under way.
TIMES = (8, 16)
ROUNDS = 5


def groups(files: Files, server: RemoteServer) -> list[Group]:
    remote = RemoteFiles(files, server)
    return [
        *(_of_job(job, remote) for job in JOBS),
        *(_of_counts(*what, remote) for what in COUNTS),
        _of_memory(remote),
    ]


def _contestant(
    name: str,
    run: Callable[[], Any],
    sample: Callable[[], float] | None = None,
    prefix: str = "",
) -> Contestant:
    return Contestant(prefix + name, run, *package_of(name), sample)


def _of_job(job: Job, remote: RemoteFiles) -> Group:
    contestants = [_contestant(name, partial(run, remote)) for name, run in job.runs.items()]
    if job.name == "stream":  # beside what it costs to have all of it at once
        contestants.append(_contestant("idxio.read, own", lambda: whole(remote.own)))
    return Group(
        name=f"remote-{job.name}",
        title=f"by URL: {job.title}",
        oracle="gzip.decompress + numpy.frombuffer",
        check=partial(_check, job, remote),
        contestants=contestants,
        ours=next(iter(job.runs)),
        most=ROUNDS,
    )


def _check(job: Job, remote: RemoteFiles, contestant: Contestant) -> None:
    expected = job.expected(remote)
    if contestant.name == "idxio.read, own":
        expected = remote.files.images
    if isinstance(expected, np.ndarray):
        equal_to(expected)(contestant)
    elif contestant.run() != expected:
        raise WrongError(f"{contestant.name} returned other values than the oracle")


# The name of a group, its title, its unit, and which figure it shows.
COUNTS: tuple[tuple[str, str, str, Callable[[Counts], float]], ...] = (
    ("requests", "requests", "requests", lambda counts: counts.requests),
    ("bytes", "bytes that came", "MB", lambda counts: counts.megabytes),
    ("in-flight", "most requests in flight", "at once", lambda counts: counts.most_in_flight),
)


def _of_counts(
    name: str, title: str, unit: str, pick: Callable[[Counts], float], remote: RemoteFiles
) -> Group:
    def counted(run: Run) -> float:
        remote.server.counts()
        run(remote)
        return pick(remote.server.counts())

    contestants = [
        _contestant(who, partial(run, remote), partial(counted, run), f"{job.name}: ")
        for job in JOBS
        for who, run in job.runs.items()
    ]
    jobs = {f"{job.name}: {who}": job for job in JOBS for who in job.runs}
    if name == "bytes":
        sizes: dict[str, Callable[[], int]] = {
            "class: a file of it alone": lambda: remote.class_nbytes,
            "whole: the own file": lambda: _size(remote, remote.own),
            "whole: the stock file": lambda: _size(remote, remote.stock),
        }
        contestants += [
            Contestant(who, size, sample=lambda size=size: size() / 1e6)  # type: ignore[misc]
            for who, size in sizes.items()
        ]

    def check(contestant: Contestant) -> None:
        if contestant.name in jobs:
            _check(jobs[contestant.name], remote, contestant)
        else:
            contestant.run()

    return Group(
        name=f"remote-{name}",
        title=f"by URL: {title}",
        oracle="gzip.decompress + numpy.frombuffer",
        check=check,
        contestants=contestants,
        ours="",
        unit=unit,
        most=3,
    )


def _size(remote: RemoteFiles, url: str) -> int:
    return Path(remote.files.folder, url.rpartition("/")[2]).stat().st_size


# The memory of a stream
# -------------------------------------------------------------------------------------------


def _of_memory(remote: RemoteFiles) -> Group:
    def check(contestant: Contestant) -> None:
        found, times = contestant.run()
        expected = 0
        for _ in range(times):
            expected = zlib.crc32(remote.files.images.data, expected)
        if found != expected:
            raise WrongError(f"{contestant.name} returned other bytes in its fresh process")

    def run(times: int) -> tuple[int, int]:
        return _crc_in_child(remote.repeated(times)), times

    def sample(times: int) -> float:
        return _peak_in_child(remote.repeated(times))

    megabytes = remote.files.images.nbytes / 1e6
    names = {f"{times * megabytes:.0f} MB of records": times for times in TIMES}
    return Group(
        name="remote-memory",
        title="by URL: peak memory of iter_records in a fresh process, beyond what it had before",
        oracle="the CRC-32 of gzip.decompress",
        check=check,
        contestants=[
            _contestant(name, partial(run, times), partial(sample, times))
            for name, times in names.items()
        ],
        ours=list(names)[-1],
        unit="MB",
        most=3,
    )


def _child(url: str) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.storage_remote", url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    if ask(child, "hello") != "ready":
        raise RuntimeError("the process that streams did not get ready")
    return child


def _crc_in_child(url: str) -> int:
    child = _child(url)
    crc = int(ask(child, "stream"))
    child.communicate()
    return crc


def _peak_in_child(url: str) -> float:
    child = _child(url)
    peak = peak_of(child.pid, lambda: ask(child, "stream"))
    child.communicate()
    return peak


def main(url: str) -> None:
    importlib.import_module("obstore")
    for line in sys.stdin:
        print("ready" if line == "hello\n" else stream(url), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
