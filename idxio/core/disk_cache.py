"""The cache: raw copies of compressed files in the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterator
from typing import NamedTuple

from .._native import inflate
from ..compression.read_ahead import ReadAhead
from ..compression.registry import Compression, open_compressed
from ..errors import IdxError, naming
from ..storage.atomic_file import AtomicFile
from ..storage.file_object import write_all
from ..storage.ownership import claim, is_own, make_way, mode_of_copy
from ..storage.regular import open_regular, read_regular
from ..storage.source import File, PathSource, Source, StorageOptions, open_source
from ..storage.targets import write_file
from . import decode

# Limit of the cache in bytes, unless the environment variable IDXIO_CACHE_SIZE sets another.
DEFAULT_SIZE = 20 << 30
# Age in seconds from which a temporary file counts as left by a killed process.
_STALE = 24 * 3600
# Attempts to open a copy, which other processes may evict after it was made.
_TRIES = 5
_BLOCK = 1 << 20
_MOST_LINK = 4096
# The names of copies, of links, and of temporary files of the two. All else in the folder is
# somebody's: IDXIO_CACHE_DIR may name one that has files of its own.
_NAME = re.compile(
    r"[0-9a-f]{8}-\d+\.idx|[0-9a-f]{32}\.link"
    r"|\.(\d+\.idx|[0-9a-f]{8}-\d+\.idx|[0-9a-f]{32}\.link)\.[0-9a-f]+\.tmp"
)


def folder() -> str:
    """The folder of the raw copies: IDXIO_CACHE_DIR, or idxio in the user's cache folder."""
    chosen = os.environ.get("IDXIO_CACHE_DIR")
    if chosen:
        return chosen
    import platformdirs  # on use: most programs keep no copies

    return platformdirs.user_cache_dir("idxio", appauthor=False)


def raw_copy(compressed: Compression) -> str:
    """Return the path of the raw copy of a compressed file; make the copy if it is missing.

    The path, size, times and inode of the file lead to the copy, or its URL, ETag and size. CRC-32
    and size of the content name it, so that mirrors of the same data share it. The copy appears at
    once when it is whole, also if several processes make it. Folder and copy belong to this user,
    and the CRC-32 was checked.
    """
    source = compressed.source
    if source.key is None:
        what = "it is not a path, nor a URL whose server gives ETags"
        raise IdxError(f"can't be cached: {what}", file=source.name)
    place = folder()
    key = hashlib.sha256(repr(source.key).encode()).hexdigest()[:32]
    link = os.path.join(place, f"{key}.link")
    header = decode.read_header(compressed)
    size = header.size + header.nbytes
    most = _most()
    with _naming(compressed.name, place):
        claim(place)
        path = _known_copy(link, size)
        if path is None:
            path = _unpack(compressed, place, size)
            _write_link(link, path)
            evict(most, keep=path)
    return path


def open_copy(file: File, storage_options: StorageOptions = None) -> Source:
    """Open the raw copy of a file.

    Opens the file itself if it is raw and on this machine, or if other processes evict its copy
    before it is opened.
    """
    source = open_source(file, storage_options=storage_options)
    try:
        compressed = open_compressed(source)
        tries = 0 if compressed.is_plain and not source.is_remote else _TRIES
        for _ in range(tries):
            path = raw_copy(compressed)
            with contextlib.suppress(FileNotFoundError):
                copy = PathSource(path)
                source.close()
                return copy
    except BaseException:
        source.close()
        raise
    return source


class Entry(NamedTuple):
    """A raw file in the cache: `size` in bytes, `used` (last opened) in seconds since 1970."""

    path: str
    size: int
    used: float


def entries() -> list[Entry]:
    """The raw files in the cache, sorted by last use, the latest first."""
    scanned = _scan()
    used: dict[str, float] = {}
    for path, status in scanned:
        if path.endswith(".link") and (target := _target(path)):
            used[target] = max(used.get(target, 0), status.st_mtime)
    found = [Entry(p, s.st_size, used.get(p, s.st_mtime)) for p, s in scanned if p.endswith(".idx")]
    return sorted(found, key=lambda entry: -entry.used)


def clear() -> int:
    """Empty the cache and return the number of bytes freed; open views stay valid."""
    freed = 0
    for path, status in _scan():
        if path.endswith((".idx", ".link", ".tmp")):
            freed += status.st_size
            _remove(path)
    return freed


def _most() -> int:
    """The limit of the cache in bytes."""
    chosen = os.environ.get("IDXIO_CACHE_SIZE", "")
    try:
        return int(chosen or DEFAULT_SIZE)
    except ValueError:
        raise ValueError(
            f"the environment variable IDXIO_CACHE_SIZE is a number of bytes, not {chosen!r}"
        ) from None


