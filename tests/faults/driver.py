"""Does each operation while one call of the C library after the other fails, and judges the end.

    python tests/faults/driver.py [--operations NAME,...] [--share 0.02] [--seed 1]

Builds `shim.c`, counts the calls of each operation, and then does it once for each call and each
way of failing, in a process of its own. Either it does what it always does, or it raises an error
that names a file in its folder; what was there is old or new, whole; it can be done again, and then
nothing else is left. The exit status is 1 if any end was another.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import io
import json
import os
import random
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
FILES, MEMORY, THREADS = range(3)
COUNT, FAIL, SHORT, ZERO = range(4)
# Seconds after which an operation hangs.
_PATIENCE = 15
# Calls of memory that fail, at most, of one operation.
_MEMORY_CALLS = 60

_READS = ("read", "pread", "pread64", "preadv", "preadv64")
_WRITES = ("write", "pwrite", "pwrite64", "pwritev", "pwritev64")
_OPENS = ("open", "open64", "openat", "openat64")
_ERRORS = {
    _READS: ("EIO", "EINTR", "ESTALE"),
    _WRITES: ("ENOSPC", "EIO", "EINTR", "EDQUOT"),
    _OPENS: ("EMFILE", "EINTR", "EIO"),
    ("close",): ("EIO", "EINTR"),
    ("mmap", "mmap64"): ("ENOMEM",),
    ("pthread_create",): ("EAGAIN",),
    ("fsync",): ("EIO", "ENOSPC"),
    ("link",): ("EIO", "EPERM"),
    ("mkdir",): ("ENOSPC", "EIO"),
    ("flock",): ("ENOLCK", "EINTR"),
}
# One operation of each kind that ended badly once is in each sample, with all these calls of it.
_KEPT = {
    ("write_sorted", "lseek64"),  # open() named no file; so did build and import_csv
    ("write_sorted", "fstat64"),  # nor did what looks at an open file
    ("write_own", "thread"),  # a thread without memory was waited for, for ever
}


class Case(NamedTuple):
    operation: str
    row: int
    at: int
    name: str
    """The function that fails."""
    kind: int
    error: str

    def __str__(self) -> str:
        how = {SHORT: "short", ZERO: "zero"}.get(self.kind, self.error)
        return f"{self.operation} {self.name}#{self.at} {how}"


def build(folder: Path) -> Path:
    """The shim, compiled."""
    shim = folder / "shim.so"
    flags = ["-O1", "-Wall", "-Werror", "-Wno-nonnull-compare", "-shared", "-fPIC"]
    compiler = os.environ.get("CC", "cc").split()
    subprocess.run([*compiler, *flags, "-o", shim, HERE / "shim.c", "-ldl"], check=True)
    return shim


class Shim:
    """What was loaded before the C library."""

    def __init__(self) -> None:
        library = ctypes.CDLL(None)
        self.arm = library.shim_arm
        self.disarm = library.shim_disarm
        self.count = library.shim_count
        self.arm.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_int, ctypes.c_int]
        self.count.restype = self.disarm.restype = ctypes.c_long
        library.shim_name.restype = ctypes.c_char_p
        self.name = library.shim_name


Snapshot = dict[str, bytes]


def snapshot(folder: Path) -> Snapshot:
    """All files, but for those of the cache, whose links hold times."""
    return {
        str(path.relative_to(folder)): content(path) if path.is_file() else b"/"
        for path in sorted(folder.rglob("*"))
        if not path.is_relative_to(folder / "cache")
    }


def content(path: Path) -> bytes:
    """The bytes of a file; of an archive those of its members: where a file can't be sought, zipfile
    writes the same archive in another form.
    """
    data = path.read_bytes()
    if path.suffix != ".npz":
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return b"".join(name.encode() + archive.read(name) for name in archive.namelist())
    except zipfile.BadZipFile:
        return data


def in_child(work: Any) -> Any:
    """What work() returns, or how it ended."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_PATIENCE + 10)
        try:
            said = work()
        except BaseException:
            said = {"wrong": traceback.format_exc()}
        with os.fdopen(write_end, "w") as pipe:
            json.dump(said, pipe)
        os._exit(0)
    os.close(write_end)
    said = b""
    deadline = time.monotonic() + _PATIENCE
    while select.select([read_end], [], [], max(0, deadline - time.monotonic()))[0]:
        data = os.read(read_end, 1 << 16)
        if not data:
            break
        said += data
    else:
        os.kill(child, signal.SIGKILL)
    os.close(read_end)
    _, status = os.waitpid(child, 0)
    if not said:
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {status}"
        return {"wrong": "hangs" if time.monotonic() > deadline else f"ends by {how}"}
    return json.loads(said)


