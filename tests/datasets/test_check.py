"""idxio.check: what it finds, held against naive ways to find it."""

import gzip
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import TYPES, encode
from hypothesis import given
from hypothesis import strategies as st

import idxio
from idxio.cli.demo import digits
from idxio.cli.main import main
from idxio.datasets.validation import duplicates
from idxio.datasets.validation.rules import frame
from idxio.datasets.validation.statistics import collect_statistics

NAMES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "t10k": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}


def drawn(count, seed):
    labels = np.arange(count, dtype=np.uint8) % 10
    return digits.draw(labels, seed), labels


DRAWN = {"train": drawn(200, 1), "t10k": drawn(50, 2)}


def write(folder, **splits):
    """Write splits, the drawn digits where none are given, and return the folder as a str."""
    for split, (images, labels) in {**DRAWN, **splits}.items():
        for name, array in zip(NAMES[split], (images, labels), strict=True):
            (folder / name).write_bytes(gzip.compress(encode(array), 1))
    return str(folder)


def changed(split, records=(), images=None, labels=None):
    """A copy of a drawn split with other images or labels at records."""
    x, y = (array.copy() for array in DRAWN[split])
    if images is not None:
        x[list(records)] = images
    if labels is not None:
        y[list(records)] = labels
    return x, y


def kinds(found):
    return [(finding.level, finding.kind, finding.split) for finding in found.findings]


# --- a survey ---


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", [(37, 5, 4), (37, 5, 4, 3), (1, 1, 1), (2, 1500, 900)])
def test_survey_sees_what_numpy_sees(tmp_path, dtype, shape):
    random = np.random.default_rng(0)
    x = random.integers(0, 100, shape).astype(dtype)
    x[0] = 7
    y = random.integers(0, 3, shape[0]).astype(np.uint8)
    folder = write(tmp_path, train=(x, y))
    seen = collect_statistics(*(f"{folder}/{name}" for name in NAMES["train"]))
    assert (seen.shape, seen.dtype) == (x.shape, x.dtype)
    classes, counts = np.unique(y, return_counts=True)
    np.testing.assert_array_equal(seen.labels, y)
    np.testing.assert_array_equal(seen.classes, classes)
    np.testing.assert_array_equal(seen.counts, counts)
    np.testing.assert_array_equal(seen.constant, [len(np.unique(picture)) == 1 for picture in x])
    assert len(np.unique(seen.hashes)) == len({picture.tobytes() for picture in x})
    for name, crc in zip(NAMES["train"], seen.crc32, strict=True):
        assert crc == idxio.verify(tmp_path / name).crc32
    assert seen.span == (x.min(), x.max())
    axes = (0, 1, 2) if x.ndim == 4 else None
    np.testing.assert_allclose(seen.stats.mean, x.mean(axis=axes, dtype=np.float64))
    np.testing.assert_allclose(seen.stats.std, x.std(axis=axes, dtype=np.float64), atol=1e-9)
    if dtype == "uint8":
        np.testing.assert_array_equal(seen.histogram, np.bincount(x.reshape(-1), minlength=256))
        np.testing.assert_array_equal(
            seen.sums, [x[y == k].sum(axis=0, dtype=np.uint64) for k in classes]
        )
        np.testing.assert_allclose(seen.class_means, [x[y == k].mean(axis=0) for k in classes])
        mean = x.mean(axis=0)
        np.testing.assert_allclose(seen.mean_picture, mean.mean(axis=2) if x.ndim == 4 else mean)
        assert seen.histograms.shape == (shape[3] if x.ndim == 4 else 1, 256)
    else:
        assert seen.histogram is seen.sums is seen.class_means is seen.mean_picture is None


def test_sums_of_large_pictures_are_of_all_classes(tmp_path, monkeypatch):
    monkeypatch.setattr("idxio.datasets.validation.statistics._MOST_SUMS", 9 * 28 * 28 * 8)
    seen = collect_statistics(*(f"{write(tmp_path)}/{name}" for name in NAMES["train"]))
    assert seen.class_means is None
    np.testing.assert_allclose(seen.mean_picture, DRAWN["train"][0].mean(axis=0))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30))
def test_runs_and_order(labels):
    seen = collect_statistics(
        encode(np.zeros((len(labels), 1, 1), np.uint8)), encode(np.array(labels, np.uint8))
    )
    assert seen.is_sorted == (labels == sorted(labels))
    joined = [
        k
        for k, n in zip(
            [labels[i] for i in np.cumsum([0, *seen.runs[:-1]])], seen.runs, strict=True
        )
        for _ in range(n)
    ]
    assert joined == labels
    assert len(seen.runs) == 1 + sum(a != b for a, b in itertools.pairwise(labels))


# --- equal pictures ---


