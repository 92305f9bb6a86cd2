"""Faults at every system call of what writes files: an error, an interrupt or a kill, before the
call or behind it.

`python tests/support/faults.py FOLDER ...` does it for all writers at all calls, in each folder,
and prints what it counted; with --random, it sends signals at random moments.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import fcntl
import gc
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

import idxio
from idxio.convert import build as building
from idxio.convert import build_files
from idxio.convert.formats import png_folder
from idxio.datasets import sort
from idxio.storage import atomic_file, atomic_folder, journal, targets, temporary

Snapshot = dict[str, bytes]

_OS = [
    "open", "close", "rename", "replace", "link", "symlink", "unlink", "mkdir", "rmdir", "fsync", "stat", "lstat",
    "fstat", "chmod", "chown", "access", "readlink", "listdir", "scandir",
]  # fmt: skip


class Plan(NamedTuple):
    """What happens at which call."""

    kind: str
    """error, interrupt, interrupts (and one more three calls later) or kill"""
    when: str
    """before or behind"""
    at: int


class Calls:
    """Counts the calls of the main thread, and lets one of them go wrong."""

    def __init__(self, plan: Plan | None = None, *, sync: bool = True) -> None:
        self.names: list[str] = []
        self.fired = 0
        self._plan, self._sync = plan, sync

    def call(self, name: str, real: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            return real(*args, **options)
        index = len(self.names)
        self.names.append(name)
        self._fire(index, "before")
        try:
            return None if name == "fsync" and not self._sync else real(*args, **options)
        finally:
            self._fire(index, "behind")

    def _fire(self, index: int, when: str) -> None:
        plan = self._plan
        if plan is None or when != plan.when:
            return
        if index != plan.at and not (plan.kind == "interrupts" and index == plan.at + 3):
            return
        self.fired += 1
        if plan.kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if plan.kind == "error":
            raise OSError(5, "Input/output error")
        raise KeyboardInterrupt

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Let all calls inside come here."""
        calls = self

        class File(io.BufferedRandom):
            def write(self, data: Any) -> Any:
                return calls.call("write", super().write, data)

            def flush(self) -> Any:
                return calls.call("flush", super().flush)

            def close(self) -> Any:
                return super().close() if self.closed else calls.call("file close", super().close)

        def opened(path: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
            if "+" not in mode:
                return calls.call("file open", open, path, mode, *args, **options)
            return File(calls.call("file open", io.FileIO, path, mode.replace("b", "")))

        with contextlib.ExitStack() as stack:
            for name in _OS:
                real = getattr(os, name)

                def wrapped(*args: Any, name: str = name, real: Any = real, **options: Any) -> Any:
                    return self.call(name, real, *args, **options)

                stack.enter_context(mock.patch.object(os, name, wrapped))
            stack.enter_context(mock.patch.object(os, "fdopen", opened))
            lock = fcntl.flock
            stack.enter_context(
                mock.patch.object(fcntl, "flock", lambda *args: self.call("flock", lock, *args))
            )
            for module in (
                atomic_file,
                atomic_folder,
                targets,
                temporary,
                journal,
                building,
                build_files,
                png_folder,
                sort,
            ):
                stack.enter_context(mock.patch.object(module, "open", opened, create=True))
            yield


class Writer(NamedTuple):
    """Something that writes files in the folder it is called in."""

    run: Callable[[int], object]
    """Writes the version with this number."""
    is_new: bool = False
    """Whether there is nothing yet."""
    is_folder: bool = False
    """Whether what it makes must not be there."""


def _images(version: int) -> np.ndarray:
    return np.full((9, 4, 4), version, np.uint8)


def _labels(version: int) -> np.ndarray:
    return np.full(9, version, np.uint8)


def _write(name: str) -> Callable[[int], object]:
    return lambda version: idxio.write(name, _images(version), threads=1)


def _writer(name: str) -> Callable[[int], object]:
    def run(version: int) -> None:
        with idxio.Writer(name, "uint8", (4, 4), threads=1) as writer:
            writer.append(_images(version))

    return run


def _sorted(*names: str) -> Callable[[int], object]:
    def run(version: int) -> None:
        for name in names:
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        order = names[2] if len(names) > 2 else None
        idxio.write_sorted(
            *names[:2], _images(version), _labels(version), order_file=order, threads=1
        )

    return run


def _dataset(version: int) -> str:
    """The folder of a dataset, which stays."""
    folder = os.path.join(_sources(), f"dataset-{version}")
    if not os.path.exists(folder):
        os.makedirs(folder)
        for split in ("train", "t10k"):
            idxio.write(f"{folder}/{split}-images-idx3-ubyte", _images(version))
            idxio.write(f"{folder}/{split}-labels-idx1-ubyte", _labels(version))
    return folder


_folders: list[str] = []


def _sources() -> str:
    if not _folders:
        _folders.append(tempfile.mkdtemp(prefix="idxio-faults-"))
        atexit.register(shutil.rmtree, _folders[0])
    return _folders[0]


def _pictures(version: int) -> str:
    from PIL import Image

    folder = os.path.join(_sources(), f"pictures-{version}")
    for label in range(2):
        os.makedirs(f"{folder}/{label}", exist_ok=True)
        for i in range(4):
            Image.fromarray(np.full((4, 4), version, np.uint8)).save(f"{folder}/{label}/{i}.png")
    return folder


def _added(version: int) -> None:
    """Version 0 is a dataset, others are the same with pictures added."""
    if not os.path.exists("built"):
        idxio.build(_pictures(0), "built", threads=1)
    if version:
        idxio.build(_pictures(version), "built", add=True, threads=1)


def _export(name: str, to: str) -> Callable[[int], object]:
    return lambda version: idxio.export_dataset(_dataset(version), name, to=to, threads=1)


def _import(version: int) -> None:
    source = os.path.join(_sources(), f"{version}.npz")
    if not os.path.exists(source):
        idxio.export_dataset(_dataset(version), source)
    idxio.import_dataset(source, "imported", threads=1)


WRITERS = {
    "write": Writer(_write("x")),
    "write new": Writer(_write("x"), is_new=True),
    "write gzip": Writer(_write("x.gz")),
    "Writer": Writer(_writer("x")),
    "Writer gzip": Writer(_writer("x.gz")),
    "Writer gzip new": Writer(_writer("x.gz"), is_new=True),
    "write_sorted": Writer(_sorted("images.gz", "labels.gz")),
    "write_sorted new": Writer(_sorted("images.gz", "labels.gz"), is_new=True),
    "write_sorted three": Writer(_sorted("images", "labels", "order")),
    "write_sorted folders": Writer(_sorted("b/images", "a/labels", "c/order")),
    "repack": Writer(
        lambda version: idxio.repack(
            f"{_dataset(version)}/train-images-idx3-ubyte", "x.gz", threads=1
        )
    ),
    "build": Writer(
        lambda version: idxio.build(_pictures(version), "built", threads=1),
        is_new=True,
        is_folder=True,
    ),
    "build add": Writer(_added, is_folder=True),
    "export npz": Writer(_export("x.npz", "npz")),
    "export csv": Writer(_export("csv", "csv"), is_new=True, is_folder=True),
    "export png": Writer(_export("png", "png"), is_new=True, is_folder=True),
    "import": Writer(_import, is_new=True, is_folder=True),
}


class Bench:
    """Runs one writer in a folder, over and over, with a fault at one call."""

    def __init__(self, folder: Path, writer: Writer, *, sync: bool = True) -> None:
        self._folder, self._writer, self._sync = folder, writer, sync
        self._top = os.getcwd()
        self._states = [self._made(version) for version in range(3)]
        self._old = {} if writer.is_new else self._states[0]
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self._names: list[str] = []

    def count(self) -> int:
        """How many calls it makes."""
        self._restore()
        calls = Calls(sync=self._sync)
        self._run(1, calls)
        self._names = calls.names
        return len(calls.names)

    def inject(self, plan: Plan) -> None:
        """Let one call go wrong, and look what is there then, and after the next write."""
        self._restore()
        raised = self._killed(plan) if plan.kind == "kill" else self._raised(plan)
        found = self._snapshot()
        shown = {name: data for name, data in found.items() if not _is_hidden(name)}
        self.counts[plan.kind] += 1
        if plan.kind.startswith("interrupt") and raised is not KeyboardInterrupt:
            self._tell(plan, f"the interrupt was lost: {raised}")
        # A picture that can not be read is a bad one.
        if (
            plan.kind == "error"
            and raised is not None
            and not issubclass(raised, (OSError, idxio.IdxError))
        ):
            self._tell(plan, f"the error became {raised}")
        states = (self._old, self._states[1])
        if plan.kind == "kill":
            if not any(shown.items() <= state.items() for state in states):
                self._tell(plan, f"mixed: {self._versions(shown)}")
            for folder in {os.path.dirname(name) for name in found}:
                journal.complete(os.path.join(os.getcwd(), self._folder, folder))
            shown = {name: data for name, data in self._snapshot().items() if not _is_hidden(name)}
        elif len(found) > len(shown):
            self.counts[f"left over by an {plan.kind} until the next write"] += 1
        if shown not in states:
            self._tell(plan, f"neither old nor new: {self._versions(shown)}, {sorted(found)}")
        # The file that is read may be closed behind the end.
        if (
            plan.kind == "error"
            and plan.when == "before"
            and self._names[plan.at] != "close"
            and shown != states[raised is None]
        ):
            self._tell(plan, f"{raised} and {self._versions(shown)}")
        if self._writer.is_folder:
            for name in {name.split("/")[0] for name in shown}:
                shutil.rmtree(self._folder / name)
        self._run(2, Calls(sync=self._sync))
        left = self._snapshot()
        if left != self._states[2]:
            self._tell(plan, f"left over: {sorted(set(left) - set(self._states[2]))}")
        # a file that an interrupt left must not be closed in a later step, and its calls be counted
        # there
        gc.collect()

    def _tell(self, plan: Plan, what: str) -> None:
        self.problems.append(
            f"{plan.kind} {plan.when} call {plan.at} ({self._names[plan.at]}): {what}"
        )

    def _versions(self, shown: Snapshot) -> dict[str, list[int]]:
        return {
            name: [i for i in range(3) if self._states[i].get(name) == data]
            for name, data in shown.items()
        }

    def _made(self, version: int) -> Snapshot:
        self._clear()
        self._run(version, Calls(sync=False))
        return self._snapshot()

    def _run(self, version: int, calls: Calls) -> None:
        os.chdir(self._folder)
        try:
            with calls.counted():
                self._writer.run(version)
        finally:
            os.chdir(self._top)

    def _raised(self, plan: Plan) -> type[BaseException] | None:
        lost: list[object] = []
        raised: type[BaseException] | None = None
        with mock.patch.object(sys, "unraisablehook", lost.append):
            try:
                self._run(1, Calls(plan, sync=self._sync))
            except BaseException as error:
                raised = type(error)
        if lost:
            self._tell(plan, f"lost: {lost}")
        return raised

    def _killed(self, plan: Plan) -> None:
        child = os.fork()
        if child == 0:
            try:
                self._run(1, Calls(plan, sync=self._sync))
            finally:
                os._exit(0)
        if os.waitpid(child, 0)[1] != signal.SIGKILL:
            self._tell(plan, "was not killed")

    def _restore(self) -> None:
        self._clear()
        for name, data in self._old.items():
            path = self._folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)

    def _clear(self) -> None:
        for path in self._folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _snapshot(self) -> Snapshot:
        found = {}
        for folder, folders, files in os.walk(self._folder):
            for name in files:
                path = Path(folder, name)
                found[path.relative_to(self._folder).as_posix()] = (
                    path.read_bytes() if path.exists() else b""
                )
            for name in folders:
                if name.startswith("."):
                    found[Path(folder, name).relative_to(self._folder).as_posix()] = b""
        return found


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def at_all_calls(folder: str, names: list[str]) -> None:
    """Every fault at every call of every writer."""
    total: Counter[str] = Counter()
    for name in names or WRITERS:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            bench = Bench(Path(place), WRITERS[name])
            calls = bench.count()
            for at in range(calls):
                for when in ("before", "behind"):
                    for kind in ("error", "interrupt", "interrupts", "kill"):
                        bench.inject(Plan(kind, when, at))
        total += bench.counts
        print(
            f"{folder}: {name}: {calls} calls, {dict(bench.counts)}, {len(bench.problems)}"
            " problems",
            flush=True,
        )
        for problem in bench.problems[:10]:
            print("   ", problem)
    print(f"{folder}: {dict(total)}", flush=True)