def once(shim: Shim, function: Any, folder: Path, case: Case | None) -> tuple[Any, Any]:
    """The result of an operation as text, or the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if case is not None:
                shim.arm(case.row, case.at, case.kind, getattr(errno, case.error, 0))
            try:
                result = function(folder)
            finally:
                shim.disarm()
            return json.dumps(result), None
        except Exception as error:
            return None, error


def named(error: BaseException, folder: Path, case: Case) -> bool:
    """Whether an error says what it is about."""
    import idxio

    if isinstance(error, MemoryError):
        return True
    if case.row == MEMORY:  # what other libraries say where zlib has no memory for them
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        if f"{os.sep}idxio{os.sep}" not in frame.f_code.co_filename:
            return True
    if isinstance(error, idxio.IdxError):
        return str(folder) in str(error) or case.operation.endswith("_object")
    return isinstance(error, OSError) and (
        str(folder) in str(error) or case.operation.endswith("_object")
    )


def judged(shim: Shim, function: Any, folder: Path, case: Case, good: dict[str, Any]) -> Any:
    """What is wrong with the end of a case, or how it ended."""
    old = snapshot(folder)
    new = {name: bytes.fromhex(data) for name, data in good["new"].items()}
    result, error = once(shim, function, folder, case)
    found, litter = without_litter(snapshot(folder))
    if error is None:
        if result != good["result"]:
            return {"wrong": f"no error, and the result {result} for {good['result']}"}
        if found != new:
            return {"wrong": f"no error, and other files: {_differ(found, new)}"}
    else:
        what = f"{type(error).__name__}: {error}"
        if not named(error, folder, case):
            where = "".join(traceback.format_exception(error)[-4:])
            return {"wrong": f"unnamed: {what}\n{where}"}
        if found not in (old, new):
            return {"wrong": f"neither old nor new: {_differ(found, old)}; {what}"}
    again, error = once(shim, function, folder, None)
    if error is not None and not (good["again"] is None and found == new):
        return {"wrong": f"can't be done again: {type(error).__name__}: {error}"}
    if error is None and again not in (good["result"], good["again"]):
        return {"wrong": f"done again, the result {again}"}
    if left := without_litter(snapshot(folder))[1]:
        return {"wrong": f"left when done again: {', '.join(left)}"}
    return {"ended": f"{'done' if result is not None else 'raised'}{', left' if litter else ''}"}


def without_litter(found: Snapshot) -> tuple[Snapshot, list[str]]:
    """Files but for those that only idxio knows, which its next writer takes away; and these."""
    litter = [
        name for name in found if (os.path.basename(name).startswith(".") and "idxio" in name)
        or name.endswith((".old", ".tmp"))
    ]  # fmt: skip
    return {name: data for name, data in found.items() if name not in litter}, litter


def _differ(found: Snapshot, expected: Snapshot) -> str:
    names = sorted({*found} | {*expected})
    return ", ".join(name for name in names if found.get(name) != expected.get(name))


def cases_of(shim: Shim, operation: str, function: Any, template: Path, work: Path) -> Any:
    """The calls of an operation, and what it does when nothing fails."""

    def counted() -> Any:
        folder = copy(template, work)
        shim.arm(FILES, -1, COUNT, 0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = json.dumps(function(folder))
        shim.disarm()
        names = [shim.name(k).decode() for k in range(shim.count(FILES))]
        memory, threads = shim.count(MEMORY), shim.count(THREADS)
        new = {name: data.hex() for name, data in snapshot(folder).items()}
        again, _ = once(shim, function, folder, None)  # None for one that takes no old target
        return {
            "names": names,
            "memory": memory,
            "threads": threads,
            "result": result,
            "new": new,
            "again": again,
        }

    for _ in range(2):  # so that it imports nothing while calls are counted
        once(shim, function, copy(template, work), None)
    good = in_child(counted)
    if "wrong" in good:
        raise SystemExit(f"{operation}: {good['wrong']}")
    cases = []
    for at, name in enumerate(good["names"]):
        errors = next((errors for names, errors in _ERRORS.items() if name in names), ("EIO",))
        cases += [Case(operation, FILES, at, name, FAIL, error) for error in errors]
        if name in _READS or name in _WRITES:
            cases += [Case(operation, FILES, at, name, kind, "") for kind in (SHORT, ZERO)]
    step = max(1, good["memory"] // _MEMORY_CALLS)
    cases += [
        Case(operation, MEMORY, at, "malloc", FAIL, "ENOMEM")
        for at in range(0, good["memory"], step)
    ]
    cases += [
        Case(operation, THREADS, at, "thread", FAIL, "ENOMEM") for at in range(good["threads"])
    ]
    return cases, good


def copy(template: Path, work: Path) -> Path:
    """A new copy of the template at work."""
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(template, work)
    (work / "cache").chmod(0o700)
    return work


def run(options: argparse.Namespace, folder: Path) -> int:
    """Every case that was asked for; the number of wrong ends."""
    from operations import OPERATIONS, prepare

    shim = Shim()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ["IDXIO_CACHE_DIR"] = str(folder / "no-cache")
    template = folder / "template"
    template.mkdir()
    prepare(template)
    choose = random.Random(options.seed)
    names = options.operations.split(",") if options.operations else [*OPERATIONS]
    ends: Counter[str] = Counter()
    wrong = 0
    for name in names:
        function = OPERATIONS[name]
        work = folder / "work"
        cases, good = cases_of(shim, name, function, template, work)
        chosen = [
            case
            for case in cases
            if choose.random() < options.share or (case.operation, case.name) in _KEPT
        ]
        begun = time.monotonic()
        for case in chosen:
            copy(template, work)
            end = in_child(partial(judged, shim, function, work, case, good))
            if "wrong" in end:
                wrong += 1
                print(f"WRONG {case}: {end['wrong']}", flush=True)
            ends["wrong" if "wrong" in end else end["ended"]] += 1
        seconds = time.monotonic() - begun
        print(f"{name}: {len(chosen)} of {len(cases)} cases, {seconds:.0f} s", flush=True)
    print(f"{ends.total()} cases: {dict(ends)}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", help="some of them, with commas; default: all")
    parser.add_argument("--share", type=float, default=1.0, help="of the cases, chosen by the seed")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as name:
        if "IDXIO_SHIM" not in os.environ:
            shim = build(Path(name))
            environment = {**os.environ, "LD_PRELOAD": str(shim), "IDXIO_SHIM": "1"}
            return subprocess.run([sys.executable, *sys.argv], env=environment).returncode
        return 1 if run(options, Path(name)) else 0


if __name__ == "__main__":
    sys.exit(main())