def naive(files):
    """The groups of equal pictures: their numbers through all files."""
    groups = {}
    for number, picture in enumerate(picture for file in files for picture in file):
        groups.setdefault(picture.tobytes(), []).append(number)
    return [group for group in groups.values() if len(group) > 1]


PICTURES = st.lists(
    st.binary(min_size=2, max_size=2).map(lambda b: bytes(v & 3 for v in b)),
    min_size=1,
    max_size=25,
)


@given(PICTURES, PICTURES, st.sampled_from((0, 1, 0xFFFFFFFFFFFFFFFF)), st.integers(1, 8))
def test_duplicates_are_what_a_dict_finds(first, second, mask, piece):
    files = [np.frombuffer(b"".join(some), np.uint8).reshape(-1, 1, 2) for some in (first, second)]
    seen = [collect_statistics(encode(x), encode(np.zeros(len(x), np.uint8))) for x in files]
    # with hashes that tell little, only the digests decide
    hashes = [s.hashes & np.uint64(mask) for s in seen]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_PIECE", piece)
        found = duplicates.find_duplicates([encode(x) for x in files], hashes)
    expected = naive(files)
    assert [found.records[found.groups == k].tolist() for k in range(len(expected))] == expected
    assert len(found.records) == sum(map(len, expected))
    n, m = len(first), len(first) + len(second)
    assert found.copies(0, n).tolist() == [i for i in range(n) if first[i] in first[:i]]
    assert found.copies(n, m).tolist() == [n + i for i in range(m - n) if second[i] in second[:i]]
    assert found.shared((0, n), (n, m)).tolist() == [
        n + i for i in range(m - n) if second[i] in first
    ]
    labels = found.records % 3
    by_group = {k: set(labels[found.groups == k].tolist()) for k in found.groups.tolist()}
    assert found.disagree(labels).tolist() == [len(by_group[k]) > 1 for k in found.groups.tolist()]


# --- findings ---


def test_nothing_is_wrong_with_fashion_mnist(fashion_mnist):
    found = idxio.check(fashion_mnist)
    assert found.ok
    assert found.findings == []
    assert found.class_names[9] == "Ankle boot"
    assert {split: seen.counts.tolist() for split, seen in found.splits.items()} == {
        "train": [6000] * 10,
        "t10k": [1000] * 10,
    }
    assert len(found.duplicates.records) == 0


def test_nothing_is_wrong_with_drawn_digits(tmp_path):
    assert idxio.check(write(tmp_path)).findings == []


X, Y = DRAWN["train"]
COPIES, NEGATED = ("warning", "copies", "train"), ("warning", "negated", "train")


