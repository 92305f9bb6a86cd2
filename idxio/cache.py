"""Decode once: raw copies of compressed files in the user's cache folder."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from typing import NamedTuple

from . import payload
from ._native import inflate
from .containers import Container, open_container
from .containers.ahead import Ahead
from .containers.raw import Raw
from .errors import IdxError
from .regular import open_regular, read_regular
from .source import File, PathSource, Source, open_source
from .target import Replacement, write_file

# The most bytes that are kept, unless the environment variable IDXIO_CACHE_SIZE says otherwise.
DEFAULT_SIZE = 20 << 30
# Seconds after which nobody writes a temporary file any more.
_STALE = 24 * 3600
_TRIES = 5
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_BLOCK = 1 << 20
_MOST_LINK = 4096


class Entry(NamedTuple):
    """A raw file in the cache."""

    path: str
    size: int
    used: float
    """When it was last opened, in seconds since 1970."""


def folder() -> str:
    """Where the raw files are kept: IDXIO_CACHE_DIR, or idxio in the user's cache folder."""
    chosen = os.environ.get("IDXIO_CACHE_DIR")
    if chosen:
        return chosen
    try:
        import platformdirs
    except ImportError:
        raise ImportError(
            "the cache needs platformdirs: pip install 'idxio[cache]', or name a folder in IDXIO_CACHE_DIR"
        ) from None
    return platformdirs.user_cache_dir("idxio", appauthor=False)


def raw_copy(container: Container) -> str:
    """The path of the raw copy of a compressed file, made if it is not there yet.

    It is found by the path, size, times and inode of the file, and named by the CRC-32 and size of its content, so
    that mirrors of the same data share it. It appears whole or not at all, whoever else makes it at the same time.
    The folder and the copy are this user's own, and the copy has its CRC-32.
    """
    source = container.source
    if not isinstance(source, PathSource):
        raise IdxError("can't be cached: it is not a path", file=source.name)
    place = folder()
    key = hashlib.sha256(repr((source.path, source.identity)).encode()).hexdigest()[:32]
    link = os.path.join(place, f"{key}.link")
    header = payload.read_header(container)
    size = header.size + header.nbytes
    most = _most()
    with _naming(container.name, place):
        _claim(place)
        path = _known_copy(link, size)
        if path is None:
            path = _unpack(container, place, size)
            _write_link(link, path)
            evict(most, keep=path)
    return path


def open_copy(file: File) -> Source:
    """The raw copy; the file itself where it is raw, or where others evict its copy faster than it can be opened."""
    source = open_source(file)
    try:
        container = open_container(source)
        for _ in range(0 if isinstance(container, Raw) else _TRIES):
            path = raw_copy(container)
            with contextlib.suppress(FileNotFoundError):
                copy = PathSource(path)
                source.close()
                return copy
    except BaseException:
        source.close()
        raise
    return source


def entries() -> list[Entry]:
    """The raw files in the cache, the one used last first."""
    scanned = _scan()
    used: dict[str, float] = {}
    for path, status in scanned:
        if path.endswith(".link") and (target := _target(path)):
            used[target] = max(used.get(target, 0), status.st_mtime)
    found = [Entry(p, s.st_size, used.get(p, s.st_mtime)) for p, s in scanned if p.endswith(".idx")]
    return sorted(found, key=lambda entry: -entry.used)


def clear() -> int:
    """Remove everything from the cache; the bytes that this frees. Views that are open stay good."""
    freed = 0
    for path, status in _scan():
        if path.endswith((".idx", ".link", ".tmp")):
            freed += status.st_size
            _remove(path)
    return freed


def _most() -> int:
    """The most bytes that are kept."""
    chosen = os.environ.get("IDXIO_CACHE_SIZE", "")
    try:
        return int(chosen or DEFAULT_SIZE)
    except ValueError:
        raise ValueError(f"the environment variable IDXIO_CACHE_SIZE is a number of bytes, not {chosen!r}") from None


def evict(most: int, keep: str) -> None:
    """Remove the files that were not used for longest until the rest takes `most` bytes, but never `keep`."""
    total = 0
    for entry in entries():
        total += entry.size
        if total > most and entry.path != keep:
            _remove(entry.path)
            total -= entry.size
    for path, status in _scan():
        # What a process left that was killed, and what leads to a file that was evicted.
        if (path.endswith(".tmp") and status.st_mtime < time.time() - _STALE) or (
            path.endswith(".link") and not os.path.exists(_target(path))
        ):
            _remove(path)


def _claim(place: str) -> None:
    """Make the folder, for this user alone; raise if anybody else could put copies there."""
    os.makedirs(place, mode=0o700, exist_ok=True)
    status = os.stat(place)
    if status.st_uid not in _trusted_owners():
        problem = f"belongs to the user {status.st_uid}"
    elif status.st_mode & _OTHERS_WRITE:
        problem = f"can be written to by others (mode {stat.S_IMODE(status.st_mode):04o})"
    else:
        return
    raise PermissionError(
        errno.EPERM,
        f"{problem}, so that copies in it can't be trusted: chmod 700 your own cache folder, or name another one in "
        "IDXIO_CACHE_DIR",
        place,
    )


