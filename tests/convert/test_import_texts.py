"""Labels that are texts: import_dataset() goes by the rules of build(), in every format."""

import io
import json

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


def test_class_names_tell_what_texts_that_are_numbers_mean(tmp_path) -> None:
    """np.unique and LabelEncoder put '10' in front of '2'."""
    texts = [str(i) for i in range(12)]
    names = np.unique(texts)
    idxio.import_dataset(npz(tmp_path / "a.npz", texts, class_names=names), tmp_path / "npz")
    assert named(tmp_path / "npz") == texts
    assert idxio.load(tmp_path / "npz").class_names == dict(enumerate(names.tolist()))
    # Integers are the numbers of the classes.
    np.savez(
        tmp_path / "a.npz",
        x_train=np.zeros((12, 4, 4), "u1"),
        y_train=np.arange(12),
        class_names=names,
    )
    idxio.import_dataset(tmp_path / "a.npz", tmp_path / "numbers")
    assert named(tmp_path / "numbers") == names.tolist()


def _features(names):
    return {"huggingface": json.dumps({"info": {"features": {"label": {"names": names}}}})}


def test_features_tell_what_texts_that_are_numbers_mean(tmp_path) -> None:
    path = tmp_path / "train.parquet"
    idxio.import_dataset(parquet(path, ["10", "2"], _features(["1", "10", "2"])), tmp_path / "by")
    assert idxio.load(tmp_path / "by").labels.tolist() == [1, 2]
    idxio.import_dataset(parquet(path, ["2", "1"], _features(["0", "1", "2"])), tmp_path / "digits")
    assert idxio.load(tmp_path / "digits").labels.tolist() == [2, 1]
    parquet(path, ["2", "3"], _features(["0", "1", "2"]))
    refused(path, tmp_path, "row 1 has the label '3', and the features name no such class")


def test_a_text_that_is_no_class_name_is_refused(tmp_path) -> None:
    path = npz(tmp_path / "a.npz", ["0", "1"], class_names=np.array(["cat", "dog"]))
    refused(path, tmp_path, "has the label '0', .* no such class; .* as integers$")
    npz(path, ["dog", "0"], class_names=np.array(["cat", "dog"]))
    refused(path, tmp_path, "has the label '0', .* no such class")


def test_a_text_that_two_classes_are_called_is_refused(tmp_path) -> None:
    path = npz(tmp_path / "a.npz", ["b", "a"], class_names=np.array(["a", "b", "b"]))
    refused(path, tmp_path, "has the label 'b', which is the name of the classes 1 and 2")
    npz(path, ["a", "c"], class_names=np.array(["a", "b", "b", "c"]))
    idxio.import_dataset(path, tmp_path / "o")
    assert idxio.load(tmp_path / "o").labels.tolist() == [0, 3]


def test_a_text_that_is_a_number_beyond_int64_is_refused(tmp_path) -> None:
    npz(tmp_path / "a.npz", ["1", "12345678901234567890"])
    refused(tmp_path / "a.npz", tmp_path, "has the label 12345678901234567890, expected 0 to 2,147")