def evict(most: int, keep: str) -> None:
    """Remove the least recently used files until `most` bytes are left, but never `keep`."""
    total = 0
    for entry in entries():
        total += entry.size
        if total > most and entry.path != keep:
            _remove(entry.path)
            total -= entry.size
    for path, status in _scan():
        # Temporary files of killed processes, and links to evicted files.
        if (path.endswith(".tmp") and status.st_mtime < time.time() - _STALE) or (
            path.endswith(".link") and not os.path.exists(_target(path))
        ):
            _remove(path)


def _known_copy(link: str, size: int) -> str | None:
    """Return the copy that a link names, if its CRC-32 is right; None otherwise."""
    try:
        path, *stamp = _words_of(link)
        path = os.path.join(os.path.dirname(link), path)
        if not is_own(path) or (now := _stamp(path))[0] != str(size):
            return None
        if stamp != now:
            if not _holds_true(path):
                return None
            with contextlib.suppress(OSError):  # root may keep a cache that others only read
                _write_link(link, path)
        with contextlib.suppress(OSError):
            # Not the copy: a process that has it open would take it for a changed file.
            os.utime(link)
    except (OSError, ValueError):
        return None
    return path


def _stamp(path: str) -> list[str]:
    """Size, times and inode of a copy, which change when it is written to."""
    with contextlib.closing(PathSource(path)) as copy:
        return [str(number) for number in copy.identity[:4]]


def _holds_true(path: str) -> bool:
    """Whether the bytes of a copy have the CRC-32 that its name states."""
    crc = 0
    with naming(path), open(path, "rb", opener=open_regular) as file:
        while block := file.read(_BLOCK):
            crc = inflate.crc32(block, crc)
    return os.path.basename(path).startswith(f"{crc:08x}-")


def _write_link(link: str, path: str) -> None:
    """Write a link with the stamp of a copy: its CRC-32 is right as long as the stamp matches."""
    words = [os.path.basename(path), *_stamp(path)]
    make_way(link)
    write_file(link, " ".join(words).encode())


def _words_of(link: str) -> list[str]:
    """Read the name of a copy and its stamp from a link; none if the link is not this user's."""
    try:
        words = read_regular(link, _MOST_LINK).decode().split(" ") if is_own(link) else []
    except (OSError, ValueError):
        return []
    return [os.path.basename(words[0]), *words[1:]] if words else []


def _target(link: str) -> str:
    """The path of the raw file that a link names, or an empty string."""
    words = _words_of(link)
    return os.path.join(os.path.dirname(link), words[0]) if words else ""


@contextlib.contextmanager
def _naming(name: str, place: str) -> Iterator[None]:
    """Name the file and the cache in errors of the system about files inside the cache."""
    try:
        yield
    except OSError as error:
        inside = isinstance(error.filename, str) and error.filename.startswith(
            os.path.join(place, "")
        )
        if error.errno is not None and (error.filename is None or inside):
            error.filename = name
            error.filename2 = place
        raise


def _unpack(compressed: Compression, place: str, size: int) -> str:
    """Write the unpacked file into the cache and check its size."""
    # The final name needs the CRC-32, which is known at the end only.
    target = AtomicFile(os.path.join(place, f"{os.getpid()}.idx"))
    status = compressed.source.status()
    if status is not None:
        os.fchmod(target.file.fileno(), mode_of_copy(status))
    stream = ReadAhead(compressed.stream(), can_wait=False)
    crc = found = 0
    try:
        with compressed.source.expect_all():
            while stream.step():
                found += len(stream.block)
                if found > size:
                    break
                crc = inflate.crc32(stream.block, crc)
                write_all(target.file, stream.block)
        if found != size:
            raise IdxError(
                "does not unpack to the size that its header promises; idxio verify says more",
                file=compressed.name,
            )
        path = os.path.join(place, f"{crc:08x}-{size}.idx")
        make_way(path)
        target.move_to(path)
        target.commit()
        return path
    except BaseException:
        target.discard()
        raise
    finally:
        stream.close()


def _scan() -> list[tuple[str, os.stat_result]]:
    """List the files that a cache has made; other processes may remove some meanwhile."""
    found = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder()) as files:
        for file in files:
            if not _NAME.fullmatch(file.name):
                continue
            with contextlib.suppress(OSError):
                found.append((file.path, file.stat(follow_symlinks=False)))
    return found


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):  # another process removed it, or it belongs to another user
        os.unlink(path)