def _trusted_owners() -> tuple[int, ...]:
    """This user, and root, who could do anything."""
    return os.geteuid(), 0


def _is_trusted(path: str) -> bool:
    """Whether this is a regular file that nobody else could have written."""
    status = os.lstat(path)
    return stat.S_ISREG(status.st_mode) and status.st_uid in _trusted_owners() and not status.st_mode & _OTHERS_WRITE


def _known_copy(link: str, size: int) -> str | None:
    """The copy that a link names, if it is what it was when its CRC-32 was last computed; None if there is none."""
    try:
        if not (path := _target(link)) or not _is_trusted(path) or os.stat(path).st_size != size:
            return None
        if _stamp(path) != _stamp_in(link):
            if not _holds_true(path):
                return None
            with contextlib.suppress(OSError):  # root may keep a cache that others only read
                _write_link(link, path)
        with contextlib.suppress(OSError):
            os.utime(link)  # and not the copy, which would be another file for whoever has it open
    except (OSError, IdxError):
        return None
    return path


def _stamp(path: str) -> str:
    """What changes when a copy is written to."""
    with contextlib.closing(PathSource(path)) as copy:
        return " ".join(map(str, copy.identity[:4]))


def _holds_true(path: str) -> bool:
    """Whether the bytes of a copy have the CRC-32 in its name."""
    crc = 0
    with open(path, "rb", opener=open_regular) as file:
        while block := file.read(_BLOCK):
            crc = inflate.crc32(block, crc)
    return os.path.basename(path).startswith(f"{crc:08x}-")


def _write_link(link: str, path: str) -> None:
    """Note that the copy has the CRC-32 that its name says, as long as it stays as it is."""
    text = f"{os.path.basename(path)} {_stamp(path)}"
    _make_way(link)
    write_file(link, text.encode())


def _make_way(path: str) -> None:
    """Remove what is no file of ours: it would be written through if it is a link."""
    with contextlib.suppress(FileNotFoundError):
        if not _is_trusted(path):
            os.unlink(path)


def _words_of(link: str) -> list[str]:
    """The name of a copy, and its stamp; none where the link is no file of ours."""
    try:
        return read_regular(link, _MOST_LINK).decode().split(" ") if _is_trusted(link) else []
    except (OSError, ValueError):
        return []


def _stamp_in(link: str) -> str:
    return " ".join(_words_of(link)[1:])


def _target(link: str) -> str:
    """The path of the raw file that a link names, or of none."""
    words = _words_of(link)
    return os.path.join(os.path.dirname(link), os.path.basename(words[0])) if words else ""


@contextlib.contextmanager
def _naming(name: str, place: str) -> Iterator[None]:
    """Name the file and the cache in what the system reports of files that nobody named."""
    try:
        yield
    except OSError as error:
        inside = isinstance(error.filename, str) and error.filename.startswith(os.path.join(place, ""))
        if error.errno is not None and (error.filename is None or inside):
            error.filename, error.filename2 = name, place
        raise


def _unpack(container: Container, place: str, size: int) -> str:
    """Write the unpacked file into the cache, checking it."""
    # Named by what is inside, which is known at the end only.
    target = Replacement(os.path.join(place, f"{os.getpid()}.idx"))
    assert isinstance(container.source, PathSource)
    os.fchmod(target.file.fileno(), _mode(container.source.status()))
    stream = Ahead(container.stream(), can_wait=False)
    crc = found = 0
    try:
        while stream.step():
            found += len(stream.block)
            if found > size:
                break
            crc = inflate.crc32(stream.block, crc)
            target.file.write(stream.block)
        if found != size:
            raise IdxError(
                "does not unpack to the size that its header promises; idxio verify says more", file=container.name
            )
        path = os.path.join(place, f"{crc:08x}-{size}.idx")
        _make_way(path)
        target.move_to(path)
        target.commit()
        return path
    except BaseException:
        target.discard()
        raise
    finally:
        stream.close()


def _mode(source: os.stat_result) -> int:
    """The permissions of a copy: who may not read the file may not read its copy either."""
    readers = stat.S_IROTH | (stat.S_IRGRP if source.st_gid == os.getegid() else 0)
    return stat.S_IRUSR | stat.S_IWUSR | (source.st_mode & readers)


def _scan() -> list[tuple[str, os.stat_result]]:
    """The files in the cache; other processes may remove some at any time."""
    found = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder()) as files:
        for file in files:
            with contextlib.suppress(OSError):
                found.append((file.path, file.stat(follow_symlinks=False)))
    return found


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):  # another process was faster, or it is no file of ours
        os.unlink(path)