@pytest.mark.parametrize(
    ("splits", "expected", "records"),
    [
        ({"train": changed("train", [3, 9], labels=77)}, [("warning", "empty", "t10k")], None),
        ({"t10k": changed("t10k", [3, 9], labels=77)}, [("error", "labels", "t10k")], (3, 9)),
        ({"train": changed("train", [3], 0)}, [("warning", "constant", "train")], (3,)),
        ({"train": changed("train", [15], X[5])}, [COPIES], (15,)),
        ({"train": changed("train", [14, 5], X[25])}, [COPIES, ("warning", "conflict", "train")], (14, 25)),
        ({"t10k": changed("t10k", [15], X[5])}, [("warning", "leak", "t10k")], (15,)),
        ({"t10k": changed("t10k", [15], DRAWN["t10k"][0][5])}, [("warning", "copies", "t10k")], (15,)),
        ({"train": (255 - X, Y)}, [NEGATED], None),
        ({"train": (X.swapaxes(1, 2), Y)}, [("warning", "transposed", "train")], None),
        ({"train": (255 - X.swapaxes(1, 2), Y)}, [NEGATED, ("warning", "transposed", "train")], None),
        ({"train": (X // 128, Y)}, [("warning", "range", "train")], None),
        ({"train": (X.astype(np.float32), Y)}, [("error", "shape", "t10k"), ("warning", "type", "train")], None),
        ({"train": (X[:, :20], Y)}, [("error", "shape", "t10k")], None),
        ({"train": (X[:0], Y[:0])}, [("error", "unreadable", "train")], None),
        ({"train": (X[:, :0], Y)}, [("error", "unreadable", "train")], None),
        ({"train": (X[:9], Y)}, [("error", "unreadable", "train")], None),
        ({"train": (X, Y.astype(np.float32))}, [("error", "unreadable", "train")], None),
    ],
)  # fmt: skip
def test_each_finding(tmp_path, splits, expected, records):
    found = idxio.check(write(tmp_path, **splits))
    assert kinds(found) == expected
    assert found.ok == all(level == "warning" for level, _, _ in expected)
    if records:
        assert found.findings[0].records == records
        assert found.findings[0].pictures == len(records)


def test_many_labels_are_no_classes(tmp_path):
    labels = np.arange(1001, dtype=np.int16)
    found = idxio.check(write(tmp_path, train=(np.zeros((1001, 2, 2), np.uint8), labels)))
    assert kinds(found) == [("error", "unreadable", "train")]
    assert "1,001 different labels" in found.findings[0].message


def test_a_damaged_file_does_not_hide_the_others(tmp_path):
    folder = write(tmp_path, t10k=changed("t10k", [4], 0))
    path = tmp_path / NAMES["train"][0]
    path.write_bytes(path.read_bytes()[:-2000])
    found = idxio.check(folder)
    assert kinds(found) == [("error", "unreadable", "train"), ("warning", "constant", "t10k")]
    assert str(path) in found.findings[0].message
    assert list(found.splits) == ["t10k"]


def test_a_missing_split_is_an_error(tmp_path):
    folder = write(tmp_path)
    for name in NAMES["t10k"]:
        (tmp_path / name).unlink()
    assert kinds(idxio.check(folder)) == [("error", "missing", "t10k")]
    for name in NAMES["train"]:
        (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError):
        idxio.check(folder)
    with pytest.raises(FileNotFoundError):
        idxio.check(tmp_path / "nowhere")


def test_one_of_several_datasets(tmp_path, capsys):
    folder = write(tmp_path)
    for split, other in (("train", "train"), ("t10k", "test")):
        for name in NAMES[split]:
            (tmp_path / name).rename(tmp_path / f"emnist-digits-{name.replace(split, other)}")
    write(tmp_path, train=changed("train", [3], 0))
    for split, other in (("train", "train"), ("t10k", "test")):
        for name in NAMES[split]:
            (tmp_path / name).rename(tmp_path / f"emnist-mnist-{name.replace(split, other)}")
    found = idxio.check(folder)
    assert kinds(found) == [("error", "unreadable", "train"), ("error", "unreadable", "t10k")]
    assert "'emnist-digits-train'" in found.findings[0].message
    assert idxio.check(folder, dataset="emnist-digits").findings == []
    assert kinds(idxio.check(folder, dataset="emnist-mnist")) == [("warning", "constant", "train")]
    with pytest.raises(FileNotFoundError):
        idxio.check(folder, dataset="emnist-letters")
    assert main(["check", folder, "--dataset", "emnist-mnist"]) == 0
    assert "record 3" in capsys.readouterr().out


def test_the_class_list_beside_the_files(tmp_path):
    folder = write(tmp_path, t10k=changed("t10k", [7], labels=12))
    (tmp_path / "dataset.json").write_text(json.dumps({"class_names": list("abcdefghijk")}))
    found = idxio.check(folder)
    assert kinds(found) == [
        ("error", "labels", "t10k"),
        ("warning", "empty", "train"),
        ("warning", "empty", "t10k"),
    ]
    assert found.findings[0].records == (7,)
    assert "10 k" in found.findings[1].message


def test_the_checksums_beside_the_files(tmp_path):
    folder = write(tmp_path)
    crc = idxio.verify(tmp_path / NAMES["train"][0]).crc32
    files = {NAMES["train"][0]: {"crc32": f"{crc:08x}"}, NAMES["t10k"][1]: {"crc32": "00000001"}}
    (tmp_path / "dataset.json").write_text(json.dumps({"files": files}))
    found = idxio.check(folder)
    assert kinds(found) == [("error", "changed", "t10k")]
    assert NAMES["t10k"][1] in found.findings[0].message


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"files": 3}',
        '{"files": {"a": {}}}',
        '{"class_names": 5}',
        '{"files": {"a": {"crc32": "x"}}}',
    ],
)
def test_a_broken_description(tmp_path, text):
    folder = write(tmp_path)
    (tmp_path / "dataset.json").write_text(text)
    found = idxio.check(folder)
    assert [finding.kind for finding in found.findings] == ["unreadable"]
    assert "dataset.json" in found.findings[0].message


def test_files_of_several_datasets(tmp_path, fashion_mnist):
    # The t10k files of Fashion-MNIST are in the place of the train files.
    folder = write(tmp_path)
    for wrong, right in zip(NAMES["train"], NAMES["t10k"], strict=True):
        (tmp_path / wrong).write_bytes((fashion_mnist / right).read_bytes())
    assert kinds(idxio.check(folder)) == [("error", "mixed", "train")] * 2


def test_known_files_of_two_datasets(tmp_path, monkeypatch):
    crcs = [
        idxio.verify(Path(write(tmp_path), name)) for name in (NAMES["train"][0], NAMES["t10k"][0])
    ]
    known = {
        (crc.crc32, crc.size): f"{name} images"
        for crc, name in zip(crcs, ("MNIST train", "Fashion-MNIST t10k"), strict=True)
    }
    monkeypatch.setattr("idxio.core.checksums._FILES", known)
    found = idxio.check(tmp_path)
    assert kinds(found) == [("error", "mixed", "t10k")]
    assert "MNIST, Fashion-MNIST" in found.findings[0].message


