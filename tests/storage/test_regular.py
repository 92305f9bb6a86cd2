"""What lies in the place of a file: a link that leads nowhere, a pipe, a device. Nothing hangs."""

import fcntl
import gzip
import json
import os
import resource
import shutil
import signal
import socket
import threading

import numpy as np
import pytest
from helpers import encode, fifo_of

import idxio
from idxio.cli.main import main
from idxio.storage import regular
from idxio.storage.atomic_folder import AtomicFolder
from idxio.storage.regular import FoundPath, open_regular, read_regular
from idxio.storage.source import open_source

NAMES = [
    f"{split}-{kind}"
    for split in ("train", "t10k")
    for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
]
IMAGES = np.arange(20 * 4 * 4, dtype=np.uint16).astype(np.uint8).reshape(20, 4, 4)
LABELS = (np.arange(20) % 10).astype(np.uint8)


@pytest.fixture(autouse=True)
def no_hang():
    def give_up(*_):
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        (tmp_path / name).write_bytes(encode(IMAGES if "images" in name else LABELS))
    return tmp_path


def make_socket(path):
    here = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path.name)
    finally:
        os.fchdir(here)
        os.close(here)


KINDS = {
    "dangling": (
        lambda path: path.symlink_to("annex/objects/not-fetched"),
        OSError,
        "annex/objects/not-fetched",
    ),
    "loop": (lambda path: path.symlink_to(path.name), OSError, "Too many"),
    "directory": (lambda path: path.mkdir(), OSError, "Is a directory"),
    "pipe": (os.mkfifo, idxio.FormatError, "is a named pipe"),
    "socket": (make_socket, idxio.FormatError, "is a socket"),
    "device": (
        lambda path: path.symlink_to("/dev/null"),
        idxio.FormatError,
        "is a character device",
    ),
    "empty": (lambda path: path.touch(), idxio.IdxError, "is empty"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_half_a_pair_that_can_not_be_read(folder, name, kind, capsys):
    make, error, message = KINDS[kind]
    (folder / name).unlink()
    make(folder / name)
    split = name.split("-")[0]
    calls = (
        lambda: idxio.load(folder, split),
        lambda: idxio.export_dataset(folder, folder / "out.npz"),
    )
    for call in calls:
        with pytest.raises(error, match=message) as info:
            call()
        assert name in str(info.value)
    assert not (folder / "out.npz").exists()
    found = [finding for finding in idxio.check(folder).findings if finding.level == "error"]
    assert [(finding.kind, finding.split) for finding in found] == [("unreadable", split)]
    assert found[0].message.startswith(str(folder / name))
    assert message in found[0].message
    for command in (["check", str(folder)], ["demo", str(folder)]):
        assert main(command) in (1, 3)
        out, err = capsys.readouterr()
        assert name in out + err


def test_no_split_at_all_is_still_none(folder):
    for name in NAMES[2:]:
        (folder / name).unlink()
    idxio.export_dataset(folder, folder / "out.npz")
    with np.load(folder / "out.npz") as archive:
        assert sorted(archive.files) == ["x_train", "y_train"]


def test_another_pair_does_not_stand_in_for_one_that_can_not_be_read(folder):
    for name in NAMES:
        (folder / name).rename(folder / f"a-{name}")
    (folder / "b-train-images-idx3-ubyte").symlink_to("nowhere")
    (folder / "b-train-labels-idx1-ubyte").write_bytes(encode(LABELS))
    with pytest.raises(FileNotFoundError, match=r"'nowhere', which is not there.*b-train-images"):
        idxio.load(folder)
    assert len(idxio.load(folder, "a-train")) == 20


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "empty"])
@pytest.mark.parametrize("name", ["dataset.json", "emnist-letters-mapping.txt"])
def test_what_stands_beside_a_dataset(folder, name, kind):
    make, error, message = KINDS[kind]
    for file in NAMES:
        (folder / file).rename(folder / f"emnist-letters-{file}")
    make(folder / name)
    with pytest.raises(error, match=message) as info:
        idxio.load(folder)
    assert name in str(info.value)
    found = [finding for finding in idxio.check(folder).findings if finding.level == "error"]
    assert [finding.kind for finding in found] == ["unreadable"]
    assert name in found[0].message


def test_a_dataset_json_is_bounded(folder):
    names = {"class_names": [str(k) for k in range(10)], "more": "x" * (16 << 20)}
    (folder / "dataset.json").write_text(json.dumps(names))
    with pytest.raises(idxio.FormatError, match=r"dataset\.json: is longer than 16,777,216 bytes"):
        idxio.load(folder)
    (folder / "dataset.json").write_text(json.dumps({**names, "more": "x" * (15 << 20)}))
    assert idxio.load(folder).class_names[9] == "9"


def special_inputs(tmp_path):
    """Each input of import and build, and the file in it."""
    pytest.importorskip("PIL")
    (tmp_path / "ds").mkdir()
    for name in NAMES:
        (tmp_path / "ds" / name).write_bytes(encode(IMAGES if "images" in name else LABELS))
    for to in ("png", "csv", "npz"):
        idxio.export_dataset(tmp_path / "ds", tmp_path / f"x.{to}", to=to)
    np.save(tmp_path / "x.npy", IMAGES)
    return {
        "png": ("x.png", "x.png/train/0/00000.png"),
        "json": ("x.png", "x.png/dataset.json"),
        "split": ("x.png", "x.png/test"),
        "csv": ("x.csv", "x.csv/test.csv"),
        "csv alone": ("x.csv/test.csv", "x.csv/test.csv"),
        "npz": ("x.npz", "x.npz"),
        "npy": ("x.npy", "x.npy"),
    }


