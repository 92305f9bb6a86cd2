"""idxio demo: the main job in one command."""

import bz2
import gzip
import lzma
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import idxio
from idxio.cli.demo import classifier, demo, digits, timing
from idxio.cli.main import main

FASHION = Path("/usr/share/datasets/fashion-mnist")
NAMES = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]


def idx(array):
    """The bytes of an IDX file, made without idxio."""
    code = {"uint8": 8, "int32": 0x0C, "float32": 0x0D}[array.dtype.name]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def run_demo(cwd, *args):
    temporary = cwd / "temporary"
    temporary.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "idxio", "demo", *map(str, args)],
        cwd=cwd,
        env={**os.environ, "TMPDIR": str(temporary), "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert not list(temporary.iterdir())
    return done


def accuracy(output):
    return float(re.search(r"test accuracy (\d\.\d+)\n$", output)[1])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Output and files of one run on the drawn digits."""
    folder = tmp_path_factory.mktemp("drawn")
    return run_demo(folder, "--keep", "kept"), folder / "kept"


@pytest.fixture
def small():
    """Images and labels, few and easily told apart, in the order of the four files."""
    labels = np.arange(40, dtype=np.uint8) % 3 + 1
    images = np.zeros((40, 6, 5), np.uint8)
    images[np.arange(40), labels] = 200
    return [images, labels, images[:10], labels[:10]]


def write(folder, arrays, names=NAMES, pack=gzip.compress):
    folder.mkdir()
    for name, array in zip(names, arrays, strict=True):
        (folder / name).write_bytes(pack(idx(array)))
    return folder


def test_the_main_job(drawn):
    done, _ = drawn
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "  6000 x 28 x 28 uint8, gzip" in lines
    assert "  1000 uint8, gzip" in lines
    assert "train " + "    600" * 10 in lines
    assert "t10k  " + "    100" * 10 in lines
    assert re.search(r"reading train-images\S+: equal arrays, medians of \d\n", done.stdout)
    assert re.search(r"idxio.read +\d+\.\d ms\n", done.stdout)
    assert re.search(r"gzip.open \+ numpy.frombuffer +\d+\.\d ms, \d+\.\d x as long\n", done.stdout)
    start = lines.index("one of each class: 0 1 2 3 4 5 6 7 8 9") + 1
    sheet = lines[start : start + 14]  # two rows of five at half their size
    assert sum(line.count("█") + line.count("▓") for line in sheet) > 50
    assert accuracy(done.stdout) >= 0.9


def test_kept_files_are_a_dataset_for_everyone(drawn):
    _, kept = drawn
    assert sorted(os.listdir(kept)) == sorted(NAMES)
    for name in NAMES:
        data = gzip.decompress((kept / name).read_bytes())
        array = idxio.read(kept / name)
        assert data == idx(array)
        assert array.dtype == np.uint8
        assert array.shape == (
            (6000 if "train" in name else 1000),
            *((28, 28) if "images" in name else ()),
        )


def test_drawn_digits_are_the_same_every_time(drawn, tmp_path):
    done = run_demo(tmp_path, "--keep", "kept")
    assert done.returncode == 0
    for name in NAMES:
        assert (tmp_path / "kept" / name).read_bytes() == (drawn[1] / name).read_bytes()


def test_keep_replaces_nothing(tmp_path):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / NAMES[2]).write_bytes(b"precious")
    done = run_demo(tmp_path, "--keep", "mnist")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"idxio: mnist/{NAMES[2]}: is there already; --keep replaces nothing\n"
    assert os.listdir(tmp_path / "mnist") == [NAMES[2]]
    assert (tmp_path / "mnist" / NAMES[2]).read_bytes() == b"precious"


def test_train_and_test_digits_are_others(drawn):
    _, kept = drawn
    train, test = (idxio.read(kept / name).reshape(-1, 784) for name in (NAMES[0], NAMES[2]))
    assert len(np.unique(np.concatenate((train, test)), axis=0)) == 7000


def test_one_of_each_class(small, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["demo", str(write(tmp_path / "data", small))]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("one of each class: 1 2 3") + 1
    # The class is the bright one of six rows; a line holds two.
    assert lines[start : start + 3] == ["░░░░░", "      ░░░░░ ░░░░░", ""]


def test_keep_where_nothing_can_be(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    done = run_demo(tmp_path, "--keep", "file")
    assert (done.returncode, done.stderr) == (3, "idxio: file: File exists\n")


def test_drawn_leaves_nothing(tmp_path):
    done = run_demo(tmp_path, "--drawn")  # which looks into the temporary directory afterwards
    assert done.returncode == 0
    assert accuracy(done.stdout) >= 0.9
    assert os.listdir(tmp_path) == ["temporary"]


def test_without_fashion_mnist_the_digits_are_drawn(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(demo, "_FASHION", str(tmp_path / "missing"))
    assert main(["demo"]) == 0
    assert "7,000 digits" in capsys.readouterr().out


@pytest.mark.skipif(not FASHION.is_dir(), reason="Debian's dataset-fashion-mnist is not here")
def test_fashion_mnist_is_the_default(tmp_path):
    done = run_demo(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "60000 x 28 x 28 uint8, gzip: Fashion-MNIST train images" in done.stdout
    assert "train " + "   6000" * 10 in done.stdout.splitlines()
    assert accuracy(done.stdout) >= 0.82


@pytest.mark.parametrize(
    ("pattern", "pack"),
    [
        ("{}-idx{}-ubyte", bytes),
        ("{}-idx{}-ubyte.gz", bytes),  # as a browser saves it
        ("{}.idx{}-ubyte", bytes),
        ("{}.idx{}-ubyte", gzip.compress),
        ("{}-idx{}-ubyte.xz", lzma.compress),
        ("{}-idx{}-ubyte.bz2", bz2.compress),
        ("emnist-letters-{}-idx{}-ubyte.gz", gzip.compress),
    ],
)
def test_any_standard_name_and_packing(small, tmp_path, capsys, pattern, pack):
    roles = [("train-images", 3), ("train-labels", 1), ("t10k-images", 3), ("t10k-labels", 1)]
    folder = write(tmp_path / "data", small, [pattern.format(*role) for role in roles], pack)
    assert main(["demo", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "40 x 6 x 5 uint8" in out
    assert "class       1      2      3\ntrain      14     13     13\n" in out
    assert accuracy(out) == 1


def test_qmnist(small, tmp_path, capsys):
    for i in (1, 3):  # eight numbers a label, of which the first is the class
        places = np.arange(len(small[i]))
        small[i] = np.stack([small[i], places % 9, *[places] * 6], axis=1).astype(np.int32)
    names = ["qmnist-train-images-idx3-ubyte", "qmnist-train-labels-idx2-int"]
    names += ["qmnist-test-images-idx3-ubyte", "qmnist-test-labels-idx2-int"]
    assert main(["demo", str(write(tmp_path / "data", small, names))]) == 0
    assert accuracy(capsys.readouterr().out) == 1


@pytest.mark.parametrize("missing", range(4))
def test_a_missing_file_is_named(small, tmp_path, capsys, missing):
    folder = write(tmp_path / "data", small)
    (folder / NAMES[missing]).rename(folder / f"{NAMES[missing]}.part")  # as of a download
    assert main(["demo", str(folder)]) == 3
    what, other = ("labels", NAMES[missing - 1]) if missing % 2 else ("images", NAMES[missing + 1])
    assert capsys.readouterr().err.startswith(
        f"idxio: {folder}: has no {what} that belong to {other}"
    )


def one_label_less(arrays):
    arrays[1] = arrays[1][1:]


def other_size(arrays):
    arrays[2] = arrays[2][:, 1:]


def no_images(arrays):
    arrays[0], arrays[1] = arrays[0][:0], arrays[1][:0]


def float_labels(arrays):
    arrays[1] = arrays[1].astype(np.float32)


def float_images(arrays):
    arrays[0] = arrays[0].astype(np.float32)


def too_many_classes(arrays):
    arrays[:2] = np.zeros((2000, 6, 5), np.uint8), np.arange(2000, dtype=np.int32)


@pytest.mark.parametrize(
    ("spoil", "file", "what"),
    [
        (one_label_less, 1, "has 39 labels for the 40 images of "),
        (other_size, 2, "has images of 5 x 5; those to train with have 6 x 5"),
        (no_images, 0, "holds 0 x 6 x 5 uint8, expected images"),
        (float_labels, 1, "holds float32, expected labels"),
        (float_images, 0, "holds 40 x 6 x 5 float32, expected images"),
        (too_many_classes, 1, "has 2,000 different labels"),
    ],
)
def test_files_that_do_not_belong_together(small, tmp_path, capsys, spoil, file, what):
    spoil(small)
    folder = write(tmp_path / "data", small)
    assert main(["demo", str(folder)]) == 1
    assert capsys.readouterr().err.startswith(f"idxio: {folder / NAMES[file]}: {what}")


def test_a_bad_file(small, tmp_path):
    folder = write(tmp_path / "data", small)
    (folder / NAMES[3]).write_bytes((folder / NAMES[3]).read_bytes()[:-4])
    done = run_demo(tmp_path, "data")
    assert done.returncode == 1
    assert re.fullmatch(f"idxio: data/{NAMES[3]}: ends inside .*\n", done.stderr)


def test_timing_compares_first(small, tmp_path, monkeypatch):
    file = str(write(tmp_path / "data", small) / NAMES[0])
    times = timing.time_reading(file, repeats=3)
    assert times.repeats == 3
    assert min(times.ours, times.plain) > 0
    monkeypatch.setattr(timing, "read", lambda file: idxio.read(file) + 1)
    with pytest.raises(idxio.IdxError, match="is read differently"):
        timing.time_reading(file)


def test_drawing_depends_on_the_seed_alone():
    labels = np.arange(30, dtype=np.uint8) % 10
    images = digits.draw(labels, 5)
    assert images.shape == (30, 28, 28)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, digits.draw(labels, 5))
    assert (images != digits.draw(labels, 6)).any(axis=(1, 2)).all()


def test_drawn_digits_look_like_digits():
    images = digits.draw((np.arange(1000) % 10).astype(np.uint8), 0)
    ink = (images > 128).mean(axis=(1, 2))
    assert ink.min() > 0.02  # no digit is lost
    assert ink.max() < 0.4
    assert np.median(images) == 0  # clean paper
    border = np.concatenate(
        [images[:, [0, -1]].reshape(1000, -1), images[:, :, [0, -1]].reshape(1000, -1)], 1
    )
    assert (border.max(axis=1) > 128).mean() < 0.05  # nearly all lie inside


def test_softmax_learns_what_can_be_learnt_and_nothing_else():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (600, 5, 5)).astype(np.uint8)
    labels = np.where(images[:, 2, 2] > images[:, 0, 0], 30, 7)
    train, test = (
        idxio.Dataset(images[:500], labels[:500]),
        idxio.Dataset(images[500:], labels[500:]),
    )
    assert classifier.fit(train).accuracy(test) > 0.9
    nonsense = idxio.Dataset(images[:500], rng.permutation(labels[:500]))
    assert classifier.fit(nonsense).accuracy(test) < 0.7


def test_softmax_keeps_its_time():
    ds = idxio.Dataset(np.zeros((10, 4, 4), np.uint8), np.arange(10))
    model = classifier.fit(ds, steps=10**9, seconds=0.01)  # or this test never ends
    assert model.weights.shape == (16, 10)