def test_qmnist_labels(tmp_path):
    wide = np.zeros((200, 8), np.int32)
    wide[:, 0] = Y
    found = idxio.check(write(tmp_path, train=(X, wide)))
    assert found.findings == []
    assert found.splits["train"].counts.tolist() == [20] * 10


@pytest.mark.parametrize("transposed", [False, True])
def test_frame_of_real_pictures(fashion_mnist, transposed):
    x = idxio.read(fashion_mnist / "t10k-images-idx3-ubyte.gz")
    mean = (x.swapaxes(1, 2) if transposed else x).mean(axis=0)
    about, negative = frame(mean), frame(255 - mean)
    assert about.on_dark
    assert not about.on_bright
    assert negative.on_bright
    assert not negative.on_dark
    assert (about.wide > 1.1 * about.tall) == transposed
    assert negative.wide == pytest.approx(about.wide)


def test_progress(tmp_path):
    calls = []
    idxio.check(write(tmp_path), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (250 * 784, 250 * 784)
    assert calls == sorted(calls)


def test_memory_is_constant(tmp_path):
    """400 MB of pictures in far less memory."""
    for split, count in (("train", 400), ("t10k", 1)):
        with (tmp_path / f"{split}-images-idx3-ubyte").open("wb") as file:
            file.write(
                encode(np.zeros((count, 0), np.uint8))[:3]
                + b"\3"
                + np.array([count, 1000, 1000], ">u4").tobytes()
            )
            file.truncate(16 + count * 1_000_000)
        (tmp_path / f"{split}-labels-idx1-ubyte").write_bytes(encode(np.zeros(count, np.uint8)))
    code = (
        "import idxio, resource, sys; before ="
        " resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;found = idxio.check(sys.argv[1]); peak"
        " = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;print((peak - before) // (1 if"
        " sys.platform != 'darwin' else 1024), *sorted({f.kind for f in found.findings}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    grown, *found = done.stdout.split()
    assert int(grown) < 100_000  # KiB
    assert found == ["constant", "copies", "leak", "range", "single"]


# --- the command ---


@pytest.mark.parametrize(
    ("split", "code", "last"),
    [
        (changed("train"), 0, "OK: 0 errors, 0 warnings"),
        (changed("train", [3], 0), 0, "OK: 0 errors, 1 warning"),
        ((X[:9], Y), 1, "NOT OK: 1 error, 0 warnings"),
    ],
)
def test_command(tmp_path, capsys, split, code, last):
    folder = write(tmp_path, train=split)
    assert main(["check", folder]) == code
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == last
    assert f"error: train: {tmp_path}" in out or code == 0
    assert main(["check", folder, "--json"]) == code
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] == (code == 0)
    assert document["splits"]["t10k"]["counts"] == {str(k): 5 for k in range(10)}


def test_command_without_a_dataset(tmp_path, capsys):
    assert main(["check", str(tmp_path)]) == 3
    assert main(["check", str(tmp_path / "nowhere")]) == 3
    err = capsys.readouterr().err
    assert err.count("idxio: ") == 2


def test_command_text(tmp_path, capsys):
    folder = write(tmp_path, train=changed("train", [15], X[5]))
    (tmp_path / "dataset.json").write_text(
        json.dumps({"class_names": ["zero\x1b[31m", *"123456789"]})
    )
    assert main(["check", folder]) == 0
    out = capsys.readouterr().out
    assert "pictures  200 x 28 x 28 uint8" in out
    # nothing reaches the terminal that it would obey
    assert "0 zero\\x1b[31m        20         5" in out
    assert "warning: train: copies of earlier pictures of train: 1 (record 15) [copies]" in out


# --- files that other programs would misread ---


def test_images_and_labels_exchanged(tmp_path):
    write(tmp_path)
    images, labels = (tmp_path / name for name in NAMES["train"])
    images.rename(tmp_path / "t")
    labels.rename(images)
    (tmp_path / "t").rename(labels)
    found = idxio.check(tmp_path)
    assert kinds(found)[:2] == [("error", "name", "train")] * 2
    assert "train-labels-idx1-ubyte.gz holds images" in found.findings[0].message


@pytest.mark.parametrize("wide", [4, 0])
def test_labels_with_two_axes_are_qmnists_or_wrong(tmp_path, wide):
    x, y = DRAWN["train"]
    write(tmp_path, train=(x, np.repeat(y[:, None], wide, axis=1)))
    found = idxio.check(tmp_path)
    assert ("error", "unreadable", "train") in kinds(found)
    write(tmp_path, train=(x, np.repeat(y[:, None], 8, axis=1)))
    assert ("error", "unreadable", "train") in kinds(idxio.check(tmp_path))
    write(tmp_path, train=(x, np.stack([y, y % 5, *[y + 30] * 6], axis=1).astype(np.int32)))
    assert idxio.check(tmp_path).ok


def test_labels_below_zero(tmp_path):
    x, y = DRAWN["train"]
    write(tmp_path, train=(x, y.astype(np.int32) - 3))
    assert ("error", "labels", "train") in kinds(idxio.check(tmp_path))


def test_a_split_to_test_with_may_be_empty(tmp_path, capsys):
    write(tmp_path, t10k=(np.zeros((0, 28, 28), np.uint8), np.zeros(0, np.uint8)))
    found = idxio.check(tmp_path)
    assert found.ok
    assert ("warning", "empty", "t10k") in kinds(found)
    assert main(["check", str(tmp_path)]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    "text",
    [
        '{"class_names": {"99999999999999999999": "x"}}',
        "[" * 100_000,
        '{"files": ' + "[" * 100_000,
        "\udcff",
    ],
)
def test_any_dataset_json(tmp_path, text, capsys):
    write(tmp_path)
    (tmp_path / "dataset.json").write_bytes(text.encode(errors="surrogateescape"))
    for command in ("check", "report"):
        output = ["-o", str(tmp_path / "page.html")] if command == "report" else []
        assert main([command, str(tmp_path), *output]) == 1
        assert "Traceback" not in capsys.readouterr().err


def test_any_mapping(tmp_path):
    for split, names in NAMES.items():
        for name, array in zip(names, DRAWN[split], strict=True):
            (tmp_path / f"emnist-letters-{name}").write_bytes(gzip.compress(encode(array), 1))
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 99999999999999999999\n")
    assert ("error", "unreadable", "train") in kinds(idxio.check(tmp_path))


# --- numbers that can hardly be meant so ---


def raw(path, array, order):
    """An IDX file whose body is in this byte order."""
    path.write_bytes(encode(array[:0])[:4] + np.array(array.shape, ">u4").tobytes())
    with path.open("ab") as file:
        file.write(array.astype(array.dtype.newbyteorder(order)).tobytes())


def numbers(folder, images=None, labels=None, images_order=">", labels_order=">"):
    """The findings about the numbers of a train split with these images and labels."""
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (60, 5, 4), np.uint8) if images is None else images
    labels = np.arange(60, dtype=np.uint8) % 10 if labels is None else labels
    raw(folder / "train-images", images, images_order)
    raw(folder / "train-labels", labels, labels_order)
    found = [
        finding
        for finding in idxio.check(folder).findings
        if finding.kind not in ("missing", "type", "range")
    ]
    return [(finding.level, finding.kind) for finding in found], found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_and_infinity(tmp_path, dtype):
    images = np.random.default_rng(0).random((60, 5, 4)).astype(dtype)
    assert numbers(tmp_path, images)[0] == []
    images[3, 4, 3], images[7, 0, 0], images[59, 1, 1] = np.nan, np.inf, -np.inf
    kinds, found = numbers(tmp_path, images)
    assert kinds == [("error", "nan")]
    assert found[0].records == (3, 7, 59)
    assert "3 (record 3, 7, 59)" in found[0].message


