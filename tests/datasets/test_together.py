"""Images, labels and class names of one time, while another process replaces all of them."""

import json
import os

import numpy as np
import pytest

import idxio
from idxio.datasets import load, together
from idxio.storage import source

NAMES = "abcdef"
FILES = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def a_pair(folder, names, seed):
    """Write a pair whose pixels are the names of their classes; return the paths."""
    folder.mkdir()
    labels = np.random.default_rng(seed).integers(0, 6, 40).astype(np.uint8)
    pixels = np.frombuffer(names.encode(), np.uint8)[labels]
    files = [os.path.join(folder, name) for name in FILES]
    for file, array in zip(files, (np.repeat(pixels, 4).reshape(-1, 2, 2), labels), strict=True):
        idxio.write(file, array)
    (folder / "dataset.json").write_text(json.dumps({"class_names": list(names)}))
    return files


def loaded(folder):
    ds = idxio.load(folder)
    return ds.images[:], ds.labels, ds.class_names


def opened(folder):
    files = [os.path.join(folder, name) for name in FILES]
    ds = idxio.Dataset(*files)
    return ds.images[:], ds.labels, None


def exported(folder):
    target = os.path.join(folder, "out.npz")
    idxio.export_dataset(folder, target)
    with np.load(target) as arrays:
        names = dict(enumerate(arrays["class_names"].tolist()))
        return arrays["x_train"], arrays["y_train"], names


def checked(folder):
    found = idxio.check(folder)
    for finding in found.findings:
        if "was replaced" in finding.message:
            raise idxio.ChangedError(finding.message)
    stats = found.splits["train"]
    means = stats.sums / stats.counts[:, None, None]
    return means.astype(np.uint8)[np.searchsorted(stats.classes, stats.labels)], stats.labels, None


@pytest.mark.parametrize("way", [loaded, opened, exported, checked])
def test_a_pair_that_is_replaced_meanwhile_is_not_mixed(tmp_path, monkeypatch, way) -> None:
    real = source.open_checked
    refused = 0
    for moment in range(8):
        folder = tmp_path / f"{moment}"
        files = a_pair(folder, NAMES, 1)
        others = a_pair(tmp_path / f"other {moment}", NAMES[::-1], 2)
        openings = 0

        def replacing(path, *args, moment=moment, files=files, others=others):
            nonlocal openings
            if str(path) in files:
                openings += 1
                if openings == moment + 1:
                    openings = 1000  # those of the writer do not count
                    idxio.write_sorted(*files, *others)
            return real(path, *args)

        monkeypatch.setattr(source, "open_checked", replacing)
        try:
            images, labels, names = way(str(folder))
        except idxio.ChangedError:
            refused += 1
            continue
        finally:
            monkeypatch.setattr(source, "open_checked", real)
        shown = [chr(pixel) for pixel in images[:, 0, 0]]
        possible = [NAMES, NAMES[::-1]] if names is None else [names]
        assert shown in [[one[label] for label in labels.tolist()] for one in possible], moment
    assert refused


def test_names_that_are_replaced_meanwhile(tmp_path, monkeypatch) -> None:
    files = a_pair(tmp_path / "a", NAMES, 1)
    others = a_pair(tmp_path / "b", NAMES[::-1], 2)
    real = load.class_names

    def replaced(labels):
        idxio.write_sorted(*files, *others)
        return real(labels)

    monkeypatch.setattr(load, "class_names", replaced)
    with pytest.raises(idxio.ChangedError, match="images-idx3-ubyte: was replaced"):
        idxio.load(tmp_path / "a")


def test_names_that_are_not_yet_in_their_place(tmp_path, monkeypatch) -> None:
    """They are missing for a moment, as a journal tells."""
    a_pair(tmp_path / "a", NAMES, 1)
    asked = []
    monkeypatch.setattr(together, "ensure_complete", asked.append)
    idxio.load(tmp_path / "a")
    assert asked == [str(tmp_path / "a")]
