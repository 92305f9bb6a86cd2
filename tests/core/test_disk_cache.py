"""open(cache=True): unpacked once, found again, never half there. And repack."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys

import numpy as np
import pytest
from helpers import PipeLike, encode

import idxio
from idxio.core import disk_cache
from idxio.storage import ownership

ARRAY = np.arange(30_000, dtype=np.int32).reshape(3000, 10)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("IDXIO_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def packed(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(encode(ARRAY)))
    return path


def test_the_second_time_it_is_a_map(packed, folder):
    for _ in range(2):
        with idxio.open(packed, cache=True) as f:
            assert f.packing == "raw"
            assert (f.array == ARRAY).all()
    assert [entry.size for entry in disk_cache.entries()] == [len(encode(ARRAY))]
    view = idxio.read(packed, mmap=True, cache=True)
    assert not view.flags.writeable
    assert (view == ARRAY).all()


def test_a_size_that_is_none(packed, monkeypatch):
    monkeypatch.setenv("IDXIO_CACHE_SIZE", "20G")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"IDXIO_CACHE_SIZE.*bytes.*'20G'"):
            idxio.open(packed, cache=True)
    assert not disk_cache.entries()


def test_a_file_that_unpacks_to_more_than_it_promises(tmp_path):
    for extra in (b"more", bytes(1 << 20)):
        (tmp_path / "x.gz").write_bytes(gzip.compress(encode(ARRAY) + extra))
        with pytest.raises(idxio.IdxError, match="size that its header promises"):
            idxio.open(tmp_path / "x.gz", cache=True)
    assert not disk_cache.entries()


def test_a_copy_that_only_root_may_touch_is_good_too(packed, monkeypatch):
    idxio.open(packed, cache=True).close()

    def refuse(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "utime", refuse)
    monkeypatch.setattr(disk_cache, "_unpack", refuse)
    with idxio.open(packed, cache=True) as f:
        assert (f[3] == ARRAY[3]).all()


def of_another_user(monkeypatch, *paths):
    """Let files look as if somebody else owned them, which root alone could make true."""
    lstat = os.lstat

    def changed(path):
        status = lstat(path)
        return (
            os.stat_result([*status[:4], 12345, *status[5:]])
            if os.fspath(path) in map(str, paths)
            else status
        )

    monkeypatch.setattr(os, "lstat", changed)


@pytest.mark.parametrize(
    "which", ["copy", "link", "writable copy", "writable link", "symbolic copy", "symbolic link"]
)
def test_what_others_could_have_put_there_is_not_believed(
    packed, folder, tmp_path, which, monkeypatch
):
    idxio.open(packed, cache=True).close()
    copy, link = (
        folder / os.path.basename(disk_cache.entries()[0].path),
        next(folder.glob("*.link")),
    )
    # Whoever could write the one could write the other so that they agree.
    copy.write_bytes(encode(ARRAY + 1))
    link.write_text(f"{copy.name} {' '.join(disk_cache._stamp(str(copy)))}")
    assert (idxio.read(packed, cache=True) == ARRAY + 1).all()
    path = copy if "copy" in which else link
    if "writable" in which:
        path.chmod(0o660)
        if path is copy:
            link.write_text(f"{copy.name} {' '.join(disk_cache._stamp(str(copy)))}")
    elif "symbolic" in which:
        path.rename(tmp_path / "elsewhere")
        path.symlink_to(tmp_path / "elsewhere")
    else:
        of_another_user(monkeypatch, path)
    before = (tmp_path / "elsewhere").read_bytes() if "symbolic" in which else b""
    assert (idxio.read(packed, cache=True) == ARRAY).all()
    if "symbolic" in which:
        assert (tmp_path / "elsewhere").read_bytes() == before  # not written through
        assert not path.is_symlink()


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_to(packed, folder, mode):
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(
        PermissionError, match=r"can be written to by others .*chmod 700.*IDXIO_CACHE_DIR.*cache'"
    ):
        idxio.open(packed, cache=True)
    assert not list(folder.iterdir())
    folder.chmod(0o755)
    idxio.open(packed, cache=True).close()


def test_a_folder_of_another_user(packed, folder, monkeypatch):
    folder.mkdir()
    owner = folder.stat().st_uid
    monkeypatch.setattr(ownership, "owners", lambda: (owner + 1,))
    with pytest.raises(PermissionError, match=f"belongs to the user {owner}"):
        idxio.open(packed, cache=True)


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o600, 0o600), (0o400, 0o600), (0o644, 0o644), (0o777, 0o644)]
)
def test_a_copy_has_the_permissions_of_its_source(packed, folder, mode, expected):
    os.chown(packed, -1, os.getegid())
    packed.chmod(mode)
    idxio.open(packed, cache=True).close()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert os.stat(disk_cache.entries()[0].path).st_mode & 0o777 == expected


def test_a_copy_that_was_overwritten_with_its_time_put_back(packed):
    idxio.open(packed, cache=True).close()
    path = disk_cache.entries()[0].path
    before = os.stat(path)
    while os.stat(path).st_ctime_ns == before.st_ctime_ns:
        with open(path, "r+b") as file:
            file.seek(-1, 2)
            file.write(b"\xff")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (idxio.read(packed, cache=True) == ARRAY).all()


def test_a_copy_is_summed_once_after_it_changed(packed, monkeypatch):
    idxio.open(packed, cache=True).close()
    calls = []
    holds_true = disk_cache._holds_true
    monkeypatch.setattr(
        disk_cache, "_holds_true", lambda path: calls.append(path) or holds_true(path)
    )
    monkeypatch.setattr(disk_cache, "_unpack", None)
    idxio.open(packed, cache=True).close()
    assert not calls
    path = disk_cache.entries()[0].path
    while len(calls) == 0:  # the clock of changes is coarse
        os.chmod(path, 0o600)
        idxio.open(packed, cache=True).close()
    idxio.open(packed, cache=True).close()
    assert len(calls) == 1


def test_opening_it_again_does_not_change_it_for_others(packed):
    with idxio.open(packed, cache=True) as f:
        before = os.stat(disk_cache.entries()[0].path)
        used = disk_cache.entries()[0].used
        while disk_cache.entries()[0].used == used:
            idxio.open(packed, cache=True).close()
        assert os.stat(f.name).st_ctime_ns == before.st_ctime_ns
        assert (f[5] == ARRAY[5]).all()


def test_a_source_overwritten_with_its_time_put_back(packed):
    idxio.open(packed, cache=True).close()
    before = packed.stat()
    other = gzip.compress(encode(ARRAY[::-1].copy()))
    other += bytes(max(0, before.st_size - len(other)))
    packed.write_bytes(gzip.compress(encode(ARRAY)).ljust(len(other), b"\0"))
    os.utime(packed, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (idxio.read(packed, cache=True) == ARRAY).all()
    before = packed.stat()
    while packed.stat().st_ctime_ns == before.st_ctime_ns:
        with packed.open("r+b") as file:
            file.write(other)
        os.utime(packed, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert packed.stat().st_size == before.st_size
    assert (idxio.read(packed, cache=True) == ARRAY[::-1]).all()


def test_a_full_disk_names_the_file_and_the_cache(packed, folder, monkeypatch):
    class Full(io.RawIOBase):
        def write(self, data):
            raise OSError(28, "No space left on device")

        def fileno(self):
            return self.fd

    class Target(disk_cache.AtomicFile):
        def __init__(self, path):
            super().__init__(path)
            real, self.file = self.file, Full()
            self.file.fd = os.dup(real.fileno())
            real.close()

        def discard(self):
            os.close(self.file.fd)
            super().discard()

    monkeypatch.setattr(disk_cache, "AtomicFile", Target)
    with pytest.raises(OSError, match="No space left") as info:
        idxio.open(packed, cache=True)
    assert (info.value.filename, info.value.filename2) == (str(packed), str(folder))


def test_mirrors_share_it(packed, tmp_path):
    (tmp_path / "y.xz").write_bytes(lzma.compress(encode(ARRAY)))
    idxio.open(packed, cache=True).close()
    idxio.open(tmp_path / "y.xz", cache=True).close()
    assert len(disk_cache.entries()) == 1


def test_a_replaced_file_is_noticed(packed):
    idxio.open(packed, cache=True).close()
    packed.write_bytes(gzip.compress(encode(ARRAY + 1)))
    assert (idxio.read(packed, cache=True) == ARRAY + 1).all()


def test_a_damaged_entry_is_made_again(packed):
    idxio.open(packed, cache=True).close()
    with open(disk_cache.entries()[0].path, "r+b") as file:
        file.truncate(99)
    assert (idxio.read(packed, cache=True) == ARRAY).all()
    os.unlink(disk_cache.entries()[0].path)
    assert (idxio.read(packed, cache=True) == ARRAY).all()


def test_a_damaged_file_is_not_kept(packed):
    data = bytearray(packed.read_bytes())
    data[-5] ^= 1
    packed.write_bytes(data)
    with pytest.raises(idxio.IdxError):
        idxio.open(packed, cache=True)
    assert not disk_cache.entries()


def test_it_is_bounded(packed, tmp_path, monkeypatch):
    monkeypatch.setenv("IDXIO_CACHE_SIZE", str(len(encode(ARRAY)) + 10))
    idxio.open(packed, cache=True).close()
    os.utime(disk_cache.entries()[0].path, (1, 1))
    (tmp_path / "y.gz").write_bytes(gzip.compress(encode(ARRAY + 1)))
    view = idxio.read(packed, mmap=True, cache=True)
    os.utime(disk_cache.entries()[0].path, (1, 1))
    assert (idxio.read(tmp_path / "y.gz", cache=True) == ARRAY + 1).all()
    assert len(disk_cache.entries()) == 1
    assert (view == ARRAY).all()  # a view outlives its file


def test_several_processes_at_once(packed, folder):
    code = f"import idxio; print(idxio.read({str(packed)!r}, cache=True).sum())"
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in range(4)
    ]
    assert {int(process.communicate()[0]) for process in running} == {int(ARRAY.sum())}
    assert len(disk_cache.entries()) == 1
    assert not [name for name in os.listdir(folder) if name.endswith(".tmp")]


def test_clear(packed):
    idxio.open(packed, cache=True).close()
    assert disk_cache.clear() > len(encode(ARRAY))
    assert disk_cache.entries() == []


def test_files_of_others_in_its_folder_stay(packed, folder, monkeypatch):
    folder.mkdir(mode=0o700)
    mine = ["train-images.idx", "0123abcd.idx", "a.link", "x.idx.tmp", ".x.gz.0.tmp", "x.tmp"]
    for name in mine:
        (folder / name).write_bytes(encode(ARRAY))
        os.utime(folder / name, (1, 1))
    monkeypatch.setenv("IDXIO_CACHE_SIZE", "1")
    idxio.open(packed, cache=True).close()  # evicts all that it may
    (entry,) = disk_cache.entries()
    assert disk_cache.clear() >= entry.size
    assert sorted(os.listdir(folder)) == sorted(mine)


def test_what_is_raw_is_not_copied(tmp_path):
    idxio.write(tmp_path / "raw", ARRAY)
    assert (idxio.read(tmp_path / "raw", cache=True) == ARRAY).all()
    assert disk_cache.entries() == []


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress, bz2.compress])
@pytest.mark.parametrize("array", [ARRAY, ARRAY[:0], np.float64(3), np.zeros((0, 3), np.uint8)])
def test_repack(pack, array, tmp_path):
    calls = []
    idxio.repack(
        pack(encode(array)), tmp_path / "out.gz", progress=lambda *call: calls.append(call)
    )
    expected = io.BytesIO()
    idxio.write(expected, np.asarray(array), compression="gzip")
    assert (tmp_path / "out.gz").read_bytes() == expected.getvalue()
    assert all(done <= total for done, total in calls)


def test_repack_in_place_and_of_what_is_bad(packed):
    idxio.repack(packed, packed, level=9)
    assert (idxio.read(packed) == ARRAY).all()
    good = packed.read_bytes()
    bad = bytearray(good)
    bad[-6] ^= 1
    packed.write_bytes(bad)
    with pytest.raises(idxio.IdxError):
        idxio.repack(packed, packed)
    assert packed.read_bytes() == bad


def test_others_evict_the_copy_before_it_is_opened(packed, folder, monkeypatch):
    made = []

    def lose(file, most):
        path = raw_copy(file)
        made.append(path)
        if len(made) < most:
            os.unlink(path)
        return path

    raw_copy = disk_cache.raw_copy
    for most, packing in ((3, "raw"), (99, "gzip")):
        made.clear()
        with monkeypatch.context() as patch:
            patch.setattr(disk_cache, "raw_copy", lambda file, most=most: lose(file, most))
            with idxio.open(packed, cache=True) as f:
                assert f.packing == packing
                assert (f[:] == ARRAY).all()


def test_what_nobody_needs_is_removed(packed, folder, tmp_path, monkeypatch):
    folder.mkdir()
    old, new = folder / ".1.idx.0.tmp", folder / ".2.idx.0.tmp"
    for left in (old, new):
        left.write_bytes(bytes(99))
    os.utime(old, (0, 0))
    monkeypatch.setenv("IDXIO_CACHE_SIZE", "1")
    other = tmp_path / "other.gz"
    other.write_bytes(gzip.compress(encode(ARRAY[:100])))
    for path in (packed, other):
        idxio.open(path, cache=True).close()
    assert sorted(path.suffix for path in folder.iterdir()) == [".idx", ".link", ".tmp"]
    assert new.exists()


@pytest.mark.parametrize("file", [io.BytesIO, PipeLike, bytes])
def test_what_is_no_path(file, folder):
    assert (idxio.open(file(encode(ARRAY)), cache=True)[:] == ARRAY).all()
    with pytest.raises(idxio.IdxError, match="not a path"):
        idxio.open(file(gzip.compress(encode(ARRAY))), cache=True)


def test_links_that_lead_nowhere(packed, folder):
    folder.mkdir()
    (folder / "a.link").write_bytes(b"\xff\xfe")
    (folder / "b.link").mkdir()
    (folder / "c.link").symlink_to("c.link")
    for _ in range(2):
        assert (idxio.open(packed, cache=True).array == ARRAY).all()
    for link in folder.glob("*.link"):
        if link.name[0] not in "bc":
            link.write_bytes(b"\xff")
    assert (idxio.open(packed, cache=True).array == ARRAY).all()
