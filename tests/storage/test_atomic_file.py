"""Nothing is lost and nothing is mixed: errors, interrupts and kills at every system call of what
replaces files.
"""

import errno
import fcntl
import gc
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from faults import WRITERS, Bench, Plan

import idxio
from idxio.cli.main import main
from idxio.cli.signals import Stopped, stopping
from idxio.compression.gzip import member_output
from idxio.convert import build_files
from idxio.storage import journal, temporary
from idxio.storage.atomic_file import AtomicFile
from idxio.storage.atomic_folder import AtomicFolder

# An interrupt may leave a file open in the frames of its traceback; it is closed when these are
# collected.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected():
    """Collect such files here, and not in a later test.

    What was there before is left out of that: after torch and JAX were imported a collection of
    everything takes half a second, and there is one behind each fault.
    """
    gc.collect()
    gc.freeze()
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    gc.unfreeze()


def array(version, shape=(9, 4, 4)):
    return np.full(shape, version, np.uint8)


def pair(version, folder="."):
    idxio.write_sorted(
        f"{folder}/images.gz", f"{folder}/labels.gz", array(version), array(version, 9), threads=1
    )


def versions(folder="."):
    return [int(idxio.read(f"{folder}/{name}").max()) for name in ("images.gz", "labels.gz")]


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