@pytest.mark.parametrize("kind", ["dangling", "loop", "pipe", "device"])
@pytest.mark.parametrize("given", ["png", "json", "split", "csv", "csv alone", "npz", "npy"])
def test_inputs_of_import(tmp_path, given, kind):
    source, file = special_inputs(tmp_path)[given]
    path = tmp_path / file
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    KINDS[kind][0](path)
    with pytest.raises((idxio.FormatError, OSError)) as info:
        idxio.import_dataset(tmp_path / source, tmp_path / "out")
    assert str(path) in str(info.value)
    assert not (tmp_path / "out").exists()


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    os.mkfifo(tmp_path / "train.parquet")
    with pytest.raises(idxio.FormatError, match=r"train\.parquet: is a named pipe"):
        idxio.import_dataset(tmp_path, tmp_path / "out")


def test_a_picture_of_a_list_that_is_a_pipe(tmp_path):
    pytest.importorskip("PIL")
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / "a.png")
    (tmp_path / "labels.csv").write_text("a.png,a\n")
    with pytest.raises(idxio.PictureError, match=r"a\.png is a named pipe"):
        idxio.build(tmp_path / "in", tmp_path / "out", labels=tmp_path / "labels.csv")


def test_a_seek_index_that_is_a_pipe(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(encode(IMAGES)))
    os.mkfifo(tmp_path / "x.gz.seek")
    with idxio.open(path) as f:
        assert (f[3] == IMAGES[3]).all()
    with pytest.raises(idxio.FormatError, match=r"x\.gz\.seek: is a named pipe"):
        idxio.build_index(path)


def test_a_pipe_that_the_user_gives_is_read(tmp_path):
    path = str(tmp_path / "pipe")
    with fifo_of(path, encode(IMAGES)):
        assert (idxio.read(path) == IMAGES).all()
    os.unlink(path)
    with fifo_of(path, encode(IMAGES)), idxio.open(path) as f:
        assert (f[:] == IMAGES).all()


def test_it_becomes_a_pipe_between_two_looks(tmp_path, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(encode(IMAGES))
    status = os.stat(path)
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(regular, "status_of", lambda path: status)
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(idxio.FormatError, match="is a named pipe"):
        open_regular(str(path))
    assert len(os.listdir("/dev/fd")) == before


def test_a_found_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x")
    for call in (idxio.open, idxio.read, idxio.info, idxio.verify):
        with pytest.raises(idxio.FormatError, match="is a named pipe"):
            call(FoundPath(str(tmp_path / "x")))


@pytest.mark.skipif(not hasattr(fcntl, "F_SETLEASE"), reason="Linux has leases")
def test_a_file_with_a_lease_is_waited_for(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"leased")
    asked = threading.Event()
    before = signal.signal(signal.SIGIO, lambda *_: asked.set())
    with open(path, "r+b") as file:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)

        def give_back():
            asked.wait(60)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)

        thread = threading.Thread(target=give_back)
        thread.start()
        assert read_regular(str(path)) == b"leased"
        asked.set()
        thread.join()
    signal.signal(signal.SIGIO, before)


@pytest.mark.parametrize("limit", [0, 100])
def test_a_full_disk_under_a_spool_names_the_target(tmp_path, limit):
    Image = pytest.importorskip("PIL.Image")
    for i in range(14):
        (tmp_path / "in" / str(i % 2)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(IMAGES[i]).save(tmp_path / "in" / str(i % 2) / f"{i}.png")
    np.savez(tmp_path / "x.npz", x_train=IMAGES, y_train=LABELS)
    calls = (
        lambda: idxio.build(tmp_path / "in", tmp_path / "out", pipeline="none"),
        lambda: idxio.import_dataset(tmp_path / "x.npz", tmp_path / "out"),
    )
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for call in calls:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
            with pytest.raises(OSError, match="File too large") as info:
                call()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert str(info.value.filename).startswith(str(tmp_path / "out"))


def test_an_error_inside_a_new_folder_names_it(tmp_path):
    with pytest.raises(OSError, match="No space left") as info, AtomicFolder(tmp_path / "out"):
        raise OSError(28, "No space left on device")
    assert info.value.filename == str(tmp_path / "out")


def test_a_file_is_looked_at_once_before_it_is_opened_and_once_after(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"bytes")
    calls = []

    def counted(name):
        call = getattr(os, name)

        def look(*args, **options):
            calls.append(name)
            return call(*args, **options)

        return look

    for name in ("stat", "open", "fstat"):
        monkeypatch.setattr(os, name, counted(name))
    source = open_source(str(path))
    assert calls == ["stat", "open", "fstat"]
    assert os.get_blocking(source._fd)
    source.close()


def test_reads_to_the_end_whatever_a_read_gives(tmp_path, monkeypatch):
    """As file systems of a network and those that are programs give less than is asked for."""
    path = tmp_path / "file"
    path.write_bytes(bytes(range(200)))
    read = os.read
    monkeypatch.setattr(os, "read", lambda fd, size: read(fd, min(size, 7)))
    assert read_regular(str(path)) == bytes(range(200))
    assert read_regular(str(path), 200) == bytes(range(200))
    with pytest.raises(idxio.FormatError, match="is longer than 199 bytes"):
        read_regular(str(path), 199)