RNG = np.random.default_rng(5)
BODIES = {
    "0 to 1": RNG.random((60, 5, 4)),
    "normal": RNG.normal(0, 1, (60, 5, 4)),
    "0 to 255": RNG.integers(0, 256, (60, 5, 4)).astype(float),
    "0 or 1": RNG.integers(0, 2, (60, 5, 4)).astype(float),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("body", BODIES)
def test_floats_in_the_wrong_order(tmp_path, body, dtype):
    images = BODIES[body].astype(dtype)
    assert numbers(tmp_path, images)[0] == []
    kinds, found = numbers(tmp_path, images, images_order="<")
    assert kinds == [("error", "order")]
    assert "written little-endian?" in found[0].message
    assert "ieee-be" in found[0].message


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [(np.int16, 0, 256), (np.int16, -1024, 3072), (np.int32, 0, 256), (np.int32, 0, 65536)],
)
def test_whole_numbers_in_the_wrong_order(tmp_path, dtype, low, high):
    images = RNG.integers(low, high, (60, 5, 4)).astype(dtype)
    assert numbers(tmp_path, images)[0] == []
    assert numbers(tmp_path, images, images_order="<")[0] == [("warning", "order")]


def test_any_pixels_are_in_the_right_order(tmp_path):
    for images in (
        RNG.integers(-(1 << 15), 1 << 15, (60, 5, 4)).astype(np.int16),
        (RNG.random((60, 5, 4)) * 1e-17).astype(np.float32),
        RNG.integers(-128, 128, (60, 5, 4)).astype(np.int8),
    ):
        assert numbers(tmp_path, images)[0] == []