_LOOP = """
import os, sys, numpy as np, idxio
version = 0
os.write(1, b"ready")
while True:
    version = version % 250 + 1
    x = np.random.default_rng(version).integers(version, version + 4, (2000, 28, 28), np.uint8)
    idxio.write_sorted("images.gz", "labels.gz", x, np.full(2000, version, np.uint8), level=1)
"""


def _pair(folder: str) -> set[int]:
    """The version of each file that is there."""
    found = set()
    for name in ("images.gz", "labels.gz"):
        if os.path.exists(f"{folder}/{name}"):
            found.add(int(idxio.read(f"{folder}/{name}").min()))
    return found


def at_random_moments(folder: str, interrupts: int = 250, kills: int = 100) -> None:
    """Signals at random moments of write_sorted: Ctrl-C in this process, kills of others."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        files = f"{place}/images.gz", f"{place}/labels.gz"
        counts: Counter[str] = Counter()

        def write(version: int) -> None:
            x = rng.integers(version, version + 4, (2000, 28, 28), np.uint8)
            idxio.write_sorted(*files, x, np.full(2000, version, np.uint8), level=1)

        begin = time.perf_counter()
        write(1)
        seconds = time.perf_counter() - begin
        while counts["interrupts"] < interrupts:
            begin = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, float(rng.uniform(1e-4, 1.2 * seconds)))
            try:
                write(counts["calls"] % 250 + 1)
                signal.setitimer(signal.ITIMER_REAL, 0)
                seconds = (4 * seconds + time.perf_counter() - begin) / 5
            except KeyboardInterrupt:
                counts["interrupts"] += 1
            except BaseException as error:
                counts[f"turned into {type(error).__name__}"] += 1
            counts["calls"] += 1
            found = _pair(place)
            counts["mixed"] += len(found) > 1
            counts["missing"] += sum(not os.path.exists(file) for file in files)
            counts["left over"] += len(os.listdir(place)) - 2
        write(1)
        counts["left over after the next write"] += len(os.listdir(place)) - 2
        print(f"{folder}: Ctrl-C: {dict(counts)}, {1000 * seconds:.1f} ms a call", flush=True)
        counts.clear()
        for _ in range(kills):
            with subprocess.Popen(
                [sys.executable, "-c", _LOOP], cwd=place, stdout=subprocess.PIPE
            ) as process:
                assert process.stdout is not None
                process.stdout.read(5)
                time.sleep(float(rng.uniform(0, 5 * seconds)))
                process.kill()
            counts["kills"] += 1
            counts["mixed"] += len(_pair(place)) > 1
            counts["left over"] += any(name.startswith(".") for name in os.listdir(place))
            counts["a file missing until load"] += (
                len(set(map(os.path.basename, files)) - set(os.listdir(place))) > 0
            )
            journal.complete(place)
            counts["a file missing"] += (
                len(set(map(os.path.basename, files)) - set(os.listdir(place))) > 0
            )
            counts["mixed"] += len(_pair(place)) > 1
            write(1)
            counts["left over after the next write"] += len(os.listdir(place)) - 2
        print(f"{folder}: {dict(counts)}", flush=True)


def _interrupted(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "folders", nargs="+", metavar="FOLDER", help="on the file systems to look at"
    )
    parser.add_argument(
        "--writer", action="append", default=[], choices=list(WRITERS), help="this one alone"
    )
    parser.add_argument("--random", action="store_true", help="signals at random moments instead")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ResourceWarning)
    signal.signal(signal.SIGALRM, _interrupted)
    for folder in args.folders:
        if args.random:
            at_random_moments(folder)
        else:
            at_all_calls(folder, args.writer)


if __name__ == "__main__":
    main()
