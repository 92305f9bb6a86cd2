"""Datasets at URLs: images and labels that belong together, and the names of their classes."""

import json
import uuid

import numpy as np
import pytest
from helpers import assert_same
from range_server import RangeServer

import idxio

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("obstore")

from idxio.storage.remote.folder import RemoteFolder  # noqa: E402

LABELS = (np.arange(30) % 3).astype(np.uint8)
SORTED = np.sort(LABELS)
IMAGES, NAMES = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def pictures(labels):
    """One picture for each label, which has it in its pixels."""
    return np.repeat(labels, 12).reshape(-1, 4, 3)


@pytest.fixture
def put():
    """Stores arrays, objects as JSON, and text, at URLs in a folder of fsspec's memory."""
    folder = f"/{uuid.uuid4().hex}"
    memory = fsspec.filesystem("memory")

    def store(name, content):
        url = f"memory:/{folder}/{name}"
        if isinstance(content, np.ndarray):
            idxio.write(url, content)
        else:
            text = content if isinstance(content, str) else json.dumps(content)
            memory.pipe_file(f"{folder}/{name}", text.encode())
        return url

    yield store
    memory.rm(folder, recursive=True)


def pair(put, folder, labels, names=(IMAGES, NAMES)):
    """Store images and labels; return their URLs."""
    return [put(f"{folder}/{names[0]}", pictures(labels)), put(f"{folder}/{names[1]}", labels)]


@pytest.mark.parametrize("name", [f"{IMAGES}.gz", "train-images.idx3-ubyte", f"{NAMES}.gz"])
def test_copies_that_differ_are_refused(put, name):
    """As in a folder: one of the two is outdated, and nobody knows which."""
    is_image = "images" in name
    url = pair(put, "d", SORTED)[0].rpartition("/")[0]
    put(f"d/{name}", pictures(SORTED) if is_image else SORTED)
    assert_same(idxio.load(url).labels, SORTED)
    put(f"d/{name}", pictures(LABELS) if is_image else LABELS)
    with pytest.raises(idxio.IdxError, match=r"is not the same as .*leave one of the two"):
        idxio.load(url)
    put(f"d/{name}", pictures(LABELS)[1:] if is_image else LABELS[1:])
    with pytest.raises(idxio.IdxError, match="is not the same as"):
        idxio.load(url)


def test_images_and_labels_have_one_word_for_the_split(put):
    """The images of test-images-… do not belong to the labels of t10k-labels-…"""
    url = put("d/test-images-idx3-ubyte", pictures(LABELS)).rpartition("/")[0]
    put("d/t10k-labels-idx1-ubyte.gz", SORTED)
    with pytest.raises(FileNotFoundError, match=r"has test-images.* and no test-labels"):
        idxio.load(url, "test")
    put("d/t10k-images-idx3-ubyte.gz", pictures(SORTED))
    assert_same(idxio.load(url, "test").images[:], pictures(SORTED))
    put("d/test-labels-idx1-ubyte.gz", LABELS)
    with pytest.raises(idxio.IdxError, match="'t10k', which are names of one split"):
        idxio.load(url, "test")


def test_names_of_emnists_mapping(put, tmp_path):
    names = [f"emnist-letters-{name}.gz" for name in (IMAGES, NAMES)]
    one, two = pair(put, "a", LABELS, names), pair(put, "b", LABELS, names)
    for folder, letters in ("a", "ABC"), ("b", "CBA"):
        lines = [f"{label} {ord(letter)}\n" for label, letter in enumerate(letters)]
        put(f"{folder}/emnist-letters-mapping.txt", "".join(lines))
    url = two[0].rpartition("/")[0]
    assert idxio.load(url, "emnist-letters-train").class_names == {0: "C", 1: "B", 2: "A"}
    targets = [str(tmp_path / name) for name in (IMAGES, NAMES)]
    idxio.write_sorted(*targets, [one[0], two[0]], [one[1], two[1]])
    merged = idxio.load(tmp_path)
    assert merged.class_names == {0: "A", 1: "B", 2: "C"}
    # C is 2 in the first files, and 0 in the second ones
    assert set(merged.of_class("C")[:].ravel().tolist()) == {0, 2}


def test_names_above_the_folder_of_a_split(put, tmp_path):
    pairs = [pair(put, f"{folder}/train", LABELS) for folder in "ab"]
    put("a/dataset.json", {"class_names": ["cat", "dog", "eel"]})
    put("b/dataset.json", {"class_names": ["eel", "dog", "cat"]})
    url = pairs[1][0].rpartition("/")[0]
    assert idxio.load(url).class_names == {0: "eel", 1: "dog", 2: "cat"}
    targets = [str(tmp_path / name) for name in (IMAGES, NAMES)]
    idxio.write_sorted(*targets, *map(list, zip(*pairs, strict=True)))
    merged = idxio.load(tmp_path)
    assert set(merged.of_class("eel")[:].ravel().tolist()) == {0, 2}
    put("b/dataset.json", "{")
    with pytest.raises(idxio.IdxError, match=r"/b/dataset\.json: is no JSON object"):
        idxio.load(url)


