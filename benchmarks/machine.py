"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import idxio

from .c_baseline import Floor
from .harness import MissingError

PEERS = (
    "numpy",
    "idx2numpy",
    "python-mnist",
    "isal",
    "zlib-ng",
    "deflate",
    "obstore",
    "fsspec",
    "zarr",
)


def facts(folder: Path, floor: Floor) -> dict[str, str]:
    """Names and values, for people."""
    try:
        floor_version = f"libdeflate {floor.version()}"
    except MissingError as error:
        floor_version = f"MISSING: {error}"
    return {
        "processors": f"{_processors()} of {_cpu_model()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "huge pages": _bracketed(Path("/sys/kernel/mm/transparent_hugepage/enabled")),
        "file system": _file_system(folder),
        "Python": platform.python_version(),
        "idxio": "; ".join(" ".join(line.split()) for line in idxio.show_config().splitlines()),
        "C floor": floor_version,
        "peers": ", ".join(f"{name} {_version(name)}" for name in PEERS),
        "libdeflate in deflate": (
            "bundled in the wheel, which does not say its version (its change log: 0.8 has 1.22)"
        ),
    }


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    fields = dict(line.replace("\t", "").split(": ", 1) for line in lines if ": " in line)
    numbers = ", ".join(
        f"{key} {fields[key]}" for key in ("cpu family", "model", "stepping") if key in fields
    )
    return f"{fields.get('model name', 'unknown')} ({numbers})"


def _bracketed(path: Path) -> str:
    """The chosen one of "always [madvise] never"."""
    try:
        return path.read_text().split("[")[1].split("]")[0]
    except (OSError, IndexError):
        return "unknown"


def _file_system(folder: Path) -> str:
    best, kind = "", "unknown"
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return kind
    for line in mounts:
        _, point, this, *_ = line.split()
        inside = folder.resolve().is_relative_to(point)
        if inside and len(point) >= len(best):
            best, kind = point, this
    return f"{kind} at {folder.parent}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "MISSING"