@pytest.mark.parametrize("dtype", [np.int16, np.int32])
def test_labels_in_the_wrong_order(tmp_path, dtype):
    for labels in (np.arange(60) % 10, np.arange(60) % 2, np.arange(60) // 6 * 20):
        assert numbers(tmp_path, labels=labels.astype(dtype))[0] == []
        kinds, found = numbers(tmp_path, labels=labels.astype(dtype), labels_order="<")
        assert ("error", "order") in kinds
        finding = found[kinds.index(("error", "order"))]
        assert "written little-endian?" in finding.message
    _, found = numbers(tmp_path, labels=(np.arange(60) % 10).astype(np.int32), labels_order="<")
    assert "multiples of 16,777,216" in found[0].message


def test_labels_that_say_nothing(tmp_path):
    for label in (0, 7):
        kinds, found = numbers(tmp_path, labels=np.full(60, label, np.uint8))
        assert kinds == [("warning", "single")]
        assert f"all 60 labels are {label}" in found[0].message
    kinds, found = numbers(tmp_path, labels=np.arange(60, dtype=np.uint8))
    assert kinds == [("warning", "counting")]
    assert "count up from 0 to 59" in found[0].message
    assert numbers(tmp_path, labels=np.arange(60, dtype=np.uint8)[::-1])[0] == []


def test_more_labels_that_count_up_than_classes_can_be(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (1500, 2, 2), np.uint8)
    _, found = numbers(tmp_path, images, np.arange(1500, dtype=np.int16))
    assert "count up from 0, as numbers of records do" in found[0].message


def test_every_split_is_checked(tmp_path, capsys):
    """Also those that MNIST has not, and each against all before it."""
    x, y = DRAWN["t10k"]
    write(tmp_path)
    for split, n in (("validation", 7), ("unsupervised", 5)):
        for kind, array in (("images-idx3", x[:n]), ("labels-idx1", y[:n])):
            (tmp_path / f"{split}-{kind}-ubyte").write_bytes(encode(array))
    found = idxio.check(tmp_path)
    assert {split: seen.shape[0] for split, seen in found.splits.items()} == {
        "train": len(DRAWN["train"][1]), "t10k": len(y), "val": 7, "unsupervised": 5,
    }  # fmt: skip
    leaks = [
        (finding.split, finding.message) for finding in found.findings if finding.kind == "leak"
    ]
    assert [split for split, _ in leaks] == ["val", "unsupervised", "unsupervised"]
    assert "that t10k has too: 7" in leaks[0][1]
    assert "that val has too: 5" in leaks[2][1]
    assert main(["check", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "\nunsupervised pictures  5 x 28 x 28 uint8" in out
    (columns,) = [line for line in out.splitlines() if line.startswith("class ")]
    assert columns.split() == ["class", "train", "t10k", "val", "unsupervised"]
    assert (
        len(
            {
                len(line)
                for line in out[out.index("\nclass ") :].split("\n\n")[0].strip().splitlines()
            }
        )
        == 1
    )
    assert main(["check", "--json", str(tmp_path)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document["splits"]) == ["train", "t10k", "val", "unsupervised"]
    assert document["test_pictures_in_train"] == 0


def test_what_is_wrong_with_another_split(tmp_path):
    x, y = DRAWN["t10k"]
    write(tmp_path)
    (tmp_path / "val-images-idx3-ubyte").write_bytes(encode(x[:5, 1:]))
    assert ("error", "missing", "val") in kinds(idxio.check(tmp_path))
    (tmp_path / "val-labels-idx1-ubyte").write_bytes(encode(y[:5]))
    assert ("error", "shape", "val") in kinds(idxio.check(tmp_path))
    (tmp_path / "val-labels-idx1-ubyte").write_bytes(encode(y[:6]))
    assert ("error", "unreadable", "val") in kinds(idxio.check(tmp_path))


def test_facts_of_pixels(tmp_path, capsys):
    x, y = DRAWN["train"]
    colour = np.stack([x, x // 2, 255 - x], axis=-1)
    for images, scale in ((x, 255), (colour, 255), (x.astype(np.int16) - 50, 1)):
        folder = write(tmp_path, train=(images, y))
        assert main(["check", folder, "--json"]) in (0, 1)
        seen = json.loads(capsys.readouterr().out)["splits"]["train"]
        pixels = images.reshape(-1, images.shape[-1] if images.ndim == 4 else 1)
        np.testing.assert_allclose(seen["channel_mean"], pixels.mean(axis=0))
        np.testing.assert_allclose(seen["channel_std"], pixels.std(axis=0))
        assert seen["span"] == [images.min(), images.max()]
        main(["check", folder])
        out = capsys.readouterr().out
        assert f"pixels    {images.min()} to {images.max()}, mean " in out
        mean = " ".join(f"{m / 255:.4f}" for m in pixels.mean(axis=0))
        assert (f"scaled    mean {mean}, std " in out) == (scale == 255)


# --- equal pictures with their partners ---


def pairs_of(found, kind, split):
    (finding,) = (f for f in found.findings if (f.kind, f.split) == (kind, split))
    return [tuple((p.split, p.record, p.label) for p in pair) for pair in finding.pairs]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=12),
)
def test_each_equal_picture_has_a_partner(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("d")
    drawn = {"train": first, "t10k": second}
    for split, some in drawn.items():
        images = np.array([[[0, value + 1]] for value, _ in some], np.uint8)
        labels = np.array([label for _, label in some], np.uint8)
        for name, array in zip(NAMES[split], (images, labels), strict=True):
            (folder / name).write_bytes(encode(array))
    found = idxio.check(folder)
    every = [(split, k, *what) for split, some in drawn.items() for k, what in enumerate(some)]
    expected = {}
    for split, k, value, label in every:
        equal = [(s, n, y) for s, n, v, y in every if v == value]
        me = (split, k, label)
        here = [other for other in equal if other[0] == split]
        if here[0] != me:
            expected.setdefault(("copies", split), []).append((me, here[0]))
        if split == "t10k" and equal[0][0] == "train":
            expected.setdefault(("leak", split), []).append((me, equal[0]))
        if odd := [other for other in equal if other[2] != label]:
            expected.setdefault(("conflict", split), []).append((me, odd[0]))
    kinds = {"copies", "leak", "conflict"}
    assert {(f.kind, f.split) for f in found.findings if f.kind in kinds} == set(expected)
    for (kind, split), pairs in expected.items():
        assert pairs_of(found, kind, split) == pairs


def write_sources(folder, **changes):
    """The list of what the drawn splits were made of, with another label at records."""
    lines = ["split,record,file,label,sha256"]
    for split, (_, labels) in DRAWN.items():
        for k, label in enumerate(labels.tolist()):
            said = changes.get(split, {}).get(k, label)
            lines.append(f"{split},{k},{label}/{split}{k}.png,{said},{k:064x}")
    (folder / "sources.csv").write_text("\n".join(lines) + "\n")


def test_partners_are_told_with_labels_and_files(tmp_path, capsys):
    folder = write(tmp_path, t10k=changed("t10k", [7, 15], X[[5, 8]]))
    assert main(["check", folder]) == 0
    assert "    t10k 7 (label 7) = train 5 (label 5)\n" in capsys.readouterr().out
    write_sources(tmp_path)
    (tmp_path / "dataset.json").write_text(json.dumps({"class_names": [*"abcdefghij"]}))
    assert main(["check", folder]) == 0
    out = capsys.readouterr().out
    text = "    t10k 7 (label 7 h, 7/t10k7.png) = train 5 (label 5 f, 5/train5.png)\n"
    assert out.count(text) == 2  # leak and conflict
    assert main(["check", folder, "--json"]) == 0
    leak = next(
        finding
        for finding in json.loads(capsys.readouterr().out)["findings"]
        if finding["kind"] == "leak"
    )
    assert leak["pairs"][0] == [
        {"split": "t10k", "record": 7, "label": 7, "file": "7/t10k7.png"},
        {"split": "train", "record": 5, "label": 5, "file": "5/train5.png"},
    ]


def test_many_partners_are_counted(tmp_path, capsys):
    folder = write(tmp_path, t10k=(X[:50], Y[:50]))
    assert main(["check", folder]) == 0
    out = capsys.readouterr().out
    assert "    t10k 4 (label 4) = train 4 (label 4)\n    and 45 more\n" in out
    finding = next(f for f in idxio.check(folder).findings if f.kind == "leak")
    assert len(finding.pairs) == 50


def test_a_list_of_sources_that_is_of_another_dataset(tmp_path):
    folder = write(tmp_path)
    write_sources(tmp_path)
    assert idxio.check(folder).findings == []
    write_sources(tmp_path, train={3: 9, 5: 6})
    found = idxio.check(folder)
    assert kinds(found) == [("error", "changed", "train")]
    assert found.findings[0].records == (3, 5)
    lines = (tmp_path / "sources.csv").read_text().splitlines()
    (tmp_path / "sources.csv").write_text("\n".join(lines[:-1]) + "\n")
    found = idxio.check(folder)
    assert ("warning", "changed", "t10k") in kinds(found)
    (tmp_path / "sources.csv").write_text("what,is\nthis,?\n")
    assert kinds(idxio.check(folder)) == [("error", "unreadable", "train")]


# --- what pixels are ---


def test_ranges_of_floats_and_whole_numbers_are_told(tmp_path):
    for images, told in (
        (X / np.float32(255), "pixels are float32, 0 to 1; "),
        (X.astype(np.int16) - 1024, "pixels are int16, -1024 to -769; "),
        (X.astype(np.int16), "pixels are int16, 0 to 255; .*expect it; they fit into uint8"),
    ):
        found = idxio.check(write(tmp_path, train=(images, Y)))
        (finding,) = (f for f in found.findings if f.kind == "type")
        assert re.search(told, finding.message)
        assert ("fit into" in finding.message) == ("fit into" in told)
    images = X.astype(np.float64)
    images[0, 0, :3] = np.nan, np.inf, -np.inf
    found = idxio.check(write(tmp_path, train=(images, Y)))
    assert "pixels are float64, 0 to 255; " in str(found.findings)


@pytest.mark.parametrize("scale", [1 / 255, 1 / 16, 16])
@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.uint8])
def test_splits_in_other_units(tmp_path, scale, dtype):
    x, y = DRAWN["t10k"]
    other = np.clip(x.astype(float) * scale, 0, np.inf if dtype != np.uint8 else 255).astype(dtype)
    found = idxio.check(write(tmp_path, train=(X.astype(dtype), Y), t10k=(other, y)))
    ranges = [f for f in found.findings if f.kind == "range"]
    assert [f.split for f in ranges] == (["t10k"] if scale != 16 or dtype != np.uint8 else [])
    if ranges and scale != 1 / 255:
        assert "; those of train 0 to 255, with" in ranges[0].message
    same = idxio.check(write(tmp_path, train=(X.astype(dtype), Y), t10k=(x.astype(dtype), y)))
    assert "range" not in [f.kind for f in same.findings]


# --- the result at a prompt, in a notebook, and held strictly ---


def test_repr_is_short(tmp_path):
    folder = write(tmp_path, t10k=changed("t10k", [7], X[[5]]))
    text = repr(idxio.check(folder))
    assert text.splitlines() == [
        f"<idxio.Check of {folder}: OK: 0 errors, 3 warnings",
        "  train: 200 x 28 x 28 uint8, 10 classes",
        "  t10k: 50 x 28 x 28 uint8, 10 classes",
        "  warning: t10k: pictures that train has too: 1 (record 7) [leak]",
        "      t10k 7 (label 7) = train 5 (label 5)",
        "  warning: train: pictures that equal others with another label: 1 (record 5) [conflict]",
        "      train 5 (label 5) = t10k 7 (label 7)",
        "  warning: t10k: pictures that equal others with another label: 1 (record 7) [conflict]",
        "      t10k 7 (label 7) = train 5 (label 5)>",
    ]
    many = idxio.check(folder)
    text = repr(many._replace(findings=many.findings * 9))
    assert text.endswith("  and 7 findings more>")
    for part in (many.splits["train"], many.duplicates, many.splits):
        assert len(repr(part)) < 300


def test_repr_and_html_obey_no_names(tmp_path):
    folder = tmp_path / "a\x1b[31m<b>"
    folder.mkdir()
    found = idxio.check(write(folder, train=(X[:9], Y)))
    assert "\x1b" not in repr(found)
    page = found._repr_html_()
    assert "\x1b" not in page
    assert "<b>:" not in page
    assert "NOT OK: 1 error" in page


def test_html_shows_findings_and_classes(tmp_path):
    folder = write(tmp_path, t10k=changed("t10k", [7], X[[5]]))
    (tmp_path / "dataset.json").write_text(json.dumps({"class_names": ["<a>", *"bcdefghij"]}))
    page = idxio.check(folder)._repr_html_()
    assert "OK: 0 errors, 3 warnings" in page
    assert "t10k 7 (label 7 h) = train 5 (label 5 f)" in page
    assert page.count("<img ") == 20
    assert "&lt;a&gt;" in page


def test_strict(tmp_path, capsys):
    folder = write(tmp_path)
    assert main(["check", folder, "--strict"]) == 0
    folder = write(tmp_path, train=changed("train", [3], 0))
    assert main(["check", folder]) == 0
    assert capsys.readouterr().out.endswith("\nOK: 0 errors, 1 warning\n")
    assert main(["check", folder, "--strict"]) == 1
    assert capsys.readouterr().out.endswith("NOT OK: 0 errors, 1 warning\n")
    assert main(["check", folder, "--strict", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_json_has_no_nan(tmp_path, capsys):
    folder = write(tmp_path, train=(np.full((20, 4, 4), np.nan), Y[:20]))
    assert main(["check", folder, "--json"]) == 1
    out = capsys.readouterr().out
    seen = json.loads(out, parse_constant=lambda name: pytest.fail(name))["splits"]["train"]
    assert (seen["channel_mean"], seen["channel_std"], seen["span"]) == ([None], [None], [None] * 2)
