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
    format = pytest.importorskip("pyarrow.parquet")
    picture = io.BytesIO()
    Image.new("L", (4, 4)).save(picture, "PNG")
    images = [{"bytes": picture.getvalue(), "path": None}] * len(labels)
    table = pyarrow.table({"image": images, "label": labels}).replace_schema_metadata(metadata)
    format.write_table(table, path)
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


# Each gives labels to a file.
FORMATS = [(npz, "a.npz"), (parquet, "train.parquet"), (csv, "train.csv")]


@pytest.mark.parametrize(("made", "name"), FORMATS)
@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["dog", "dog ", "\u00a0cat", "cat"], ["dog", "dog", "cat", "cat"]),
        (["caf\u00e9", "cafe\u0301", "b", "b"], ["caf\u00e9", "caf\u00e9", "b", "b"]),
    ],
)
def test_names_of_classes_have_one_form(tmp_path, made, name, texts, names) -> None:
    idxio.import_dataset(made(tmp_path / name, texts), tmp_path / "o")
    assert named(tmp_path / "o") == names
    assert sorted(idxio.load(tmp_path / "o").class_names) == [0, 1]


@pytest.mark.parametrize(
    ("texts", "one", "other"),
    [
        (["01", "1", "0", "0"], "01", "1"),
        (["+1", "1", "0", "0"], r"\+1", "1"),
        (["1.0", "1.00", "0.5", "0.5"], "1.0", "1.00"),
    ],
)
@pytest.mark.parametrize(("made", "name"), FORMATS[:2])
def test_one_number_in_two_ways_is_refused(tmp_path, made, name, texts, one, other) -> None:
    """In CSV these are numbers."""
    message = f"has the classes '{one}' and '{other}', which are one number; write it in one way"
    refused(made(tmp_path / name, texts), tmp_path, message)


def test_texts_that_are_fractions_are_in_the_order_of_their_values(tmp_path) -> None:
    idxio.import_dataset(npz(tmp_path / "a.npz", ["10.5", "2.5", "-1.5"]), tmp_path / "o")
    assert idxio.load(tmp_path / "o").class_names == {0: "-1.5", 1: "2.5", 2: "10.5"}


def test_digits_of_other_scripts_are_no_second_way_to_write_a_number(tmp_path) -> None:
    npz(tmp_path / "a.npz", ["3", "\u0663"])
    refused(
        tmp_path / "a.npz", tmp_path, r"labels that are numbers \(3\) and others that are texts"
    )


@pytest.mark.parametrize("empty", ["", " ", "\u2003"])
@pytest.mark.parametrize(
    ("made", "name", "where"),
    [
        (*FORMATS[0], "record 1 of y_train"),
        (*FORMATS[1], "row 1"),
        (*FORMATS[2], "line 3"),
    ],
)
def test_an_empty_text_is_no_label(tmp_path, made, name, where, empty) -> None:
    refused(made(tmp_path / name, ["a", empty, "b"]), tmp_path, f"{where} has no label")


@pytest.mark.parametrize(("made", "name"), FORMATS)
@pytest.mark.parametrize(
    ("texts", "note"),
    [
        (["b", "nan"], "a class whose name may say that a label is missing: nan"),
        (["dog", "Dog"], "classes whose names differ in capitals only: Dog, dog"),
        (["dog", "do\u200bg"], "classes whose names differ in what is not seen only: 'dog', "),
    ],
)
def test_names_that_may_be_mistakes_are_told(tmp_path, made, name, texts, note) -> None:
    with pytest.warns(UserWarning, match=f"{name}: {note}"):
        idxio.import_dataset(made(tmp_path / name, texts), tmp_path / "o")
    assert named(tmp_path / "o") == texts


def test_class_names_have_one_form_with_the_texts(tmp_path) -> None:
    names = np.array(["cafe\u0301", " b"])
    path = npz(tmp_path / "a.npz", ["b ", "caf\u00e9"], class_names=names)
    idxio.import_dataset(path, tmp_path / "npz")
    assert idxio.load(tmp_path / "npz").labels.tolist() == [1, 0]
    path = parquet(tmp_path / "a.parquet", ["b ", "caf\u00e9"], _features(names.tolist()))
    idxio.import_dataset(path, tmp_path / "parquet")
    assert idxio.load(tmp_path / "parquet").labels.tolist() == [1, 0]


def test_a_label_without_a_name_is_refused(tmp_path) -> None:
    """Where names are a list; with class_labels, some classes may have names and others none."""
    names = np.array(["cat", "dog"])
    arrays = {"x_train": np.zeros((3, 4, 4), "u1"), "class_names": names}
    for labels in (np.array([0, 1, 2], "u1"), np.array([0, 1, -1])):
        np.savez(tmp_path / "a.npz", **arrays, y_train=labels)
        message = f"record 2 of y_train has the label {labels[2]}, .* the classes 0 to 1 only"
        refused(tmp_path / "a.npz", tmp_path, message)
    labels = np.array([0, 1, 2], "u1")
    np.savez(tmp_path / "a.npz", **arrays, y_train=labels, class_labels=np.arange(2))
    idxio.import_dataset(tmp_path / "a.npz", tmp_path / "some")
    assert idxio.load(tmp_path / "some").labels.tolist() == [0, 1, 2]
    (tmp_path / "in").mkdir()
    np.savez(tmp_path / "in" / "train.npz", images=arrays["x_train"], labels=labels)
    np.savez(tmp_path / "in" / "names.npz", class_names=names)
    refused(tmp_path / "in", tmp_path, "has the label 2, .* the classes 0 to 1 only")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,a,b,c,d\n1,4\0,5,6,7\n", "line 2 has a NUL"),
        ("label,a,b,c,d\ncat,4,5,6,7\ndo\0g,1,2,3,4\n", "line 3 has a NUL"),
        ("label,a\0,b,c,d\n1,4,5,6,7\n", "is no CSV file but damaged"),
    ],
)
def test_a_nul_in_a_csv_file_is_refused(tmp_path, text, message) -> None:
    (tmp_path / "a.csv").write_text(text)
    refused(tmp_path / "a.csv", tmp_path, message)


def _with_splits(path, splits, name="split"):
    format = pytest.importorskip("pyarrow.parquet")
    table = format.read_table(parquet(path, [0, 1, 0]))
    format.write_table(table.append_column(name, [splits]), path)
    return path


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        (["train", "test", "train"], "train, test"),
        (["Test", None, "test"], "test"),
        (["train", "holdout", "holdout"], "train, holdout"),
    ],
)
def test_a_column_of_splits_in_parquet_is_not_left_out(tmp_path, splits, said) -> None:
    """CSV makes a split of each of its values."""
    path = _with_splits(tmp_path / "faces.parquet", splits)
    refused(path, tmp_path, f"column split, which says {said}; this file is all train.* a file for")


@pytest.mark.parametrize(
    ("file", "splits", "name"),
    [
        ("train", ["train", "training", "Train"], "Split"),
        ("test", ["test", "test", "test"], "split"),
        ("train", ["starter", "city", "city"], "set"),
        ("train", [0, 1, 2], "split"),
        ("train", [["test"], ["a"], ["b"]], "set"),
    ],
)
def test_a_column_that_says_the_split_of_its_file(tmp_path, file, splits, name) -> None:
    """Or no split at all."""
    path = _with_splits(tmp_path / f"{file}.parquet", splits, name)
    with pytest.warns(UserWarning, match=f"left out what is no image or label: {name}$"):
        idxio.import_dataset(path, tmp_path / "o")
    assert len(idxio.load(tmp_path / "o", file).labels) == 3
