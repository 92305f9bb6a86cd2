"""Labels that are texts: import_dataset() goes by the rules of build(), in every format."""

import io

import numpy as np
import pytest
from PIL import Image

import idxio


def npz(path, texts, **more):
    """An npz of as many images as texts."""
    np.savez(path, x_train=np.zeros((len(texts), 4, 4), "u1"), y_train=np.array(texts), **more)
    return path


def csv(path, texts):
    lines = "".join(f"{text},1,2,3,4\n" for text in texts)
    path.write_text(f"label,pixel0,pixel1,pixel2,pixel3\n{lines}", encoding="utf-8")
    return path


def parquet(path, labels, metadata=None):
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    picture = io.BytesIO()
    Image.new("L", (4, 4)).save(picture, "PNG")
    images = [{"bytes": picture.getvalue(), "path": None}] * len(labels)
    table = pyarrow.table({"image": images, "label": labels}).replace_schema_metadata(metadata)
    pyarrow.parquet.write_table(table, path)
    return path


def named(folder):
    """The name of the class of each record."""
    dataset = idxio.load(folder)
    return [dataset.class_names[int(label)] for label in dataset.labels]


def refused(source, folder, message):
    with pytest.raises(idxio.FormatError, match=message):
        idxio.import_dataset(source, folder / "o")
    assert not (folder / "o").exists()


@pytest.mark.parametrize("shards", [(["a", "b"], [0, 1]), ([0, 1], ["a", "b"])])
def test_shards_of_texts_and_of_numbers_are_refused(tmp_path, shards) -> None:
    (tmp_path / "in").mkdir()
    for i, labels in enumerate(shards):
        parquet(tmp_path / "in" / f"train-0000{i}-of-00002.parquet", labels)
    refused(tmp_path / "in", tmp_path, r"numbers \(0\) and .* texts \('a'\); write all of them in")


def test_a_split_without_a_record_is_no_mixture(tmp_path) -> None:
    (tmp_path / "in").mkdir()
    csv(tmp_path / "in" / "train.csv", ["dog", "cat"])
    csv(tmp_path / "in" / "test.csv", [])
    idxio.import_dataset(tmp_path / "in", tmp_path / "o")
    assert named(tmp_path / "o") == ["dog", "cat"]
    assert len(idxio.load(tmp_path / "o", "test").labels) == 0


def test_a_column_of_texts(tmp_path) -> None:
    idxio.import_dataset(npz(tmp_path / "a.npz", [["dog"], ["cat"]]), tmp_path / "column")
    assert named(tmp_path / "column") == ["dog", "cat"]
    npz(tmp_path / "a.npz", [["dog", "big"], ["cat", "big"]])
    refused(tmp_path / "a.npz", tmp_path, r"texts of the shape \(2, 2\) in y_train, expected one")