class ByQuery(RangeServer):
    """What lies at a path is chosen by the query."""

    def begin(self, path, request):
        return super().begin(request[1], request)


def test_a_query_tells_labels_apart(tmp_path):
    """Labels of two versions have one path, and belong to images of their own."""
    with ByQuery() as server:
        pairs = []
        for version, labels in ("1", LABELS), ("2", LABELS[::-1].copy()):
            urls = [f"/{name}?version={version}" for name in (IMAGES, NAMES)]
            for url, array in zip(urls, (pictures(labels), labels), strict=True):
                idxio.write(tmp_path / "x", array)
                server.add(url, (tmp_path / "x").read_bytes())
            pairs.append([server.url + url for url in urls])
        targets = [tmp_path / name for name in (IMAGES, NAMES)]
        idxio.write_sorted(*targets, *map(list, zip(*pairs, strict=True)))
    merged = idxio.load(tmp_path)
    assert_same(merged.images[:], pictures(merged.labels))


@pytest.mark.parametrize("how", ["array", "file"])
def test_labels_that_were_opened_at_a_url(put, tmp_path, how):
    """Nobody looks for the names of their classes there."""
    images, labels = pair(put, "d", LABELS)
    put("d/dataset.json", {"class_names": ["cat", "dog", "eel"]})
    opened = idxio.open(labels) if how == "array" else fsspec.open(labels, "rb").open()
    targets = [str(tmp_path / name) for name in (IMAGES, NAMES)]
    with opened, pytest.raises(ValueError, match="give the URL itself"):
        idxio.write_sorted(*targets, idxio.read(images), opened)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("other", ["s3a://b/d/x"])
def test_two_names_of_one_object(other):
    options = {"key": "k", "secret": "s", "endpoint": "http://127.0.0.1:9"}
    with pytest.raises(ValueError, match="go to different files"):
        idxio.write_sorted("s3://b/d/x", other, pictures(LABELS), LABELS, storage_options=options)


def test_a_listing_that_fsspec_keeps(put, monkeypatch):
    """A copy that another process puts there meanwhile is seen."""
    images, labels = pair(put, "d", LABELS)
    memory = type(fsspec.filesystem("memory"))
    forgotten = []
    monkeypatch.setattr(memory, "invalidate_cache", lambda self, path=None: forgotten.append(path))
    idxio.load(images.rpartition("/")[0])
    assert images.rpartition("/")[0].endswith(forgotten[0])
    forgotten.clear()
    idxio.write_sorted(images, labels, pictures(LABELS), LABELS)
    assert images.rpartition("/")[0].endswith(forgotten[0])


def test_labels_that_are_replaced_while_it_is_loaded(put, monkeypatch):
    """By another process, which puts images and labels in place as idxio does."""
    many = np.repeat(LABELS, 3000)
    noise = np.random.default_rng(0).integers(0, 256, (len(many), 4, 3), np.uint8)
    url = put(f"d/{IMAGES}", noise).rpartition("/")[0]
    put(f"d/{NAMES}", many)
    real = RemoteFolder.copy

    def late(self, name, directory):
        if name == NAMES:
            put(f"d/{IMAGES}", noise[::-1].copy())
            put(f"d/{NAMES}", many[::-1].copy())
        return real(self, name, directory)

    monkeypatch.setattr(RemoteFolder, "copy", late)
    with pytest.raises(idxio.ChangedError):
        idxio.load(url).images[:]


def test_a_split_of_which_the_description_tells_is_checked(put):
    url = pair(put, "d", SORTED)[0].rpartition("/")[0]
    names = [name.replace("train", "extra") for name in (IMAGES, NAMES)]
    pair(put, "d", LABELS, names)
    entry = {"shape": [30], "dtype": "uint8", "crc32": "00000000"}
    stated = dict.fromkeys((IMAGES, NAMES, *names, "../x/gone-images-idx3-ubyte"), entry)
    put("d/dataset.json", {"files": stated})
    found = idxio.check(url)
    assert [*found.splits] == ["train", "extra"]
    assert not [one for one in found.findings if "has no extra-" in one.message]
    put("d/dataset.json", {"files": {**stated, "val-images-idx3-ubyte": entry}})
    assert [one for one in idxio.check(url).findings if "has no val-images" in one.message]