# At every call


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("write", 1),
        ("write new", 1),
        ("Writer gzip", 1),
        ("write_sorted", 1),
        ("write_sorted new", 5),
        ("write_sorted folders", 9),
        ("repack", 5),
        ("export npz", 19),
        ("export csv", 19),
        ("build", 41),
        ("build add", 35),
    ],
)
def test_a_fault_at_every_call(name, step, tmp_path):
    bench = Bench(tmp_path, WRITERS[name], sync=False)
    calls = bench.count()
    faults = (
        ("interrupt", "before"),
        ("interrupt", "behind"),
        ("error", "before"),
        ("kill", "behind"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of what an interrupt left open
        for at in range(0, calls, step):
            for kind, when in faults:
                bench.inject(Plan(kind, when, at))
            if at % 3 == 0:
                bench.inject(Plan("interrupts", "before", at))
    assert not bench.problems
    assert bench.counts["kill"] == len(range(0, calls, step))
    assert not bench.counts["left over by an interrupt until the next write"]


def test_an_interrupt_while_a_folder_is_closed_that_goes(monkeypatch):
    """Python 3.11 closes it twice then, and the second error took the place of the interrupt."""
    os.mkdir("folder")
    real = os.close
    calls = []

    def close(fd):
        real(fd)
        calls.append(fd)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "close", close)
    with pytest.raises(KeyboardInterrupt):
        temporary.remove_folder("folder")


@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_ctrl_c_at_random_moments():
    def interrupt(number, frame):
        raise KeyboardInterrupt

    rng = np.random.default_rng(0)
    pair(1)
    begin = time.perf_counter()
    pair(1)
    seconds = time.perf_counter() - begin
    before = signal.signal(signal.SIGALRM, interrupt)
    interrupts = 0
    try:
        for i in range(60):
            try:
                signal.setitimer(signal.ITIMER_REAL, float(rng.uniform(1e-5, seconds)))
                pair(i)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                interrupts += 1
            images, labels = versions()
            assert images == labels
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert interrupts
    pair(0)
    assert sorted(os.listdir()) == ["images.gz", "labels.gz"]


def test_an_interrupt_while_the_folder_is_flushed(monkeypatch):
    pair(0)
    real = journal.sync_folder

    def ctrl_c(folder):
        monkeypatch.setattr(journal, "sync_folder", real)
        raise KeyboardInterrupt

    monkeypatch.setattr(journal, "sync_folder", ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        pair(1)
    assert versions() == [1, 1]
    assert sorted(os.listdir()) == ["images.gz", "labels.gz"]


def test_an_interrupt_behind_the_rename(monkeypatch):
    idxio.write("x", array(0))
    real = os.replace

    def ctrl_c(source, target):
        real(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        idxio.write("x", array(1))
    assert idxio.read("x").max() == 1
    assert os.listdir() == ["x"]


def test_what_a_handler_raises_is_no_refusal_of_the_system(monkeypatch):
    """A TimeoutError is an OSError, but the old files must not come back when some are gone."""
    pair(0)
    real, calls = os.unlink, []

    def late(path, **options):
        real(path, **options)
        calls.append(path)
        if len(calls) == 1:
            raise TimeoutError

    monkeypatch.setattr(os, "unlink", late)
    with pytest.raises(TimeoutError):
        pair(1)
    assert versions() == [1, 1]
    assert sorted(os.listdir()) == ["images.gz", "labels.gz"]


def test_the_old_files_come_back_where_the_system_refuses(monkeypatch):
    pair(0)
    real, calls = os.rename, []

    def refuse(source, target):
        calls.append(source)
        if len(calls) == 4:  # the second new file
            raise OSError(errno.EIO, "Input/output error", source)
        real(source, target)

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(OSError, match="Input/output error") as caught:
        pair(1)
    assert caught.value.filename == "./labels.gz"
    assert caught.value.filename2 is None
    assert versions() == [0, 0]
    assert sorted(os.listdir()) == ["images.gz", "labels.gz"]


# After a kill

KILLED = """
import os, signal, sys
import numpy as np
import idxio

name, number = sys.argv[1], int(sys.argv[2])
real = getattr(os, name)
def dying(*args, **options):
    global number
    number -= 1
    if not number:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **options)
setattr(os, name, dying)
"""
KILLED_PAIR = (
    KILLED
    + """
idxio.write_sorted(
    "train-images.gz", "train-labels.gz", np.full((9, 4, 4), 1, np.uint8), np.full(9, 1, np.uint8), threads=1
)
"""
)


@pytest.fixture
def killed_pair():
    """A pair of version 0, of which a process that was killed moved one away and none in place."""
    idxio.write_sorted("train-images.gz", "train-labels.gz", array(0), array(0, 9))
    done = subprocess.run([sys.executable, "-c", KILLED_PAIR, "rename", "2"])
    assert done.returncode == -signal.SIGKILL
    assert sorted(name for name in os.listdir() if name[0] != ".") == ["train-labels.gz"]
    assert journal.JOURNAL in os.listdir()


PAIR = ["train-images.gz", "train-labels.gz"]


@pytest.mark.usefixtures("killed_pair")
def test_load_completes():
    dataset = idxio.load(".")
    assert (dataset.images[0].max(), dataset.labels[0]) == (1, 1)
    assert sorted(os.listdir()) == PAIR


@pytest.mark.usefixtures("killed_pair")
@pytest.mark.parametrize("name", [*PAIR, "other"])
def test_any_writer_of_the_folder_completes(name):
    idxio.write(name, array(2, 9))
    assert sorted(os.listdir()) == sorted({*PAIR, name})
    assert {int(idxio.read(file).max()) for file in PAIR if file != name} == {1}


@pytest.mark.usefixtures("killed_pair")
def test_a_lost_new_file_brings_the_old_ones_back():
    os.unlink(".train-labels.gz.0.tmp")
    dataset = idxio.load(".")
    assert (dataset.images[0].max(), dataset.labels[0]) == (0, 0)
    assert sorted(os.listdir()) == PAIR


def test_what_many_killed_writers_of_one_target_left_is_removed():
    """More at once than there are names that are tried one by one."""
    random = [".x.0123456789ab.tmp", ".x.fedcba987654.tmp"]
    others = [".x.y.0123456789ab.tmp", ".x.0123456789ab.tmp.txt", ".y.0123456789ab.tmp"]
    for name in [*(f".x.{number}.tmp" for number in range(8)), *random, *others]:
        Path(name).write_bytes(b"")
    with open(random[1], "rb") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        idxio.write("x", array(0))
        assert sorted(os.listdir()) == sorted([random[1], *others, "x"])
    Path(".x.5.tmp").write_bytes(b"")
    idxio.write("x", array(0))
    assert sorted(os.listdir()) == sorted([*others, "x"])


@pytest.mark.usefixtures("killed_pair")
def test_what_somebody_put_there_meanwhile_stays():
    Path("train-images.gz").write_bytes(b"mine")
    journal.complete(".")
    assert Path("train-images.gz").read_bytes() == b"mine"
    assert idxio.read("train-labels.gz").max() == 0
    assert sorted(os.listdir()) == [".train-images.gz.old", *PAIR]


@pytest.mark.usefixtures("killed_pair")
def test_a_folder_that_can_not_be_written_is_left_alone(monkeypatch):
    before = sorted(os.listdir())

    def refuse(*args, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    for name in ("rename", "unlink"):
        monkeypatch.setattr(os, name, refuse)
    for look in (idxio.load, idxio.check, lambda folder: idxio.export_dataset(folder, "x.npz")):
        with pytest.raises(FileNotFoundError, match="is not in its place"):
            look(".")
    assert sorted(os.listdir()) == before


@pytest.mark.usefixtures("killed_pair")
@pytest.mark.parametrize("ends", [True, False])
def test_a_split_that_is_out_of_its_place_is_not_left_out(ends, monkeypatch):
    for name, part in (("t10k-images.gz", array(5)), ("t10k-labels.gz", array(5, 9))):
        with open(name, "xb") as file:  # no writer of the folder, which would finish
            idxio.write(file, part)
    os.rename("train-labels.gz", ".train-labels.gz.old")  # the next step of the one that was killed
    if not ends:
        monkeypatch.setattr(os, "rename", lambda *paths: os.stat("/proc/self/no/such"))
        with pytest.raises(FileNotFoundError, match="is not in its place"):
            idxio.export_dataset(".", "x.npz")
        return
    idxio.export_dataset(".", "x.npz")
    assert sorted(np.load("x.npz").files) == ["x_test", "x_train", "y_test", "y_train"]


def test_a_journal_whose_writer_lives_is_left_alone():
    pair(0)
    Path(".images.gz.0.tmp").write_bytes(b"new")
    with open(journal.JOURNAL, "w+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(b"[]\n[]\n")
        file.flush()
        journal.complete(".")
        assert os.path.exists(journal.JOURNAL)
        idxio.write("images.gz", array(1))
        assert os.path.exists(".images.gz.0.tmp")
    journal.complete(".")
    assert not os.path.exists(journal.JOURNAL)


def test_two_at_a_time_wait_for_each_other():
    path = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "support")]
    script = (
        "import sys; sys.path[:0] = {!r}; import test_atomic_file as it\nfor i in range(40):"
        " it.pair(i % 9 + {})"
    )
    processes = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", script.format(path, n)])
        for n in (0, 100)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    images, labels = versions()
    assert images == labels
    assert sorted(os.listdir()) == ["images.gz", "labels.gz"]


@pytest.mark.parametrize(
    ("places", "rows"),
    [
        ([".", "../outside"], [[1, ".x.0.tmp", "x", None, [3, 0]]]),
        ([".", ".."], [[1, ".x.0.tmp", "x", None, [3, 0]]]),
        ([".", "/"], [[1, ".x.0.tmp", "x", None, [3, 0]]]),
        (["."], [[1, ".x.0.tmp", "x", None, [3, 0]]]),
        (["."], [[0, ".x.0.tmp", "../x", None, [3, 0]]]),
        (["."], [[0, "../x.tmp", "x", None, [3, 0]]]),
        (["."], [[0, ".x.0.tmp", "..", None, [3, 0]]]),
        (["."], [[0, ".x.0.tmp", 3, None, [3, 0]]]),
        (["."], [["a", ".x.0.tmp", "x", None, [3, 0]]]),
        (["."], [[0, ".x.0.tmp"]]),
        ([3, 4], [[0, ".x.0.tmp", "x", None, [3, 0]]]),
        ({}, {"a": 1}),
        (3, 4),
    ],
)
def test_a_journal_from_elsewhere_reaches_no_other_folder(places, rows, tmp_path):
    folders = [tmp_path / "in", tmp_path / "outside", tmp_path]
    for folder in folders:
        folder.mkdir(exist_ok=True)
        (folder / ".x.0.tmp").write_bytes(b"bad")
        os.utime(folder / ".x.0.tmp", ns=(0, 0))
    (tmp_path / "in" / journal.JOURNAL).write_text(f"{json.dumps(places)}\n{json.dumps(rows)}\n")
    journal.complete(str(tmp_path / "in"))
    assert os.listdir(tmp_path / "in") == [".x.0.tmp"]
    assert [(folder / "x").exists() for folder in folders] == [False] * 3


@pytest.mark.parametrize(
    "row",
    [
        '[0, ".x.0.tmp", "x", [Infinity, 1], [3, 0]]',
        '[0, ".x.0.tmp", "x\\u0000", null, [3, 0]]',
        '[0, "\\u0000.tmp", "x", null, [3, 0]]',
        '[0, ".x.0.tmp", "\\ud800", null, [3, 0]]',
    ],
)
def test_a_journal_that_says_what_can_not_be_is_removed(row):
    Path(journal.JOURNAL).write_text(f'["."]\n[{row}]\n')
    idxio.write("x", array(1))
    assert os.listdir() == ["x"]


@pytest.mark.usefixtures("killed_pair")
def test_a_journal_that_can_not_be_finished_says_what_to_do():
    for name in PAIR:
        Path(name).write_bytes(b"mine")
    os.unlink(".train-images.gz.old")
    with pytest.raises(OSError, match=r"can't be finished: .* remove it") as caught:
        pair(2)
    os.unlink(caught.value.filename)
    pair(2)
    assert idxio.read("labels.gz").max() == 2


def test_a_link_to_another_file_is_no_journal(tmp_path):
    (tmp_path / "precious").write_bytes(b"data")
    os.symlink("precious", journal.JOURNAL)
    journal.complete(".")
    idxio.write("x", array(1))
    assert (tmp_path / "precious").read_bytes() == b"data"
    with pytest.raises(OSError, match="is no journal of yours"):
        pair(1)
    assert (tmp_path / "precious").read_bytes() == b"data"
    assert sorted(os.listdir()) == sorted([journal.JOURNAL, "precious", "x"])


@pytest.mark.parametrize("kind", ["fifo", "folder", "dangling"])
def test_something_else_under_the_name_of_the_journal(kind):
    {
        "fifo": lambda: os.mkfifo(journal.JOURNAL),
        "folder": lambda: os.mkdir(journal.JOURNAL),
        "dangling": lambda: os.symlink("nowhere/x", journal.JOURNAL),
    }[kind]()
    journal.complete(".")
    idxio.write("x", array(1))
    if kind == "dangling":
        pair(1)
        assert sorted(os.listdir()) == ["images.gz", "labels.gz", "x"]
    else:
        with pytest.raises(OSError, match=r"no journal of yours|Is a directory"):
            pair(1)


@pytest.mark.parametrize(
    "name", [journal.JOURNAL, ".images.gz.0.tmp", ".images.gz.old", ".labels.gz.12ab.tmp", "link"]
)
def test_a_target_that_is_called_as_a_hidden_file(name):
    """The images were gone, without an error, where the order went to .images.gz.0.tmp."""
    pair(1)
    if name == "link":
        os.symlink(".images.gz.0.tmp", name)
    names = sorted(os.listdir())
    with pytest.raises(ValueError, match="hidden files of its own"):
        idxio.write_sorted(
            "images.gz", "labels.gz", array(2), np.zeros(9, np.uint8), order_file=name
        )
    assert sorted(os.listdir()) == names
    assert idxio.read("images.gz").max() == 1


# What is left over


def left(name, *, old):
    """Kill a writer of `name` behind its last write."""
    if old:
        idxio.write(name, array(0))
    script = f"{KILLED}\nidxio.write({name!r}, np.zeros((9, 4, 4), np.uint8))"
    done = subprocess.run([sys.executable, "-c", script, "fsync", "1"])
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("name", ["x", "x.gz", "n" * 251, "ü" * 120])
def test_the_next_writer_removes_what_a_killed_one_left(name):
    left(name, old=True)
    assert len(os.listdir()) == 2
    idxio.write(name, array(2))
    assert os.listdir() == [name]


@pytest.mark.skipif(not hasattr(os, "O_TMPFILE"), reason="the system has no files without names")
def test_a_killed_writer_of_a_new_file_leaves_nothing():
    left("x", old=False)
    assert os.listdir() == []


def test_nothing_of_a_living_writer_is_removed():
    idxio.write("x", array(0))
    first = idxio.Writer("x", "uint8", (4, 4))
    first.append(array(1))
    second = idxio.Writer("x", "uint8", (4, 4))
    second.append(array(2))
    assert len(os.listdir()) == 3
    idxio.write("x", array(3))
    first.close()
    assert idxio.read("x").max() == 1
    second.close()
    assert idxio.read("x").max() == 2
    assert os.listdir() == ["x"]


def test_more_writers_than_names():
    idxio.write("x", array(0))
    writers = [AtomicFile("x") for _ in range(12)]
    assert len(os.listdir()) == 13
    for i, writer in enumerate(writers):
        writer.file.write(bytes([i]))
        writer.commit()
    assert Path("x").read_bytes() == b"\x0b"
    assert os.listdir() == ["x"]


def test_a_new_file_that_comes_to_be_meanwhile():
    output = AtomicFile("x")
    output.file.write(b"mine")
    Path("x").write_bytes(b"other")
    output.commit()
    assert Path("x").read_bytes() == b"mine"
    assert os.listdir() == ["x"]


@pytest.mark.parametrize("call", ["flock", "O_TMPFILE", "link"])
def test_file_systems_that_lack_something(call, monkeypatch):
    def refuse(*args, **options):
        raise OSError(errno.ENOSYS, "Function not implemented")

    real = os.open
    if call == "flock":
        monkeypatch.setattr(fcntl, "flock", refuse)
    elif call == "O_TMPFILE":
        flag = getattr(os, "O_TMPFILE", 0)
        monkeypatch.setattr(
            os,
            "open",
            lambda path, flags, *args: (
                refuse() if flags & flag == flag else real(path, flags, *args)
            ),
        )
    else:
        monkeypatch.setattr(temporary, "_proc", lambda fd: f"/nowhere/{fd}")
    for version in (1, 2):
        idxio.write("x", array(version))
        pair(version)
        assert versions() == [version, version]
        assert idxio.read("x").max() == version
    assert sorted(os.listdir()) == ["images.gz", "labels.gz", "x"]


def test_folders_that_a_killed_process_left(tmp_path):
    script = (
        f"{KILLED}\nfrom idxio.storage.atomic_folder import AtomicFolder\nwith AtomicFolder('new')"
        " as f: f.commit()"
    )
    done = subprocess.run([sys.executable, "-c", script, "rename", "1"])
    assert done.returncode == -signal.SIGKILL
    assert os.listdir() == [".new.0.tmp"]
    (tmp_path / ".new.0.tmp" / "file").write_bytes(b"x")
    with AtomicFolder("new") as living:
        assert os.listdir() == [".new.0.tmp"]
        assert os.listdir(living.path) == []
        with AtomicFolder("new") as second:
            assert second.path != living.path
            second.commit()
        assert sorted(os.listdir()) == [".new.0.tmp", "new"]
    assert os.listdir() == ["new"]


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o2775, 0o555])
def test_an_empty_folder_keeps_its_permissions(mode):
    os.mkdir("target")
    os.chmod("target", mode)
    with AtomicFolder("target") as folder:
        assert not os.stat(folder.path).st_mode & 0o777 & ~(mode | 0o700)
        Path(folder.path, "x").write_bytes(b"x")
        folder.commit()
    assert os.listdir("target") == ["x"]
    assert os.stat("target").st_mode & 0o7777 == mode
    os.chmod("target", 0o700)


@pytest.mark.parametrize("target", [".", "../here", "link"])
def test_the_working_directory_is_not_replaced(target, tmp_path, monkeypatch):
    """Whoever is in it would go on in a folder that is no more, and see none of the files."""
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to("here")
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(OSError, match="is the working directory"):
        AtomicFolder(str(tmp_path / target) if target == "link" else target)
    assert sorted(os.listdir(tmp_path)) == ["here", "link"]


def test_a_fork_writes_nothing_of_its_parents_file():
    idxio.write("x", array(0))
    writer = idxio.Writer("x", "uint8", (4, 4))
    writer.append(array(1))  # waits in the buffer
    if os.fork() == 0:
        del writer
        os._exit(0)
    os.wait()
    writer.append(array(2))
    writer.close()
    assert (idxio.read("x") == np.concatenate((array(1), array(2)))).all()


# Short writes and reads


def test_pictures_are_not_cut_without_a_word(tmp_path):
    (tmp_path / "data").mkdir()
    images = np.random.default_rng(0).integers(0, 256, (3, 300, 300), np.uint8)
    idxio.write("data/train-images-idx3-ubyte", images)
    idxio.write("data/train-labels-idx1-ubyte", np.arange(3, dtype=np.uint8))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            idxio.export_dataset("data", "out", to="png")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert os.listdir() == ["data"]


class EarlyEnd(io.BytesIO):
    """A spool of which a read ends early once."""

    def read(self, n=-1):
        data = super().read(n)
        self.seek(0, 2)
        return data[:-5]


@pytest.mark.parametrize("call", ["Writer", "repack"])
def test_a_spool_that_ends_early(call, monkeypatch):
    idxio.write("raw", np.arange(100_000, dtype=np.int32))
    idxio.write("x.gz", array(0))
    monkeypatch.setattr(member_output, "new_spool", lambda folder: EarlyEnd())

    def write():
        if call == "repack":
            idxio.repack("raw", "x.gz")
        else:
            with idxio.Writer("x.gz", "int32", ()) as writer:
                writer.append(np.arange(100_000, dtype=np.int32))

    with pytest.raises(OSError, match="ended 5 bytes too early"):
        write()
    assert idxio.read("x.gz").max() == 0
    assert sorted(os.listdir()) == ["raw", "x.gz"]


def test_a_trailer_that_is_not_read_whole(tmp_path, monkeypatch):
    from PIL import Image

    for i in range(14):
        os.makedirs(f"pictures/{i % 2}", exist_ok=True)
        Image.fromarray(array(i, (4, 4))).save(f"pictures/{i % 2}/{i}.png")
    real = build_files.info
    monkeypatch.setattr(build_files, "info", lambda path: real(path)._replace(crc32=None))
    with pytest.raises(OSError, match="ends before its checksum") as caught:
        idxio.build("pictures", "built")
    assert caught.value.filename == "built/train-images-idx3-ubyte.gz"
    assert os.listdir() == ["pictures"]


# At every instruction


class Interrupted(BaseException):
    """A signal, told from others."""


class Interrupt:
    """Raises Interrupted before the n-th instruction of idxio.storage, as a signal may between any
    two.
    """

    def __init__(self, step):
        self.left = step

    def __enter__(self):
        sys.settrace(self._call)

    def __exit__(self, *error):
        sys.settrace(None)

    def _call(self, frame, event, argument):
        if "storage" not in Path(frame.f_code.co_filename).parts:
            return None
        frame.f_trace_opcodes = True
        return self._instruction

    def _instruction(self, frame, event, argument):
        if event == "opcode":
            self.left -= 1
            if self.left == 0:
                raise Interrupted
        return self._instruction


def attempt(create, step):
    """Create, and interrupt it at a step: the frames that the interrupt went through; None if it
    was done before.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            with Interrupt(step):
                create()
        except Interrupted as error:
            return [
                (frame.f_code.co_name, line)
                for frame, line in traceback.walk_tb(error.__traceback__)
            ]
    return None


CREATIONS = {
    "old file": (["old"], lambda: AtomicFile("old").discard()),
    "new file": (["old"], lambda: AtomicFile("new").discard()),
    "new file, named": (["old"], lambda: AtomicFile("new").discard()),
    "folder": (["old"], lambda: AtomicFolder("new").__exit__(None, None, None)),
}


@pytest.mark.parametrize("case", CREATIONS)
def test_an_interrupt_at_any_instruction_of_a_creation_leaves_nothing(case, monkeypatch):
    left, create = CREATIONS[case]
    if case.endswith("named"):
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    Path("old").touch()
    steps, missed = 0, []
    while True:
        steps += 1
        where = attempt(create, steps)
        if where is None:
            break
        # discard() itself, where it is interrupted, leaves the name to the next writer.
        if os.listdir() != left and not {"discard", "__exit__"} & {name for name, _ in where}:
            missed.append((steps, os.listdir(), where))
        for name in set(os.listdir()) - {*left}:
            os.rmdir(name) if os.path.isdir(name) else os.unlink(name)
    assert steps > 200
    assert not missed


# The command


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("command", ["repack", "sort", "export"])
def test_a_command_that_is_ended_cleans_up(number, command, tmp_path):
    (tmp_path / "data").mkdir()
    # Four bits of noise in each byte, for which level 12 takes long.
    idxio.write(
        "data/train-images-idx3-ubyte",
        np.random.default_rng(0).integers(0, 16, (60_000, 28, 28), np.uint8),
    )
    idxio.write("data/train-labels-idx1-ubyte", np.zeros(60_000, np.uint8))
    idxio.write("out.gz", array(0))
    files = [f"data/train-{name}" for name in ("images-idx3-ubyte", "labels-idx1-ubyte")]
    args = {
        "repack": ["repack", files[0], "out.gz", "--level", "12"],
        "sort": ["sort", *files, "out.gz", "labels.gz", "--level", "12"],
        "export": ["export", "data", "csv", "--to", "csv"],
    }[command]
    # Without the development mode: there a file that the signal took from its line is told of.
    environment = {**os.environ, "PYTHONDEVMODE": ""}
    # Not as nohup starts this process, which then would go on; all that it starts inherits that.
    code = f"import signal, sys; signal.signal({int(number)}, signal.SIG_DFL); "
    code += "from idxio.cli.main import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *args], stderr=subprocess.PIPE, env=environment
    )
    deadline = time.monotonic() + 60
    while not any(name.startswith(".") for name in os.listdir()) and time.monotonic() < deadline:
        time.sleep(0.001)
    assert process.poll() is None, "it ended before the signal"
    process.send_signal(number)
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 128 + number
    assert sorted(os.listdir()) == ["data", "out.gz"]
    assert idxio.read("out.gz").max() == 0


def test_signals_are_as_they_were_after_a_command(capsys):
    idxio.write("x", array(0))
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    assert main(["info", "x"]) == 0
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)] == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("times", [1, 3])
def test_a_signal_that_python_swallows_ends_a_command(number, times, capsys):
    """A handler's exception is lost in a callback or a __del__, of which an import has some."""

    class Swallowing:
        def __del__(self):
            os.kill(os.getpid(), number)
            time.sleep(0)

    def swallowed(*args, **options):
        try:
            for _ in range(times):
                Swallowing()
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                time.sleep(0.001)
        finally:
            Path("cleaned").touch()

    before = signal.signal(number, signal.default_int_handler if number == 2 else signal.SIG_DFL)
    try:
        with mock.patch("idxio.cli.repack.repack", swallowed):
            assert main(["repack", "x", "y"]) == 128 + number
    finally:
        signal.signal(number, before)
    assert os.path.exists("cleaned")
    assert capsys.readouterr().err == ""


def test_a_swallowed_signal_is_told_of_by_a_command_that_is_done():
    class Swallowing:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0)

    with pytest.raises(Stopped), stopping():
        Swallowing()


def test_a_command_that_is_ended_twice(monkeypatch, capsys):
    """The second signal does not interrupt the cleaning up."""

    def stopped(*args, **options):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            Path("cleaned").touch()

    with mock.patch("idxio.cli.repack.repack", stopped):
        assert main(["repack", "x", "y"]) == 143
    assert os.path.exists("cleaned")


TWICE = """
import gc, os, signal, time
from idxio.cli.signals import stopping

signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with stopping():
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    pass
gc.collect()
time.sleep(0.1)
"""


def test_a_second_ctrl_c_during_the_cleaning_up_sets_no_alarm():
    """It ended the command with SIGALRM: the first one, whose place it took, was not lost."""
    assert subprocess.run([sys.executable, "-c", TWICE], check=False).returncode == 0
