"""import_dataset() takes nothing for what it may not be: what does not tell its splits, labels and
shape is refused.
"""

import csv
import gzip
import io
import json
import lzma
import os
import re
import struct
import tracemalloc
import warnings
import zipfile
import zlib

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from helpers import assert_same, png_of_16_bits
from PIL import Image, PngImagePlugin

import idxio
from idxio.cli.main import main
from idxio.convert.images.decode import decode

X = np.random.default_rng(0).integers(0, 17, (40, 64))
X[:, ::8], X[:, 63] = 0, 0  # as most corners are
Y = np.arange(40) % 10


def back(source, folder, **options):
    """What an import makes: the splits of the images, with their counts, and the folder is gone
    again.
    """
    idxio.import_dataset(source, folder / "back", **options)
    names = sorted(os.listdir(folder / "back"))
    counts = {
        name.split("-images")[0]: len(idxio.open(folder / "back" / name))
        for name in names
        if "images" in name
    }
    for name in names:
        if "-labels" in name:
            assert len(idxio.read(folder / "back" / name)) == counts[name.split("-labels")[0]]
    os.rename(folder / "back", folder / f"done{len(os.listdir(folder))}")
    return counts


def refused(source, folder, message, error=idxio.FormatError, **options):
    """Nothing is made of the source, and the message says what is wrong."""
    with pytest.raises(error, match=message):
        idxio.import_dataset(source, folder / "back", **options)
    assert not (folder / "back").exists()


def table(path, *columns, heading=None):
    """A CSV file of these columns."""
    np.savetxt(path, np.column_stack(columns), "%d", ",", header=heading or "", comments="")
    return path


def picture():
    png = io.BytesIO()
    Image.new("L", (4, 4), 7).save(png, "PNG")
    return {"bytes": png.getvalue(), "path": None}


def shard(folder, path, n):
    """A Parquet file of n pictures."""
    os.makedirs((folder / path).parent, exist_ok=True)
    pyarrow.parquet.write_table(
        pyarrow.table({"image": [picture()] * n, "label": list(range(n))}), folder / path
    )


# --- the labels of a CSV file ---


def test_labels_at_an_end_without_a_heading(tmp_path):
    """As of UCI's optdigits and OpenML's mnist_784, which have them behind the pixels."""
    for name, columns in (("last", (X, Y)), ("first", (Y, X)), ("sorted", (X, np.sort(Y)))):
        idxio.import_dataset(table(tmp_path / f"{name}.csv", *columns), tmp_path / name)
        ds = idxio.load(tmp_path / name)
        assert ds.labels.tolist() == (np.sort(Y) if name == "sorted" else Y).tolist()
        assert np.array_equal(ds.images[:], X.reshape(40, 8, 8))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ((100 + np.arange(40), X), "as an index does"),
        ((np.arange(40), Y, X), "as an index does"),
        ((np.arange(40), X[:, 1:], Y), "as an index does"),
        ((np.zeros(40), X), "neither its first nor its last column is like labels"),
        ((X,), r"labels=False that there are none \(--labels\)|make no square"),
        ((X[:, :-1], X[:, :1]), "neither its first nor its last column is like labels"),
        ((Y, X[:, 1:], Y), "both its first and its last column could be labels"),
        ((Y[:2], X[:2]), "neither its first nor its last"),
        ((X * 0, np.repeat([0, 1], [36, 4])), "neither its first nor its last"),
        ((Y + 128, X[:, :-1], Y % 7), "both its first and its last"),
        (
            (
                np.random.default_rng(1).permutation(200)[:60],
                np.tile(X, (2, 1))[:60, 1:],
                Y[np.arange(60) % 40],
            ),
            "as an index does",
        ),
        ((Y + 128, X), "neither its first nor its last"),
    ],
)
def test_a_guess_that_the_numbers_do_not_bear_out(tmp_path, columns, message):
    refused(table(tmp_path / "a.csv", *columns), tmp_path, rf"a\.csv: .*({message})")


@pytest.mark.parametrize("labels", [5, -60, "pixel5"])
def test_labels_in_a_column_that_is_named(tmp_path, labels):
    others = np.delete(X[:, :65], 5, axis=1)
    heading = ",".join(f"pixel{i}" for i in range(65))
    pixels = np.concatenate([X, X[:, :1]], axis=1)
    pixels = np.insert(np.delete(pixels, 5, axis=1), 5, Y + 250, axis=1)  # beyond a byte
    named = table(tmp_path / "a.csv", pixels, heading=heading)
    idxio.import_dataset(named, tmp_path / "a", labels=labels)
    ds = idxio.load(tmp_path / "a")
    assert ds.labels.tolist() == (Y + 250).tolist()
    assert np.array_equal(ds.images[:].reshape(40, 64), np.concatenate([others, X[:, :1]], axis=1))


@pytest.mark.parametrize("heading", [None, ",".join(f"pixel{i}" for i in range(64))])
def test_a_table_without_labels(tmp_path, heading):
    """As Kaggle's test.csv is: where that is clear, or asked for, its images are written alone."""
    path = table(tmp_path / "test.csv", X, heading=heading)
    if not heading:
        refused(path, tmp_path, "neither its first nor its last column")
    idxio.import_dataset(path, tmp_path / "a", labels=None if heading else False)
    assert os.listdir(tmp_path / "a") == ["t10k-images-idx3-ubyte.gz"]
    with pytest.raises(FileNotFoundError, match=r"has no labels .*; idxio\.open\(file\) takes"):
        idxio.load(tmp_path / "a", "test")
    assert np.array_equal(
        idxio.read(tmp_path / "a" / "t10k-images-idx3-ubyte.gz"), X.reshape(40, 8, 8)
    )


@pytest.mark.parametrize(
    ("heading", "column"),
    [("LABEL", 0), ("class", 0), ("target", 0), ("y", 0), ("label,class", None)],
)
def test_a_heading_that_names_the_labels(tmp_path, heading, column):
    text = f"{heading},pixel0\n" + "3,4,5\n"[: 4 if column == 0 else 6].rstrip(",") + "\n"
    (tmp_path / "a.csv").write_text(text)
    if column is None:
        refused(
            tmp_path / "a.csv", tmp_path, "has the column 'class' .* neither the label nor a pixel"
        )
    else:
        idxio.import_dataset(tmp_path / "a.csv", tmp_path / "a")
        assert idxio.load(tmp_path / "a").labels.tolist() == [3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("class,target,p0\n1,2,3\n", "more than one column of labels: class, target"),
        (",label,a,b,c,d\n0,7,1,2,3,4\n", "has the column '' in its heading"),
        ("label,,p0,p1,p2,p3\n7,0,1,2,3,4\n", "has the column '' in its heading"),
        ("label,id,a,b,c\n7,0,1,2,3\n", "has the column 'id' in its heading"),
        ("mean,p0,p1,p2,p3\n7,1,2,3,4\n3,1,2,3,4\n", "'mean' may be it or not; labels=0"),
        ("age,sex,p0,p1,p2,p3\n7,0,1,2,3,4\n", "has no column label in its heading"),
        ("image,label\na.PNG,7\n", r"lists picture files.*idxio build .* --labels a\.csv"),
        ("image_id,kind\na.jpg,cat\n", "has no column label in its heading"),
        # One of these may be the label, though they are as many as a square has.
        ("V1,V2,V3,V4\n7,1,2,3\n", "has no column label in its heading"),
        # The index may be the labels.
        (",p0,p1,p2,p3\n7,1,2,3,4\n7,1,2,3,4\n", "has no column label in its heading"),
        ("label,a,b,c,split\n7,0,1,2,train\n", "has the column 'split'"),
        ("label,p0,p1,p2,mean\n7,0,1,2,3\n", "has the column 'mean' in its heading"),
        (
            "label,n,a,b,c\n7,0,1,2,3\n7,1,1,2,3\n7,2,1,2,3\n",
            "the first beside the labels, that counts up",
        ),
        ("0,1,2,3,4\n7,9,9,9,9\n", "has no column label in its heading 0,1,2,3,…"),
        ("ImageId,Label\n1,0\n2,0\n", "has the column 'imageid'"),
    ],
)
def test_columns_that_are_no_pixels(tmp_path, text, message):
    (tmp_path / "a.csv").write_text(text)
    refused(tmp_path / "a.csv", tmp_path, message)


_PIXELS = np.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[9, 10], [11, 255]]], np.uint8)
_P = "p0,p1,p2,p3"


@pytest.mark.parametrize(
    "text",
    [
        f",label,{_P}\n5,3,1,2,3,4\n2,7,5,6,7,8\n9,3,9,10,11,255\n",  # pandas, of some rows
        f"Unnamed: 0,label,{_P}\n500,3,1,2,3,4\n501,7,5,6,7,8\n502,3,9,10,11,255\n",
        f"{_P},label\n1,2,3,4,3\n5,6,7,8,7\n9,10,11,255,3\n",
        f"digit,{_P}\n3,1,2,3,4\n7,5,6,7,8\n3,9,10,11,255\n",
        f"label,{_P}\n3.0,1.0,2.0,3.0,4.0\n7.0,5,6e0,7.,8\n3,9,1e1,11,255.0\n",
        f"label;{_P.replace(',', ';')}\n3;1;2;3;4\n7;5;6;7;8\n3;9;10;11;255\n",
        f"label\t{_P.replace(',', chr(9))}\n3\t1\t2\t3\t4\n7\t5\t6\t7\t8\n3\t9\t10\t11\t255\n",
        f"sep=;\nlabel;{_P.replace(',', ';')}\n3;1;2;3;4\n7;5;6;7;8\n3;9;10;11;255\n",
        f"# label,{_P}\n3,1,2,3,4\n7,5,6,7,8\n3,9,10,11,255\n",
        "label,pixels\n3,1 2 3 4\n7,5 6 7 8\n3,9 10 11 255\n",
        'label,pixels\n3,"[1, 2, 3, 4]"\n7,"[5, 6,7,8]"\n3,"[9, 10, 11, 255]"\n',
        "pixels;y\n1  2 3 4;3\n5 6 7 8;7\n9.0 10 11 255;3\n",
    ],
)
@pytest.mark.parametrize("packed", [False, "gzip", "xz"])
def test_tables_as_people_have_them(tmp_path, text: str, packed) -> None:
    data = text.encode()
    if packed:
        data = (gzip if packed == "gzip" else lzma).compress(data)
    name = "my_test.csv" + {"gzip": ".gz", "xz": ".xz"}.get(packed, "")
    (tmp_path / name).write_bytes(data)
    options = {} if "digit" not in text else {"labels": "digit"}
    idxio.import_dataset(tmp_path / name, tmp_path / "o", **options)
    assert_same(idxio.load(tmp_path / "o", "test").images[:], _PIXELS)
    assert idxio.load(tmp_path / "o", "test").labels.tolist() == [3, 7, 3]


def test_a_table_of_numpys_savetxt(tmp_path) -> None:
    np.savetxt(tmp_path / "a.csv", np.c_[Y, X], delimiter=",")
    idxio.import_dataset(tmp_path / "a.csv", tmp_path / "o")
    assert idxio.load(tmp_path / "o").labels.tolist() == Y.tolist()
    assert np.array_equal(idxio.load(tmp_path / "o").images[:], X.reshape(40, 8, 8))


def test_the_one_column_beside_pixels_holds_the_labels_if_its_values_recur(tmp_path) -> None:
    heading = "kind," + ",".join(f"pixel{i}" for i in range(64))
    kind = table(tmp_path / "a.csv", Y, X, heading=heading)
    with pytest.warns(
        UserWarning, match="took 'kind', the only column beside pixels, for the"
    ) as told:
        idxio.import_dataset(kind, tmp_path / "o")
    assert told[0].filename == __file__  # the line that asked for it, not one of idxio
    assert idxio.load(tmp_path / "o").labels.tolist() == Y.tolist()
    wide = table(tmp_path / "b.csv", np.arange(40) * 3, X, heading=heading)
    refused(wide, tmp_path, "'kind' may be it or not; labels=0")


@pytest.mark.parametrize("heading", [f"label,{_P}\n", ""])
def test_texts_in_a_table_are_classes(tmp_path, heading: str) -> None:
    for split, kinds in (
        ("train", ["dog", " cat ", '"owl, big"'] * 2),
        ("test", ["owl", "dog"] * 2),
    ):
        os.makedirs(tmp_path / "in", exist_ok=True)
        lines = "".join(f"{kind},{2 * i},2,3,4\n" for i, kind in enumerate(kinds))
        (tmp_path / "in" / f"{split}.csv").write_text(heading + lines)
    idxio.import_dataset(tmp_path / "in", tmp_path / "o")
    names = {0: "cat", 1: "dog", 2: "owl", 3: "owl, big"}
    assert idxio.load(tmp_path / "o").class_names == names
    assert idxio.load(tmp_path / "o").labels.tolist() == [1, 0, 3, 1, 0, 3]
    assert idxio.load(tmp_path / "o", "test").labels.tolist() == [2, 1, 2, 1]
    assert idxio.load(tmp_path / "o").images[4].tolist() == [[8, 2], [3, 4]]


def test_a_column_that_says_the_split(tmp_path) -> None:
    """As FER2013 has it."""
    words = ["Training"] * 3 + ["PublicTest"] * 2 + ["PrivateTest", "Training"]
    lines = [f'{i},"{i} 2 3 4",{word}\n' for i, word in enumerate(words)]
    (tmp_path / "a.csv").write_text("emotion, pixels, Usage\n" + "".join(lines))
    idxio.import_dataset(tmp_path / "a.csv", tmp_path / "o")
    for split, labels in (("train", [0, 1, 2, 6]), ("publictest", [3, 4]), ("privatetest", [5])):
        ds = idxio.load(tmp_path / "o", split)
        assert ds.labels.tolist() == ds.images[:, 0, 0].tolist() == labels
    lines = [f"{word},{i},1,2,3,4\n" for i, word in enumerate(words)]
    (tmp_path / "b.csv").write_text(f"split,label,{_P}\n" + "".join(lines))
    assert back(tmp_path / "b.csv", tmp_path) == {"train": 4, "publictest": 2, "privatetest": 1}
    os.mkdir(tmp_path / "in")
    for name in ("train", "test"):
        os.link(tmp_path / "b.csv", tmp_path / "in" / f"{name}.csv")
    refused(tmp_path / "in", tmp_path, "has a column that says train, publictest, privatetest")
    (tmp_path / "b.csv").write_text(f"split,label,{_P}\nmy set,1,1,2,3,4\n")
    refused(tmp_path / "b.csv", tmp_path, "has 'my set' in the column of splits")


def test_a_column_of_pixels_that_the_caller_names(tmp_path) -> None:
    lines = "".join(f"{i},1 2 3 4,5 6 7 8,x\n" for i in range(3))
    (tmp_path / "a.csv").write_text("label,left,right,note\n" + lines)
    refused(tmp_path / "a.csv", tmp_path, "several columns with numbers .*left, right.*--images")
    with pytest.warns(UserWarning, match="left out what is no image or label: left, note"):
        idxio.import_dataset(tmp_path / "a.csv", tmp_path / "o", images="right")
    assert idxio.load(tmp_path / "o").images[0].tolist() == [[5, 6], [7, 8]]
    refused(tmp_path / "a.csv", tmp_path, "has 'x' in the column of images", images="note")
    (tmp_path / "b.csv").write_text("label,pixels\n1,1 2 3 4\n2,1 2 3\n")
    refused(tmp_path / "b.csv", tmp_path, "line 3 has 3 pixels in column 2, expected 4")
    (tmp_path / "b.csv").write_text("label,pixels\n1,1 2 3 4\n2,1 2 3 400\n")
    refused(tmp_path / "b.csv", tmp_path, "line 3: .*'400' to uint8 in column 2")


def test_columns_of_tables_that_are_left_out_are_told(tmp_path) -> None:
    (tmp_path / "a.csv").write_text(f"id,label,{_P},filename\nx1,7,1,2,3,4,a.png\n")
    with pytest.warns(UserWarning, match="left out what is no image or label: id, filename"):
        assert back(tmp_path / "a.csv", tmp_path) == {"train": 1}


def test_labels_that_the_caller_does_not_want_are_left_out(tmp_path) -> None:
    (tmp_path / "a.csv").write_text(f"{_P},label\n1,2,3,4,7\n")
    with pytest.warns(UserWarning, match="left out what is no image or label: label"):
        idxio.import_dataset(tmp_path / "a.csv", tmp_path / "o", labels=False)
    assert os.listdir(tmp_path / "o") == ["train-images-idx3-ubyte.gz"]
    assert idxio.read(tmp_path / "o" / "train-images-idx3-ubyte.gz").tolist() == [[[1, 2], [3, 4]]]


def test_long_fields_of_tables_are_read(tmp_path) -> None:
    """Longer than Python's csv module allows, whose limit stays as it was."""
    limit = csv.field_size_limit()
    pixels = " ".join(["200"] * 250 * 250)
    (tmp_path / "a.csv").write_text(f"label,pixels\n3,{pixels}\n")
    assert back(tmp_path / "a.csv", tmp_path) == {"train": 1}
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("cut", [10, -5])
def test_a_packed_table_that_broke_off_is_refused(tmp_path, cut: int) -> None:
    path = table(tmp_path / "a.csv", Y, X)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(path.read_bytes())[:cut])
    refused(tmp_path / "a.csv.gz", tmp_path, r"a\.csv\.gz: ", idxio.TruncatedError)


@pytest.mark.parametrize("mark", ["utf-16", "utf-16-be"])
def test_a_table_in_utf_16_is_named(tmp_path, mark: str) -> None:
    data = f"label,{_P}\n1,1,2,3,4\n".encode(mark)
    (tmp_path / "a.csv").write_bytes(data if mark == "utf-16" else b"\xfe\xff" + data)
    refused(tmp_path / "a.csv", tmp_path, "is no CSV file but text in UTF-16: save it as UTF-8")


def test_numbers_for_names_are_a_heading(tmp_path):
    (tmp_path / "a.csv").write_text("0,1,2,3,4\n7,9,9,9,9\n")
    assert back(tmp_path / "a.csv", tmp_path, labels="0") == {"train": 1}
    # No pixel is 784, so that no record could be this.
    table(tmp_path / "b.csv", *([7, 7] for _ in range(785)), heading=",".join(map(str, range(785))))
    assert back(tmp_path / "b.csv", tmp_path, labels=0) == {"train": 2}


def test_a_column_that_is_not_there(tmp_path):
    table(tmp_path / "a.csv", Y, X)
    refused(tmp_path / "a.csv", tmp_path, "has 65 columns, so none with the number 65", labels=65)
    refused(tmp_path / "a.csv", tmp_path, "has no column 'digit'", labels="digit")
    refused(tmp_path / "a.csv", tmp_path, "number or the name of a column", ValueError, labels=True)


def test_options_are_never_ignored(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=X.astype(np.uint8), y_train=Y)
    np.save(tmp_path / "a.npy", X.astype(np.uint8))
    os.makedirs(tmp_path / "png" / "train" / "7")
    (tmp_path / "png" / "train" / "7" / "00000.png").write_bytes(picture()["bytes"])
    for options in ({"images": 0}, {"labels": 0}, {"labels": False}, {"config": "a"}):
        (word,) = options
        for name in ("a.npy", "png"):
            refused(tmp_path / name, tmp_path, f"{word} says which", ValueError, **options)
    refused(tmp_path / "a.npz", tmp_path, "config says which", ValueError, config="a")
    refused(tmp_path / "a.npz", tmp_path, "images is the number or", ValueError, images=False)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (["train.csv"], r"is a zip with train\.csv, and no arrays .*: unpack it first"),
        (["gzip/emnist-train-images-idx3-ubyte.gz", "b", "c"], "is a zip with gzip/.* and 2 more"),
        (["m/data.pkl", "m/data/0"], "is a file of torch.save.*np.savez"),
        (["[Content_Types].xml", "xl/workbook.xml"], "is an Excel workbook: save the sheet as CSV"),
        (["mimetype", "content.xml"], "is a document of an office program"),
        (["empty/"], "is an empty zip archive"),
        ([], "is an empty zip archive"),
    ],
)
def test_a_zip_says_what_it_holds(tmp_path, members, message: str) -> None:
    """Alone, or as a table in a folder."""
    (tmp_path / "in").mkdir()
    for name in ("a.npz", "in/train.csv.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member in members:
                archive.writestr(member, b"x")
    refused(tmp_path / "a.npz", tmp_path, rf"a\.npz: {message}")
    if members:  # nothing but an end is no table either
        refused(tmp_path / "in", tmp_path, rf"train\.csv\.zip: {message}")


# --- labels with two axes ---


def test_labels_of_an_npz_become_one_number_each(tmp_path):
    images = X.reshape(40, 8, 8).astype(np.uint8)
    for i, labels in enumerate(
        (Y[:, None], np.eye(10, dtype=np.uint8)[Y], np.eye(10, dtype=np.int64)[Y])
    ):
        np.savez(tmp_path / "a.npz", x_train=images, y_train=labels)
        idxio.import_dataset(tmp_path / "a.npz", tmp_path / str(i))
        assert_same(
            idxio.read(tmp_path / str(i) / "train-labels-idx1-ubyte.gz"), Y.astype(np.uint8)
        )
    wide = np.stack([Y, Y % 5, *[Y + 30] * 6], axis=1).astype(np.int32)
    np.savez(tmp_path / "a.npz", x_train=images, y_train=wide)
    idxio.import_dataset(tmp_path / "a.npz", tmp_path / "qmnist")
    assert_same(idxio.read(tmp_path / "qmnist" / "train-labels-idx2-int.gz"), wide)
    for labels in (wide.astype(np.int64), np.ones((40, 8), np.int32), np.stack([Y, Y], axis=1)):
        np.savez(tmp_path / "a.npz", x_train=images, y_train=labels)
        refused(
            tmp_path / "a.npz",
            tmp_path,
            r"a\.npz: has labels of the shape .* neither one-hot nor QMNIST's",
        )


# --- splits ---


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("mnist_testing", "t10k"), ("mnistTest", "t10k"), ("my-t10k", "t10k"), ("Test", "t10k"), ("TEST_2", "t10k"),
        ("val", "val"), ("my_validation", "val"), ("valid", "val"), ("dev", "val"), ("training", "train"),
        ("digits", "train"), ("mnisttest", None), ("latest", None), ("train_test", None), ("invalid", None),
        ("001", None), ("MNIST-T10K", "t10k"), ("MNISTTest", "t10k"),
    ],
)  # fmt: skip
def test_the_split_of_one_table(tmp_path, name, split):
    (tmp_path / f"{name}.csv").write_text("label,a\n1,2\n")
    if split is None:
        refused(
            tmp_path / f"{name}.csv",
            tmp_path,
            rf"{name}\.csv: (does not say which split|has train and test)",
        )
    else:
        assert back(tmp_path / f"{name}.csv", tmp_path) == {split: 1}


def test_tables_keep_their_names(tmp_path):
    os.mkdir(tmp_path / "in")
    for name in ("train", "test", "dev", "extra"):
        (tmp_path / "in" / f"{name}.csv").write_text("label,a\n" + "1,2\n" * len(name))
    assert back(tmp_path / "in", tmp_path) == {"train": 5, "t10k": 4, "val": 3, "extra": 5}
    (tmp_path / "in" / "my extra.csv").write_text("label,a\n1,2\n")
    refused(tmp_path / "in", tmp_path, r"my extra\.csv: does not say which split it is of")


HUB = {"train": 5, "validation": 3, "test": 2, "unsupervised": 4}
HUB_SPLITS = {"train": 5, "val": 3, "t10k": 2, "unsupervised": 4}


@pytest.mark.parametrize(
    "layout", ["{}-00000-of-00001", "data/{}-00000-of-00001-0a1b2c", "all/{}/0000", "x/data/{}/a1"]
)
def test_layouts_of_the_hub(tmp_path, layout):
    for split, n in HUB.items():
        shard(tmp_path, f"hub/{layout.format(split)}.parquet", n)
    (tmp_path / "hub" / "README.md").write_text("x")
    assert back(tmp_path / "hub", tmp_path) == HUB_SPLITS


def test_a_folder_of_a_split(tmp_path):
    shard(tmp_path, "sub/test/0000.parquet", 2)
    shard(tmp_path, "sub/test/0001.parquet", 3)
    assert back(tmp_path / "sub" / "test", tmp_path) == {"t10k": 5}
    assert back(tmp_path / "sub" / "test" / "0001.parquet", tmp_path) == {"t10k": 3}
    shard(tmp_path, "other/0000.parquet", 2)
    refused(
        tmp_path / "other",
        tmp_path,
        r"0000\.parquet: does not say which split it is of; name it train",
    )
    shard(tmp_path, "sub/test/train-00000-of-00001.parquet", 2)
    refused(tmp_path / "sub", tmp_path, r"train-.*\.parquet: does not say which split")


@pytest.mark.parametrize(
    "layout",
    ["{}-train-00000-of-00001.parquet", "{}/train/0000.parquet", "{}/train-00000-of-00001.parquet"],
)
def test_configurations_are_chosen(tmp_path, layout):
    for name, n in (("a", 2), ("b", 3)):
        shard(tmp_path, f"hub/{layout.format(name)}", n)
    refused(
        tmp_path / "hub",
        tmp_path,
        r"several configurations or datasets: a, b\. Choose one: config='a'",
    )
    assert back(tmp_path / "hub", tmp_path, config="b") == {"train": 3}
    refused(tmp_path / "hub", tmp_path, "has no configuration 'c'; it has a, b", config="c")


@pytest.mark.parametrize(
    ("dtype", "remedy"),
    [
        ("bool", r"array\.astype\('uint8'\)"),
        ("uint16", r"array\.astype\('int32'\)"),
        ("float16", r"array\.astype\('float32'\)"),
        ("int64", "one of these that holds its values$"),
        ("complex64", "one of these that holds its values$"),
    ],
)
def test_the_remedy_for_a_type_loses_nothing(tmp_path, dtype, remedy):
    np.save(tmp_path / "x.npy", np.zeros((2, 2), dtype))
    refused(tmp_path / "x.npy", tmp_path, remedy)


def test_a_csv_shard_alone_is_not_the_whole(tmp_path):
    os.mkdir(tmp_path / "in")
    path = tmp_path / "in" / "train-00001-of-00002.csv"
    path.write_text("label,a\n1,2\n")
    refused(tmp_path / "in", tmp_path, r"has no train-00000-of-00002\.csv; 1 of 2 such files")
    os.rename(path, path.with_name("train-00000-of-00001.csv"))
    assert back(tmp_path / "in", tmp_path) == {"train": 1}


def test_datasets_of_tables_are_chosen(tmp_path):
    os.mkdir(tmp_path / "in")
    for name in ("mnist_train", "mnist_test", "fashion-mnist_train"):
        (tmp_path / "in" / f"{name}.csv").write_text("label,a\n1,2\n")
    refused(tmp_path / "in", tmp_path, "several configurations or datasets: fashion-mnist, mnist")
    assert back(tmp_path / "in", tmp_path, config="mnist") == {"train": 1, "t10k": 1}
    os.rename(tmp_path / "in" / "fashion-mnist_train.csv", tmp_path / "in" / "train.csv")
    refused(
        tmp_path / "in", tmp_path, "several configurations or datasets: mnist and files of none"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("train-00000-of-00001", "train"),
        ("train-00000-of-00001", "data/train-00000-of-00001"),
        ("train_a", "train_b"),
    ],
)
def test_files_that_are_no_parts_of_one_split(tmp_path, one, other):
    for name in (one, other):
        shard(tmp_path, f"hub/{name}.parquet", 2)
    refused(
        tmp_path / "hub", tmp_path, "more than one file for the split train, and no shards of one"
    )


def test_the_same_shard_twice(tmp_path):
    for name in ("train-00000-of-00001", "train-00000-of-00001-0a1b"):
        shard(tmp_path, f"hub/{name}.parquet", 2)
    refused(tmp_path / "hub", tmp_path, r"has the same shard twice: train-00000-of-00001")


def test_parts_come_in_the_order_of_their_numbers(tmp_path):
    for i in (10, 9, 1):
        shard(tmp_path, f"hub/train_{i}.parquet", i)
    idxio.import_dataset(tmp_path / "hub", tmp_path / "back")
    assert idxio.load(tmp_path / "back").labels.tolist() == [*range(1), *range(9), *range(10)]


def test_a_part_of_the_hubs_conversion_that_is_missing(tmp_path):
    for i in (0, 1, 3):
        shard(tmp_path, f"hub/train/{i:04}.parquet", 2)
    refused(tmp_path / "hub", tmp_path, r"has no train/0002\.parquet, and one .* 0003\.parquet")
    os.rename(tmp_path / "hub/train/0003.parquet", tmp_path / "hub/train/0002.parquet")
    assert back(tmp_path / "hub", tmp_path) == {"train": 6}


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["train-1-of-3", "train-2-of-3"], "train-3-of-3"),
        (["train_00_of_12", "train_01_of_12"], "train_02_of_12"),
        (["train-2-of-3", "train-3-of-3"], "train-1-of-3"),
    ],
)
def test_other_programs_parts_are_counted_too(tmp_path, names, missing):
    for name in names:
        shard(tmp_path, f"hub/{name}.parquet", 2)
    refused(tmp_path / "hub", tmp_path, f"has no {missing}.parquet; 2 of")
    if missing.endswith("of-3"):
        shard(tmp_path, f"hub/{missing}.parquet", 2)
        assert back(tmp_path / "hub", tmp_path) == {"train": 6}


def test_one_hot_rows_of_unlike_widths(tmp_path):
    """Pandas' get_dummies leaves out the column of a class that test has not."""
    images = np.zeros((4, 3, 3), np.uint8)
    train, test = np.eye(3, dtype=np.uint8)[[0, 1, 2, 0]], np.eye(2, dtype=np.uint8)[[0, 1, 1, 0]]
    arrays = {"x_train": images, "y_train": train, "x_test": images, "y_test": test}
    np.savez(tmp_path / "a.npz", **arrays)
    (tmp_path / "in").mkdir()
    for name, array in arrays.items():
        np.save(tmp_path / "in" / name, array)
    for source in ("a.npz", "in"):
        refused(tmp_path / source, tmp_path, r"has [23] columns in y_t.* and [23] in y_t")
    np.savez(tmp_path / "b.npz", x_test=images, y_test=test, class_names=["cat", "dog", "eel"])
    refused(tmp_path / "b.npz", tmp_path, "has 2 columns in y_test and 3 in class_names")
    np.savez(tmp_path / "a.npz", **{**arrays, "y_test": np.eye(3, dtype=np.uint8)[[0, 2, 2, 0]]})
    assert back(tmp_path / "a.npz", tmp_path) == {"train": 4, "t10k": 4}
    np.savez(tmp_path / "c.npz", **{**arrays, "x_test": images[:0], "y_test": test[:0]})
    assert back(tmp_path / "c.npz", tmp_path) == {"train": 4, "t10k": 0}  # nothing is moved


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ({"train": 4, "test": 2}, "has no arrays test, of which dataset.json tells"),
        ({"train": 5}, "holds 4 records of the train split, expected 5"),
        ({"test": 2}, r"has the arrays train, of which dataset\.json does not tell"),
    ],
)
def test_records_that_a_description_tells_of_arrays(tmp_path, records, message):
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "x_train", np.zeros((4, 3, 3), np.uint8))
    np.save(tmp_path / "in" / "y_train", np.arange(4))
    (tmp_path / "in" / "dataset.json").write_text(json.dumps({"records": records}))
    refused(tmp_path / "in", tmp_path, message)


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_a_character_that_ends_lines_for_python_alone(tmp_path, character):
    """It stands within a field: what lies before it is no split of its own."""
    rows = [f"a{character}b,{i % 3},1,2,3,4,{('train', 'test')[i % 2]}" for i in range(12)]
    text = "\n".join(["id,label,pixel0,pixel1,pixel2,pixel3,split", *rows, ""])
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    with pytest.warns(UserWarning, match="left out what is no image or label: id"):
        assert back(tmp_path / "a.csv", tmp_path) == {"train": 6, "t10k": 6}


def test_two_formats_in_a_folder(tmp_path):
    shard(tmp_path, "hub/train-00000-of-00001.parquet", 2)
    (tmp_path / "hub" / "test.csv").write_text("label,a\n1,2\n")
    refused(
        tmp_path / "hub",
        tmp_path,
        r"has Parquet \(train-00000-of-00001\.parquet\) and CSV \(test\.csv\)",
    )
    os.unlink(tmp_path / "hub" / "test.csv")
    for name in ("test.npz", "t10k-images-idx3-ubyte.gz", "test.csv.gz"):
        (tmp_path / "hub" / name).write_bytes(b"?")
        refused(
            tmp_path / "hub",
            tmp_path,
            rf"has Parquet .* and \w+ \({re.escape(name)}\)|\w+ \({re.escape(name)}\)",
        )
        os.unlink(tmp_path / "hub" / name)
    os.makedirs(tmp_path / "hub" / "test" / "0")
    refused(tmp_path / "hub", tmp_path, r"has Parquet .* and PNG folders \(test\)")


def test_splits_of_an_npz(tmp_path):
    x, y = np.zeros((4, 3, 3), np.uint8), np.arange(4)
    np.savez(
        tmp_path / "a.npz",
        x_train=x,
        y_train=y,
        x_valid=x[:3],
        y_valid=y[:3],
        x_foo=x[:2],
        y_foo=y[:2],
    )
    assert back(tmp_path / "a.npz", tmp_path) == {"train": 4, "val": 3, "foo": 2}
    for names, message in (
        (
            ["x_train", "y_train", "x_training", "y_training"],
            "both x_train and x_training|both y_train",
        ),
        (["x_train", "y_train", "masks"], "has masks beside x_train.*--images, --labels"),
        (["x_train", "y_train", "fine_labels"], "has fine_labels beside x_train"),
        (["x_train", "y_train", "image_labels"], "has image_labels beside x_train"),
        (["train_images", "train_labels", "y_val"], "has no array x_val"),
        (["images", "labels", "x_val", "y_val"], "has images, whose name says no split"),
        (["x_position"], "has no array y_position"),
        (["weights"], "has the arrays weights; expected x_train"),
        (["images", "data", "target"], "has both images and data.*--images data"),
        (["x_train", "y_train", "x_val"], "has no array y_val"),
        (["x_train", "y_train", "x_My set", "y_My set"], "'My set' is no name for a split"),
        (["x_train", "y_train", "x_my_val", "y_my_val"], "'my_val' is no name for a split"),
    ):
        np.savez(tmp_path / "a.npz", **{name: x if name[0] == "x" else y for name in names})
        refused(tmp_path / "a.npz", tmp_path, message)


PAIR = {"train": 4, "t10k": 3, "val": 2}


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("x_{}", "y_{}"), ("X_{}", "y_{}"), ("{}_images", "{}_labels"), ("{}_x", "{}_y"),
        ("images_{}", "labels_{}"), ("{}X", "{}Y"), ("{}_data", "{}_target"), ("{}_img", "{}_class"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["npz", "npy", "files"])
def test_names_of_arrays_in_use(tmp_path, x: str, y: str, kind: str) -> None:
    """As of Keras, MedMNIST, scikit-learn and Kannada-MNIST, in one archive or a file for each."""
    arrays = {}
    for word, n in (("train", 4), ("test", 3), ("val", 2)):
        arrays[x.format(word)] = np.full((n, 3, 3), n, np.uint8)
        arrays[y.format(word)] = np.arange(n)[:, None]
    source = tmp_path / "in"
    source.mkdir()
    if kind == "npz":
        source /= "a.npz"
        np.savez(source, **arrays)
    for name, array in arrays.items() if kind != "npz" else ():
        if kind == "npy":
            np.save(source / f"{name}.npy", array)
        else:
            np.savez(source / f"my-{name}.npz", array)  # as arr_0
    assert back(source, tmp_path) == PAIR


@pytest.mark.parametrize("pair", ["images labels", "data target", "X y", "img label"])
@pytest.mark.parametrize(("file", "split"), [("a", "train"), ("my_test", "t10k")])
def test_arrays_without_a_split_in_their_name(tmp_path, pair: str, file: str, split: str) -> None:
    x, y = pair.split()
    np.savez(tmp_path / f"{file}.npz", **{x: X.astype(np.uint8), y: Y})
    assert back(tmp_path / f"{file}.npz", tmp_path, shape=(8, 8)) == {split: 40}


@pytest.mark.parametrize("options", [{"images": 0, "labels": 1}, {"images": "a", "labels": "b"}])
def test_arrays_that_the_caller_names(tmp_path, options) -> None:
    x = X.reshape(40, 8, 8).astype(np.uint8)
    np.savez(tmp_path / "one.npz", a=x, b=Y, c=Y)
    with pytest.warns(UserWarning, match="left out what is no image or label: c"):
        assert back(tmp_path / "one.npz", tmp_path, **options) == {"train": 40}
    np.savez(tmp_path / "two.npz", a_train=x, b_train=Y, a_test=x[:9], b_test=Y[:9])
    if options["images"] == "a":
        assert back(tmp_path / "two.npz", tmp_path, **options) == {"train": 40, "t10k": 9}
    refused(tmp_path / "two.npz", tmp_path, "has no array 'zebra'|has the arrays", images="zebra")
    np.savez(tmp_path / "cifar.npz", x=x, fine_labels=Y, coarse_labels=Y // 5)
    with pytest.warns(UserWarning, match="coarse_labels"):
        idxio.import_dataset(
            tmp_path / "cifar.npz", tmp_path / "c", images="x", labels="fine_labels"
        )
    assert idxio.load(tmp_path / "c").labels.tolist() == Y.tolist()


def test_arrays_without_labels_are_images_alone(tmp_path) -> None:
    x = X.reshape(40, 8, 8).astype(np.uint8)
    np.savez(tmp_path / "kmnist-test-imgs.npz", x)
    np.savez(tmp_path / "b.npz", x_train=x)
    np.savez(tmp_path / "c.npz", x_train=x, y_train=Y)
    for name, split in (("kmnist-test-imgs", "t10k"), ("b", "train"), ("c", "train")):
        options = {"labels": False} if name == "c" else {}
        idxio.import_dataset(tmp_path / f"{name}.npz", tmp_path / name, **options)
        assert os.listdir(tmp_path / name) == [f"{split}-images-idx3-ubyte.gz"]
    np.savez(tmp_path / "kmnist-test-labels.npz", Y)
    refused(tmp_path / "kmnist-test-labels.npz", tmp_path, "has no array that belongs to arr_0")


def test_several_datasets_of_arrays_are_chosen(tmp_path) -> None:
    x = X.reshape(40, 8, 8).astype(np.uint8)
    (tmp_path / "in").mkdir()
    for name, n in (("kmnist", 7), ("k49", 9)):
        np.savez(tmp_path / "in" / f"{name}-train-imgs.npz", x[:n])
        np.savez(tmp_path / "in" / f"{name}-train-labels.npz", Y[:n])
    refused(tmp_path / "in", tmp_path, "several configurations or datasets: k49, kmnist")
    assert back(tmp_path / "in", tmp_path, config="k49") == {"train": 9}
    np.save(tmp_path / "in" / "notes.npy", Y)
    refused(tmp_path / "in", tmp_path, "has notes beside", config="k49")


def test_texts_are_classes_in_the_order_of_the_alphabet(tmp_path) -> None:
    x = X.reshape(40, 8, 8).astype(np.uint8)
    path = tmp_path / "a.npz"
    texts = np.array(["dog", "cat", "owl"])
    np.savez(path, x_train=x[:3], y_train=texts, x_test=x[:2], y_test=texts[[2, 0]])
    idxio.import_dataset(path, tmp_path / "o")
    ds = idxio.load(tmp_path / "o", "test")
    assert ds.labels.tolist() == [2, 1]  # as in train, which has more classes
    assert ds.class_names == {0: "cat", 1: "dog", 2: "owl"}
    np.savez(path, x_train=x[:3], y_train=np.array(["10", "9", "2"]))
    idxio.import_dataset(path, tmp_path / "numbers")
    assert idxio.load(tmp_path / "numbers").labels.tolist() == [10, 9, 2]
    np.savez(path, x_train=x[:3], y_train=np.array(["10", "9", "cat"]))
    refused(path, tmp_path, r"labels that are numbers \(10\) and others that are texts \('cat'\)")
    np.savez(path, x_train=x[:3], y_train=texts, x_test=x[:2], y_test=np.array([0, 1]))
    refused(path, tmp_path, "numbers in another split.*'cat'")
    names = {"class_names": np.array(["dog", "cat"]), "class_labels": np.array([3, 5])}
    np.savez(path, x_train=x[:2], y_train=texts[:2], **names)
    idxio.import_dataset(path, tmp_path / "named")
    assert idxio.load(tmp_path / "named").labels.tolist() == [3, 5]
    np.savez(path, x_train=x[:3], y_train=texts, **names)
    refused(path, tmp_path, "has the label 'owl', and .* no such class")


def test_splits_of_png_folders(tmp_path):
    for split, n in HUB.items():
        os.makedirs(tmp_path / "png" / split / "0")
        for i in range(n):
            (tmp_path / "png" / split / "0" / f"{i:05}.png").write_bytes(picture()["bytes"])
    assert back(tmp_path / "png", tmp_path) == HUB_SPLITS
    os.rename(tmp_path / "png" / "unsupervised", tmp_path / "png" / "un supervised")
    refused(tmp_path / "png", tmp_path, "has the folder 'un supervised', which names no split")


def test_tables_that_an_export_stated(tmp_path):
    """Names of splits that are known from the `dataset.json` alone, and files that are missing or
    cut short.
    """
    (tmp_path / "data").mkdir()
    for split, n in (("latest", 3), ("pretrain", 4)):
        idxio.write(tmp_path / "data" / f"{split}-images-idx3-ubyte", np.zeros((n, 2, 2), np.uint8))
        idxio.write(tmp_path / "data" / f"{split}-labels-idx1-ubyte", np.arange(n, dtype=np.uint8))
    idxio.export_dataset(tmp_path / "data", tmp_path / "out", to="csv")
    assert json.loads((tmp_path / "out" / "dataset.json").read_text())["records"] == {
        "latest": 3,
        "pretrain": 4,
    }
    assert back(tmp_path / "out", tmp_path) == {"latest": 3, "pretrain": 4}
    assert back(tmp_path / "out" / "latest.csv", tmp_path) == {"latest": 3}
    whole = (tmp_path / "out" / "latest.csv").read_text()
    (tmp_path / "out" / "latest.csv").write_text(whole[:-10])
    refused(tmp_path / "out", tmp_path, "holds 2 records of the latest split, expected 3")
    os.unlink(tmp_path / "out" / "latest.csv")
    refused(tmp_path / "out", tmp_path, r"has no file latest, of which dataset\.json tells")


def test_a_table_that_was_not_exported_with_the_others(tmp_path):
    """As one that is left of another dataset is, whose classes have other names."""
    _described_tables(tmp_path / "t")
    assert back(tmp_path / "t", tmp_path) == {"train": 3, "latest": 2}
    (tmp_path / "t" / "val.csv").write_text("label,a\n1,2\n")
    why = (
        r"has the file val\.csv, of which dataset\.json does not tell, so that its labels may mean"
    )
    refused(tmp_path / "t", tmp_path, why)
    assert back(tmp_path / "t" / "val.csv", tmp_path) == {"val": 1}
    (tmp_path / "t" / "dataset.json").write_text('{"class_names": ["cat", "dog"]}')
    (tmp_path / "t" / "latest.csv").unlink()  # only records told that "test" in it is no split
    assert back(tmp_path / "t", tmp_path) == {"train": 3, "val": 1}


def _described_tables(folder, names=("cat", "dog")) -> None:
    """Two tables of two classes as export writes them, one with a name of its own."""
    folder.mkdir(parents=True)
    for split, n in (("train", 3), ("latest", 2)):
        (folder / f"{split}.csv").write_text("label,a\n" + "1,2\n" * n)
    (folder / "dataset.json").write_text(
        json.dumps({"class_names": names, "records": {"train": 3, "latest": 2}})
    )


@pytest.mark.parametrize(
    ("place", "options"),
    [("mine", {}), ("data", {}), ("a/data", {"config": "a"}), ("a/b/c", {})],
)
def test_a_description_below_the_named_folder_counts(tmp_path, place: str, options) -> None:
    """As does one beside the tables that are named themselves."""
    top = tmp_path / "top"
    _described_tables(top / place)
    if options:
        _described_tables(top / "b" / "data", ("owl", "cow"))
    idxio.import_dataset(top, tmp_path / "o", **options)
    assert idxio.load(tmp_path / "o").class_names == {0: "cat", 1: "dog"}
    (top / place / "train.csv").write_text("label,a\n1,2\n")
    refused(top, tmp_path, "holds 1 records of the train split, expected 3", **options)
    (top / place / "train.csv").unlink()
    refused(top, tmp_path, r"has no file train, of which dataset\.json tells", **options)


def test_a_description_above_the_tables_counts(tmp_path) -> None:
    _described_tables(tmp_path / "top" / "data")
    os.rename(tmp_path / "top" / "data" / "dataset.json", tmp_path / "top" / "dataset.json")
    idxio.import_dataset(tmp_path / "top", tmp_path / "o")
    assert idxio.load(tmp_path / "o").class_names == {0: "cat", 1: "dog"}


def test_descriptions_that_number_classes_in_different_ways_are_refused(tmp_path) -> None:
    for split, names in (("train", ["cat", "dog"]), ("test", ["dog", "cat"])):
        (tmp_path / "in" / split).mkdir(parents=True)
        (tmp_path / "in" / split / "a.csv").write_text("label,a\n1,2\n")
        (tmp_path / "in" / split / "dataset.json").write_text(json.dumps({"class_names": names}))
    refused(tmp_path / "in", tmp_path, r"train.dataset\.json: calls the class 0 'cat', and .*'dog'")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_names_in_a_description_without_counts_go_along(tmp_path, kind: str) -> None:
    (tmp_path / "in").mkdir()
    if kind == "csv":
        (tmp_path / "in" / "train.csv").write_text("label,a\n1,2\n")
    else:
        _parquet(tmp_path / "in" / "train.parquet")
    (tmp_path / "in" / "dataset.json").write_text('{"class_names": ["cat", "dog"]}')
    idxio.import_dataset(tmp_path / "in", tmp_path / "o")
    assert idxio.load(tmp_path / "o").class_names == {0: "cat", 1: "dog"}


def test_names_in_a_description_without_counts_are_those_of_one_table_too(tmp_path) -> None:
    """As of the folder, or the same texts would get other numbers. One that tells of files is about
    those.
    """
    table = tmp_path / "train.csv"
    table.write_text("label,a\ncat,1\ndog,2\n")
    for name, more, labels in (("o", {}, [1, 0]), ("p", {"files": {"x-labels": {}}}, [0, 1])):
        described = {"class_names": ["dog", "cat"], **more}
        (tmp_path / "dataset.json").write_text(json.dumps(described))
        idxio.import_dataset(table, tmp_path / name)
        found = idxio.load(tmp_path / name)
        assert found.labels.tolist() == labels
        assert [found.class_names[label] for label in labels] == ["cat", "dog"]


@pytest.mark.parametrize("suffix", ["npy", "npz"])
@pytest.mark.parametrize("labels", [["cat", "dog"], [1, 0]])
def test_names_in_a_description_beside_arrays_go_along(tmp_path, suffix, labels) -> None:
    (tmp_path / "in").mkdir()
    for name, array in (("x_train", np.zeros((2, 2, 2), np.uint8)), ("y_train", labels)):
        if suffix == "npy":
            np.save(tmp_path / "in" / f"{name}.npy", array)
        else:
            np.savez(tmp_path / "in" / f"{name}.npz", array)
    (tmp_path / "in" / "dataset.json").write_text('{"class_names": ["dog", "cat"]}')
    idxio.import_dataset(tmp_path / "in", tmp_path / "o")
    found = idxio.load(tmp_path / "o")
    assert (found.labels.tolist(), found.class_names) == ([1, 0], {0: "dog", 1: "cat"})
    names = np.array(["cat", "dog"])
    np.savez(tmp_path / "in" / "y_train.npz", np.array(labels), class_names=names)
    (tmp_path / "in" / "y_train.npy").unlink(missing_ok=True)
    refused(tmp_path / "in", tmp_path, r"dataset\.json: calls the class 0 'dog', and .* 'cat'")


def test_a_split_whose_name_other_formats_can_not_have(tmp_path):
    idxio.write(tmp_path / "my set-images-idx3-ubyte", np.zeros((2, 2, 2), np.uint8))
    idxio.write(tmp_path / "my set-labels-idx1-ubyte", np.zeros(2, np.uint8))
    with pytest.raises(idxio.FormatError, match=r"is of the split 'my set'.*rename its files"):
        idxio.export_dataset(tmp_path, tmp_path / "a.npz")


# --- shapes ---


@pytest.mark.parametrize(
    "shape", [(3, 32, 32), (64, 16), (28, 28, 4), (27, 3), (32, 32, 3), (28, 28, 1), (2, 2, 2, 2)]
)
def test_a_table_keeps_the_shape(tmp_path, shape):
    """Also where the same number of pixels would make a square, and where one file is taken alone."""
    images = np.random.default_rng(1).integers(0, 256, (6, *shape), np.uint8)
    idxio.write(tmp_path / f"train-images-idx{images.ndim}-ubyte", images)
    idxio.write(tmp_path / "train-labels-idx1-ubyte", np.arange(6, dtype=np.uint8))
    idxio.export_dataset(tmp_path, tmp_path / "out", to="csv")
    for source in ("out", "out/train.csv"):
        idxio.import_dataset(tmp_path / source, tmp_path / "back" / source)
        assert np.array_equal(idxio.load(tmp_path / "back" / source).images[:], images)
    idxio.import_dataset(tmp_path / "out", tmp_path / "more", shape=shape)
    refused(tmp_path / "out", tmp_path / "x", r"by its heading, not", shape=shape[::-1] + (1,))


def test_colours_are_no_guess(tmp_path):
    """CIFAR's tables have all red first; others have red, green and blue of each pixel together."""
    table(
        tmp_path / "a.csv",
        Y,
        np.tile(X, 3),
        heading="label," + ",".join(f"pixel{i}" for i in range(192)),
    )
    refused(
        tmp_path / "a.csv",
        tmp_path,
        r"no square image in grey: give the shape .*: \(8, 8, 3\) if .*\(3, 8, 8\) if",
    )
    for shape in ((8, 8, 3), (3, 8, 8)):
        idxio.import_dataset(tmp_path / "a.csv", tmp_path / str(shape), shape=shape)
        assert np.array_equal(
            idxio.load(tmp_path / str(shape)).images[:], np.tile(X, 3).reshape(40, *shape)
        )


def test_a_shape_is_never_ignored(tmp_path):
    flat = X.astype(np.uint8)
    np.savez(tmp_path / "flat.npz", x_train=flat, y_train=Y)
    np.save(tmp_path / "flat.npy", flat)
    np.savez(tmp_path / "cubes.npz", x_train=flat.reshape(40, 8, 8), y_train=Y)
    shard(tmp_path, "hub/train-00000-of-00001.parquet", 2)
    for name, shape in (("flat.npz", (4, 16)), ("cubes.npz", (8, 8)), ("hub", (4, 4))):
        idxio.import_dataset(tmp_path / name, tmp_path / f"{name}.out", shape=shape)
        assert idxio.load(tmp_path / f"{name}.out").images.shape[1:] == shape
    idxio.import_dataset(tmp_path / "flat.npy", tmp_path / "flat", shape=[8, 8])
    assert np.array_equal(idxio.read(tmp_path / "flat"), flat.reshape(40, 8, 8))
    for name in ("flat.npz", "flat.npy", "cubes.npz", "hub"):
        refused(
            tmp_path / name,
            tmp_path,
            r"has images of the shape \(.*\), not \(5, 13\)",
            shape=(5, 13),
        )
    refused(tmp_path / "cubes.npz", tmp_path, "has images of the shape", shape=(64,))


COLOURS = np.random.default_rng(7).integers(0, 256, (5, 8, 8, 3), np.uint8)


def _colours(path, images, kind: str):
    """Images in a file of any kind, flat or not, with labels that recur."""
    labels = np.array([1, 0, 1, 0, 1])
    if kind == "npz":
        np.savez(path / "a.npz", x=images, y=labels)
        return path / "a.npz"
    if kind == "npy":
        np.save(path / "a.npy", images)
        return path / "a.npy"
    if kind == "csv":
        flat = images.reshape(5, -1)
        heading = "label," + ",".join(f"pixel{i}" for i in range(flat.shape[1]))
        return table(path / "a.csv", labels, flat, heading=heading)
    lists = pyarrow.table({"image": images.tolist(), "label": labels})
    pyarrow.parquet.write_table(lists, path / "a.parquet")
    return path / "a.parquet"


@pytest.mark.parametrize("kind", ["npz", "npy", "csv", "parquet"])
@pytest.mark.parametrize("is_flat", [False, True])
@pytest.mark.parametrize("layout", ["chw", "hwc"])
@pytest.mark.parametrize("has_shape", [False, True])
def test_layout_means_the_same_in_every_format(
    tmp_path, kind: str, is_flat: bool, layout: str, has_shape: bool
) -> None:
    images = COLOURS.transpose(0, 3, 1, 2) if layout == "chw" else COLOURS
    shape = images.shape[1:] if has_shape else None
    source = _colours(tmp_path, images.reshape(5, -1) if is_flat else images, kind)
    idxio.import_dataset(source, tmp_path / "o", layout=layout, shape=shape)
    found = tmp_path / "o" if kind == "npy" else tmp_path / "o" / "train-images-idx4-ubyte.gz"
    assert_same(idxio.read(found), COLOURS)


@pytest.mark.parametrize("kind", ["npz", "npy", "csv", "parquet"])
@pytest.mark.parametrize("layout", ["chw", "hwc"])
def test_one_channel_is_grey(tmp_path, kind: str, layout: str) -> None:
    grey = COLOURS[..., 0]
    images = grey[:, None] if layout == "chw" else grey[..., None]
    source = _colours(tmp_path, images, kind)
    idxio.import_dataset(source, tmp_path / "o", layout=layout, shape=images.shape[1:])
    found = tmp_path / "o" if kind == "npy" else tmp_path / "o" / "train-images-idx3-ubyte.gz"
    assert_same(idxio.read(found), grey)


@pytest.mark.parametrize("kind", ["npz", "npy", "csv", "parquet"])
def test_a_layout_that_the_images_can_not_have_is_refused(tmp_path, kind: str) -> None:
    source = _colours(tmp_path, COLOURS, kind)
    shape = COLOURS.shape[1:]
    refused(source, tmp_path, r"\(8, 8, 3\), of which layout='chw'", layout="chw", shape=shape)
    grey = _colours(tmp_path, COLOURS[..., 0], kind)
    refused(grey, tmp_path, "no square image of red|of which layout='hwc'", layout="hwc")
    refused(grey, tmp_path, "layout is 'chw' or 'hwc'", ValueError, layout="HWC")


# --- the command ---


def test_the_options_of_the_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table("a.csv", np.arange(40), X)
    assert main(["import", "a.csv", "out"]) == 1
    assert "(--labels)" in capsys.readouterr().err
    table("b.csv", X[:, 1], X, heading="digit," + ",".join(f"pixel{i}" for i in range(64)))
    for labels in ("0", "-65", "digit"):
        assert main(["import", "b.csv", f"out{labels}", f"--labels={labels}"]) == 0
        assert idxio.load(f"out{labels}").labels.tolist() == X[:, 1].tolist()
    capsys.readouterr()
    table("none.csv", X)
    assert main(["import", "none.csv", "alone", "--labels", "none"]) == 0
    assert capsys.readouterr().out.startswith("alone/train-images-idx3-ubyte.gz: ")
    for name in ("a", "b"):
        shard(tmp_path, f"hub/{name}/train/0000.parquet", 2)
    assert main(["import", "hub", "no"]) == 1
    assert "(--config a)" in capsys.readouterr().err
    assert main(["import", "hub", "yes", "--config", "a"]) == 0
    np.savez("a.npz", x_train=X.astype(np.uint8), y_train=Y)
    assert main(["import", "a.npz", "npz", "--images", "x_train", "--labels", "-1"]) == 0
    assert idxio.load("npz").labels.tolist() == Y.tolist()
    np.save("chw.npy", COLOURS.transpose(0, 3, 1, 2))
    assert main(["import", "chw.npy", "hwc", "--layout", "chw", "--shape", "3x8x8"]) == 0
    assert idxio.open("hwc").shape == COLOURS.shape
    assert main(["import", "a.npz", "no", "--config", "0"]) == 2
    assert "config says which one of several datasets" in capsys.readouterr().err
    assert not os.path.exists("no")


_ROWS = "3,1,2,3,4,5,6\n5,7,8,9,10,11,12\n"


@pytest.mark.parametrize(
    ("pixels", "match"),
    [
        ("p1,p10,p2,p3,p4,p5", "'p10' behind 'p1'"),  # sorted by name
        ("p5,p4,p3,p2,p1,p0", "'p5' first"),
        ("p0,p0,p1,p2,p3,p4", "'p0' behind 'p0'"),
        ("p0,p1,p2,p3,p4,p6", "'p6' behind 'p4'"),  # one was left out
        ("p1,p1,p1,p1,p1,p1", "'p1' behind 'p1'"),
        ("1x1,2x1,3x1,1x2,2x2,3x2", "'2x1' behind '1x1'"),  # column by column
        ("r0c0,r1c0,r2c0,r0c1,r1c1,r2c1", "'r1c0' behind 'r0c0'"),
    ],
)
def test_pixels_in_another_order_than_their_names_are_refused(
    tmp_path, pixels: str, match: str
) -> None:
    table = tmp_path / "train.csv"
    table.write_text(f"label,{pixels}\n{_ROWS}")
    with pytest.raises(idxio.FormatError, match=match):
        idxio.import_dataset(table, tmp_path / "o", shape=(2, 3))
    assert not (tmp_path / "o").exists()


def test_names_of_pixels_tell_the_shape_even_of_as_many_as_a_square_has(tmp_path) -> None:
    table = tmp_path / "train.csv"
    table.write_text(
        f"label,{','.join(f'r{y}c{x}' for y in range(2) for x in range(8))}\n3{',9' * 16}\n"
    )
    with pytest.raises(idxio.FormatError, match=r"2 x 8.*--shape"):
        idxio.import_dataset(table, tmp_path / "o")
    idxio.import_dataset(table, tmp_path / "o", shape=(2, 8))
    assert idxio.load(tmp_path / "o").images.shape == (1, 2, 8)


@pytest.mark.parametrize("field", ["cat", "", "3.5", "1e-1", "nan", "1_0"])
@pytest.mark.parametrize("place", [0, -1])
def test_a_first_record_that_is_damaged_is_no_heading(tmp_path, field: str, place: int) -> None:
    first = ["7", "1", "9", "4", "5"]
    first[place] = field
    table = tmp_path / "train.csv"
    table.write_text(f"{','.join(first)}\n5,7,8,9,3\n3,4,5,6,5\n")
    with pytest.raises(idxio.FormatError, match="line 1"):
        idxio.import_dataset(table, tmp_path / "o", labels=place)


@pytest.mark.parametrize(
    ("first", "labels"),
    [
        ("7,?,?,?,?", 0),
        ("7,NA,NA,NA,4", 0),
        ("7,,,,", 0),
        ("?,?,?,?,?", 0),
        ("#,#,#,#,#", 0),
        ("none,none,none,none,7", -1),
        ("missing,missing,missing,missing,7", -1),
        ("cat,missing,missing,missing,missing", 0),
        ("?,1,2,3,4", 0),
        (",1,2,3,4", 0),
        ("7,cat,dog,cow,owl", 0),
        ("7,1e0,2e0,3e0,4e-1", 0),
        ("-1,0,1,2,3", 0),
        ("-1,0,1,2,3", False),
        ("0,1,2,3,-1", -1),
        ("1.0,2.0,3.0,4.0,5.0", 0),
        ("1.0,2.0,3.0,4.0,5.0", False),
        (".1,.2,.3,.4,.5", 0),
        ("nan,inf,nan,inf,nan", 0),
    ],
)
def test_a_first_record_without_its_numbers_is_no_heading(
    tmp_path, first: str, labels: int | bool
) -> None:
    (tmp_path / "a.csv").write_text(f"{first}\n3,1,2,3,5\n4,1,2,3,5\n")
    shape = (5,) if labels is False else (4,)
    refused(tmp_path / "a.csv", tmp_path, "line 1|label -1 at record 0", labels=labels, shape=shape)


def test_signs_make_no_heading_of_a_record(tmp_path) -> None:
    (tmp_path / "a.csv").write_text("+1,+2,+3,+4,+5\n4,1,2,3,5\n")
    assert back(tmp_path / "a.csv", tmp_path, labels=0) == {"train": 2}


@pytest.mark.parametrize(
    "first",
    [
        "digit,a,b,c,d",
        "digit,0,1,2,3",
        "digit,1,2,3,4",
        "label,x,x,x,x",
        "digit,1_1,1_2,2_1,2_2",
        "digit,1x1,1x2,2x1,2x2",
        "digit,(0;0),(0;1),(1;0),(1;1)",
        '"digit","V1","V2","V3","V4"',
    ],
)
def test_names_of_columns_are_a_heading(tmp_path, first: str) -> None:
    (tmp_path / "a.csv").write_text(f"{first}\n3,1,2,3,5\n4,1,2,3,5\n")
    assert back(tmp_path / "a.csv", tmp_path, labels=0) == {"train": 2}


@pytest.mark.parametrize("labels", ["0", "7"])
def test_labels_by_name_need_a_heading(tmp_path, labels: str) -> None:
    """A record may happen to hold the number that is asked for, in another column."""
    (tmp_path / "a.csv").write_text("3,1,7,0,5\n4,1,2,3,5\n")
    refused(tmp_path / "a.csv", tmp_path, "no column .* no heading.*labels=0", labels=labels)


def test_npz_with_one_label_for_two_names_is_refused(tmp_path) -> None:
    x, y = np.zeros((2, 3, 3), np.uint8), np.arange(2)
    np.savez(
        tmp_path / "a.npz",
        x_train=x,
        y_train=y,
        class_names=np.array(["a", "b"]),
        class_labels=np.array([0, 0]),
    )
    with pytest.raises(idxio.FormatError, match="class_labels has a label twice"):
        idxio.import_dataset(tmp_path / "a.npz", tmp_path / "o")


def test_npz_with_labels_of_names_that_are_not_there_is_refused(tmp_path) -> None:
    arrays = {"x_train": np.zeros((2, 3, 3), np.uint8), "y_train": np.arange(2)}
    np.savez(tmp_path / "a.npz", **arrays, class_labels=np.array([0, 1]))
    refused(tmp_path / "a.npz", tmp_path, "has class_labels and no class_names")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("name", "match"), [("x_train.npy", "x_train twice"), ("x_val.csv", "x_val.csv beside")]
)
def test_npz_with_a_member_that_would_be_left_out_is_refused(
    tmp_path, name: str, match: str
) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x_train=np.zeros((2, 3, 3), np.uint8), y_train=np.arange(2))
    member = io.BytesIO()
    np.save(member, np.ones((2, 3, 3), np.uint8))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, member.getvalue())
    with pytest.raises(idxio.FormatError, match=match):
        idxio.import_dataset(path, tmp_path / "o")


def test_npz_of_one_number_for_each_image_is_refused(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", x_train=np.zeros(2, np.uint8), y_train=np.arange(2))
    with pytest.raises(idxio.FormatError, match="one number for each image"):
        idxio.import_dataset(tmp_path / "a.npz", tmp_path / "o")
    assert not (tmp_path / "o").exists()


def test_dataset_json_with_one_label_written_in_two_ways_is_refused(tmp_path) -> None:
    idxio.write(tmp_path / "train-images-idx3-ubyte", np.zeros((2, 3, 3), np.uint8))
    idxio.write(tmp_path / "train-labels-idx1-ubyte", np.arange(2, dtype=np.uint8))
    (tmp_path / "dataset.json").write_text('{"class_names": {"0": "a", "1": "b", "01": "c"}}')
    with pytest.raises(idxio.FormatError, match="written in two ways"):
        idxio.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('{"class_names": {"0": "cat", "0": "dog"}}', "0"),
        ('{"class_names": ["cat"], "class_names": ["dog"]}', "class_names"),
        ('{"records": {"train": 1, "train": 2}}', "train"),
    ],
)
def test_dataset_json_with_a_key_twice_is_refused(tmp_path, text: str, key: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "train.csv").write_text("label,a\n0,2\n")
    (tmp_path / "in" / "dataset.json").write_text(text)
    message = rf"dataset\.json: is no JSON object \(the key '{key}' is there twice"
    refused(tmp_path / "in", tmp_path, message)
    idxio.write(tmp_path / "in" / "train-images-idx3-ubyte", np.zeros((2, 3, 3), np.uint8))
    idxio.write(tmp_path / "in" / "train-labels-idx1-ubyte", np.arange(2, dtype=np.uint8))
    with pytest.raises(idxio.FormatError, match=message):
        idxio.load(tmp_path / "in")


def test_a_mapping_of_emnist_with_a_label_twice_is_refused(tmp_path) -> None:
    idxio.write(tmp_path / "emnist-mnist-train-images-idx3-ubyte", np.zeros((2, 3, 3), np.uint8))
    idxio.write(tmp_path / "emnist-mnist-train-labels-idx1-ubyte", np.arange(2, dtype=np.uint8))
    (tmp_path / "emnist-mnist-mapping.txt").write_text("0 48\n1 49\n1 50\n")
    with pytest.raises(idxio.FormatError, match="the label 1 is there twice"):
        idxio.load(tmp_path)


_FEATURES = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}


@pytest.mark.parametrize("broken", [b"{", b"\xff", b"[]", b"{}", b'{"class_names": 3}'])
def test_damaged_names_in_parquet_are_those_of_the_features_or_refused(
    tmp_path, broken: bytes
) -> None:
    _parquet(tmp_path / "train.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "train.parquet")
    both = {"idxio": broken, "huggingface": json.dumps(_FEATURES)}
    pyarrow.parquet.write_table(table.replace_schema_metadata(both), tmp_path / "train.parquet")
    idxio.import_dataset(tmp_path / "train.parquet", tmp_path / "o")
    assert idxio.load(tmp_path / "o").class_names == {0: "cat", 1: "dog"}
    alone = table.replace_schema_metadata({"idxio": broken})
    pyarrow.parquet.write_table(alone, tmp_path / "train.parquet")
    refused(tmp_path / "train.parquet", tmp_path, r"train\.parquet: has metadata 'idxio' whose")


def test_names_in_parquet_that_disagree_are_refused(tmp_path) -> None:
    """As where another program gave the features other names."""
    _parquet(tmp_path / "train.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "train.parquet")
    for names, is_good in (
        ({"1": "dog", "-1": "none"}, True),
        (["dog", "cat"], False),
        ({"2": "owl"}, False),
    ):
        both = {
            "idxio": json.dumps({"class_names": names}),
            "huggingface": json.dumps(_FEATURES),
        }
        pyarrow.parquet.write_table(table.replace_schema_metadata(both), tmp_path / "train.parquet")
        if is_good:
            idxio.import_dataset(tmp_path / "train.parquet", tmp_path / "o")
            assert idxio.load(tmp_path / "o").class_names == {1: "dog", -1: "none"}
        else:
            refused(
                tmp_path / "train.parquet", tmp_path, r"train\.parquet: calls the class \d 'd?o"
            )


@pytest.mark.parametrize(
    ("features", "is_good"),
    [
        ("{", False),
        ('{"info": {"features": {"label": {"names": "cat"}}}}', False),
        ('{"info": {"features": {"label": {"names": ["cat", null]}}}}', False),
        ('{"info": {"features": {"label": {"names": ["cat", "cow"], "names": ["a"]}}}}', False),
        ('{"info": {"features": {"label": {"dtype": "int64", "_type": "Value"}}}}', True),
        ('{"info": {"features": {"digit": {}}}}', True),
        ("{}", True),
        ('{"info": null}', True),
    ],
)
def test_damaged_features_of_parquet_are_refused(tmp_path, features: str, is_good: bool) -> None:
    _parquet(tmp_path / "train.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "train.parquet")
    table = table.replace_schema_metadata({"huggingface": features})
    pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
    if is_good:
        assert back(tmp_path / "train.parquet", tmp_path) == {"train": 2}
    else:
        refused(tmp_path / "train.parquet", tmp_path, "has metadata 'huggingface' whose names")


def test_a_label_of_parquet_beyond_int64_is_told_as_it_is(tmp_path) -> None:
    far = pyarrow.array([1, (1 << 63) + 5], pyarrow.uint64())
    table = pyarrow.table({"image": [picture()] * 2, "label": far})
    pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
    refused(tmp_path / "train.parquet", tmp_path, "row 1 has the label 9223372036854775813")


def _parquet(path, names=None, frames=1, **saved) -> None:
    picture = io.BytesIO()
    first = Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4))
    more = (
        {"save_all": True, "append_images": [Image.new("L", (4, 4), 9)] * (frames - 1)}
        if frames > 1
        else {}
    )
    first.save(picture, "PNG", **more, **saved)
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    rows = pyarrow.array([{"bytes": picture.getvalue(), "path": None}] * 2, kind)
    table = pyarrow.table({"image": rows, "label": [0, 1]})
    if names:
        features = {"info": {"features": {"label": {"names": names}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(features)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path)


def test_columns_of_parquet_that_are_left_out_are_told(tmp_path, capsys) -> None:
    _parquet(tmp_path / "a.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    for name in ("coarse_label", "mask"):
        table = table.append_column(name, [[0, 1]])
    pyarrow.parquet.write_table(table, tmp_path / "b.parquet")
    text = "left out what is no image or label: coarse_label, mask"
    with pytest.warns(UserWarning, match=text):
        idxio.import_dataset(tmp_path / "b.parquet", tmp_path / "b")
    assert main(["import", str(tmp_path / "a.parquet"), str(tmp_path / "a")]) == 0
    assert capsys.readouterr().err == ""
    assert main(["import", str(tmp_path / "b.parquet"), str(tmp_path / "c")]) == 0
    assert capsys.readouterr().err == f"idxio: {tmp_path}/b.parquet: {text}\n"


@pytest.mark.parametrize("as_bytes", [False, True])
def test_columns_of_parquet_under_other_names(tmp_path, as_bytes: bool) -> None:
    """As of CIFAR-100, in a struct or as plain binary, with names of the fine classes."""
    image = picture()
    path = tmp_path / "train.parquet"
    table = pyarrow.table(
        {
            "coarse_label": [1, 1],
            "fine_label": [0, 1],
            "img": [image["bytes"] if as_bytes else image] * 2,
            "__index_level_0__": [5, 6],
        }
    )
    features = {"fine_label": {"names": ["cat", "dog"]}, "coarse_label": {"names": ["a", "b"]}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), path)
    with pytest.warns(UserWarning, match="left out what is no image or label: coarse_label$"):
        idxio.import_dataset(path, tmp_path / "o")
    ds = idxio.load(tmp_path / "o")
    assert ds.labels.tolist() == [0, 1]
    assert ds.class_names == {0: "cat", 1: "dog"}
    assert ds.images.shape == (2, 4, 4)
    for labels in ("coarse_label", 0):
        with pytest.warns(UserWarning, match="fine_label"):
            idxio.import_dataset(path, tmp_path / str(labels), images="img", labels=labels)
        assert idxio.load(tmp_path / str(labels)).labels.tolist() == [1, 1]
    assert back(path, tmp_path, labels=False) == {"train": 2}
    pyarrow.parquet.write_table(table.select(["img"]), path)
    assert back(path, tmp_path) == {"train": 2}


@pytest.mark.parametrize("kind", ["string", "large_string", "dictionary"])
def test_texts_of_parquet_are_classes(tmp_path, kind: str) -> None:
    texts = pyarrow.array(["dog", "cat", "dog"])
    texts = texts.dictionary_encode() if kind == "dictionary" else texts.cast(kind)
    os.mkdir(tmp_path / "in")
    for split, n in (("train", 3), ("test", 1)):
        table = pyarrow.table({"image": [picture()] * n, "label": texts[:n]})
        pyarrow.parquet.write_table(table, tmp_path / "in" / f"{split}.parquet")
    idxio.import_dataset(tmp_path / "in", tmp_path / "o")
    assert idxio.load(tmp_path / "o").labels.tolist() == [1, 0, 1]
    assert idxio.load(tmp_path / "o", "test").labels.tolist() == [1]
    assert idxio.load(tmp_path / "o").class_names == {0: "cat", 1: "dog"}


@pytest.mark.parametrize("type", [np.uint8, np.int64, np.float64])
def test_pixels_in_lists_of_parquet(tmp_path, type) -> None:
    images = np.arange(48, dtype=type).reshape(2, 4, 6)
    path = tmp_path / "train.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"image": images.tolist(), "label": [0, 1]}), path)
    idxio.import_dataset(path, tmp_path / "nested")
    flat = images.reshape(2, 24)
    pyarrow.parquet.write_table(pyarrow.table({"image": flat.tolist(), "label": [0, 1]}), path)
    idxio.import_dataset(path, tmp_path / "flat", shape=(4, 6))
    for name in ("nested", "flat"):
        assert_same(idxio.load(tmp_path / name).images[:], images.astype(np.uint8))
    refused(path, tmp_path, "24 pixels in a line, which make no square")
    table = pyarrow.table({"image": [[1] * 4] * 256 + [[1] * 9], "label": [0] * 257})
    pyarrow.parquet.write_table(table, path)
    refused(path, tmp_path, r"row 256 has the shape \(9,\), the first picture has \(4,\)")


def _wide(path, heading: list[str], *columns, **more) -> None:
    """A Parquet file with a column for each pixel."""
    named = dict(zip(heading, np.column_stack(columns).T, strict=True)) | more
    pyarrow.parquet.write_table(pyarrow.table(named), path)


def test_a_column_of_parquet_for_each_pixel(tmp_path) -> None:
    """By the rules for CSV."""
    path = tmp_path / "train.parquet"
    pixels = [f"pixel{i}" for i in range(64)]
    _wide(path, ["label", *pixels], Y, X, __index_level_0__=np.arange(40))
    idxio.import_dataset(path, tmp_path / "o")
    assert idxio.load(tmp_path / "o").labels.tolist() == Y.tolist()
    assert_same(idxio.load(tmp_path / "o").images[:], X.reshape(40, 8, 8).astype(np.uint8))
    idxio.import_dataset(path, tmp_path / "wide", shape=(4, 16))
    assert idxio.load(tmp_path / "wide").images.shape == (40, 4, 16)
    _wide(path, pixels, X.astype(float), kind=["cat", "dog"] * 20)
    with pytest.warns(UserWarning, match="took 'kind', the only column"):
        idxio.import_dataset(path, tmp_path / "texts")
    assert idxio.load(tmp_path / "texts").class_names == {0: "cat", 1: "dog"}
    _wide(path, pixels, X)
    assert back(path, tmp_path) == {"train": 40}
    _wide(path, [f"{i}x{j}" for i in (1, 2) for j in range(1, 9)], X[:, :16], label=Y)
    idxio.import_dataset(path, tmp_path / "named")
    assert idxio.load(tmp_path / "named").images.shape == (40, 2, 8)
    _wide(path, ["label", *pixels[:-1], "mean"], Y, X)
    refused(path, tmp_path, "has the column 'mean'")
    _wide(path, ["label", *pixels[::-1]], Y, X)
    refused(path, tmp_path, "pixels are read row by row")
    _wide(path, ["label", *pixels], Y, X + 250)
    refused(path, tmp_path, "row 0 or one behind it: .* is no pixel from 0 to 255")
    _wide(path, ["label", *pixels], Y, X, split=["train"] * 40)
    refused(path, tmp_path, "has the column split, of splits")


@pytest.mark.parametrize("name", ["hub", "hub/train-00000-of-00001.parquet"])
def test_a_pointer_in_place_of_parquet_is_named(tmp_path, name: str) -> None:
    (tmp_path / "hub").mkdir()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"
    (tmp_path / "hub" / "train-00000-of-00001.parquet").write_bytes(pointer)
    refused(tmp_path / name, tmp_path, "looks like a Git LFS pointer: fetch the data with")


def test_shards_of_which_one_has_no_labels_are_refused(tmp_path) -> None:
    os.mkdir(tmp_path / "in")
    for i in range(2):
        columns = {"image": [picture()], **({"label": [1]} if i else {})}
        path = tmp_path / "in" / f"train-0000{i}-of-00002.parquet"
        pyarrow.parquet.write_table(pyarrow.table(columns), path)
    refused(tmp_path / "in", tmp_path, "has labels in some files of the train split and none in")


@pytest.mark.parametrize("second", ["test.parquet", "train-00001-of-00002.parquet"])
def test_parquet_files_that_number_their_classes_in_different_ways_are_refused(
    tmp_path, second: str
) -> None:
    _parquet(tmp_path / "in" / "train-00000-of-00002.parquet", ["cat", "dog"])
    _parquet(tmp_path / "in" / "train-00001-of-00002.parquet", ["cat", "dog"])
    _parquet(tmp_path / "in" / second, ["dog", "cat"])
    with pytest.raises(idxio.FormatError, match="calls the class 0"):
        idxio.import_dataset(tmp_path / "in", tmp_path / "o")


def test_a_folder_with_one_of_two_shards_is_refused(tmp_path) -> None:
    _parquet(tmp_path / "in" / "train-00000-of-00002.parquet")
    with pytest.raises(idxio.FormatError, match="has no train-00001-of-00002"):
        idxio.import_dataset(tmp_path / "in", tmp_path / "o")


def test_tables_deep_in_folders_are_not_left_out(tmp_path) -> None:
    _parquet(tmp_path / "in" / "train.parquet")
    _parquet(tmp_path / "in" / "a" / "b" / "c" / "d" / "test" / "0.parquet")
    idxio.import_dataset(tmp_path / "in", tmp_path / "o")
    assert len(idxio.load(tmp_path / "o", "test")) == 2


@pytest.mark.parametrize("name", ["test.parquet.part", "test.csv.crdownload", "test.parquet.gz"])
def test_a_table_that_broke_off_is_not_left_out(tmp_path, name: str) -> None:
    _parquet(tmp_path / "in" / "train.parquet")
    (tmp_path / "in" / name).write_bytes(b"PAR1")
    with pytest.raises(idxio.FormatError, match=name[:8]):
        idxio.import_dataset(tmp_path / "in", tmp_path / "o")


def test_pictures_of_several_frames_are_refused(tmp_path) -> None:
    _parquet(tmp_path / "train.parquet", frames=2)
    with pytest.raises(idxio.FormatError, match="2 frames"):
        idxio.import_dataset(tmp_path / "train.parquet", tmp_path / "o")


@pytest.mark.parametrize("is_imagemagicks", [False, True])
def test_pictures_are_turned_as_their_exif_data_say(tmp_path, is_imagemagicks: bool) -> None:
    exif = Image.Exif()
    exif[0x112] = 6  # a quarter to the right
    profile = PngImagePlugin.PngInfo()
    data = exif.tobytes()
    profile.add_text("Raw profile type exif", f"\nexif\n{len(data):8}\n{data.hex()}\n", zip=True)
    saved = {"pnginfo": profile} if is_imagemagicks else {"exif": exif}
    _parquet(tmp_path / "train.parquet", **saved)
    idxio.import_dataset(tmp_path / "train.parquet", tmp_path / "o")
    assert (idxio.load(tmp_path / "o").images[0] == np.rot90(np.arange(16).reshape(4, 4), -1)).all()


def _saved(mode: str, format: str, **options) -> bytes:
    data = io.BytesIO()
    Image.new(mode, (4, 4)).save(data, format, **options)
    return data.getvalue()


@pytest.mark.parametrize("kind", ["png", "parquet"])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            png_of_16_bits(np.zeros((4, 4, 3), np.uint16)),
            "has 16 bits for each colour.*idxio build",
        ),
        (b"P6 4 4 65535\n" + bytes(96), "has 16 bits for each colour.*idxio build"),
        (b"P5 4 4 65535\n" + bytes(32), "has the mode I.*idxio build"),
        (_saved("RGB", "SGI", bpc=2), "has 16 bits for each colour.*idxio build"),
    ],
    ids=["png16", "ppm16", "pgm16", "sgi16"],
)
def test_pictures_that_lose_what_8_bits_of_colour_can_not_hold_are_refused(
    tmp_path, kind: str, data: bytes, message: str
) -> None:
    if kind == "png":
        (tmp_path / "in" / "train" / "7").mkdir(parents=True)
        (tmp_path / "in" / "train" / "7" / "00000.png").write_bytes(data)
        refused(tmp_path / "in", tmp_path, rf"train: 7/00000\.png {message}")
    else:
        rows = [{"bytes": picture, "path": None} for picture in (data, data)]
        table = pyarrow.table({"image": rows, "label": [0, 1]})
        pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
        refused(tmp_path / "train.parquet", tmp_path, rf"train\.parquet: row 0 {message}")


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_transparent_colour_in_png_folders_is_refused(tmp_path, mode: str) -> None:
    """Export writes none."""
    (tmp_path / "in" / "train" / "7").mkdir(parents=True)
    data = _saved(mode, "PNG", transparency=0 if mode == "L" else (0, 0, 0))
    (tmp_path / "in" / "train" / "7" / "00000.png").write_bytes(data)
    refused(tmp_path / "in", tmp_path, "has a transparent colour.*idxio build")


def _odd_picture(kind: str) -> Image.Image:
    """A picture that is neither plain grey nor plain RGB."""
    pixels = np.random.default_rng(3).integers(0, 256, (4, 6, 4), np.uint8)
    if kind in ("RGBA", "LA", "1", "P", "CMYK"):
        return Image.fromarray(pixels, "RGBA").convert(kind)
    return Image.fromarray(pixels, "RGBA").convert("L" if kind == "clear grey" else "RGB")


@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("RGBA", (4, 6, 3)), ("LA", (4, 6)), ("1", (4, 6)), ("P", (4, 6, 3)), ("CMYK", (4, 6, 3)),
        ("clear grey", (4, 6)), ("clear RGB", (4, 6, 3)),
    ],
)  # fmt: skip
def test_odd_pictures_in_parquet_go_by_the_rules_of_build(tmp_path, kind: str, shape) -> None:
    data = io.BytesIO()
    clear = {"clear grey": 0, "clear RGB": (0, 0, 0)}.get(kind)
    options = {} if clear is None else {"transparency": clear}
    _odd_picture(kind).save(data, "TIFF" if kind == "CMYK" else "PNG", **options)
    (tmp_path / "a.png").write_bytes(data.getvalue())
    rows = [{"bytes": data.getvalue(), "path": None}] * 2
    table = pyarrow.table({"image": rows, "label": [0, 1]})
    pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
    idxio.import_dataset(tmp_path / "train.parquet", tmp_path / "imported")
    images = idxio.load(tmp_path / "imported").images[:]
    assert images.shape == (2, *shape)
    assert np.array_equal(images[1], decode(tmp_path / "a.png").pixels)


def test_memory_for_large_pictures_of_parquet_stays_small(tmp_path) -> None:
    """150 MB of pixels in 200 pictures, all in one row group, go through in half of that."""
    data = io.BytesIO()
    Image.new("RGB", (500, 500)).save(data, "PNG")
    rows = [{"bytes": data.getvalue(), "path": None}] * 200
    table = pyarrow.table({"image": rows, "label": [0] * 200})
    pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
    tracemalloc.start()
    try:
        idxio.import_dataset(tmp_path / "train.parquet", tmp_path / "o", level=0, threads=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert idxio.load(tmp_path / "o").images.shape == (200, 500, 500, 3)
    assert peak < 75 << 20


def test_a_picture_of_another_size_is_not_decoded(tmp_path) -> None:
    """A small file may hold pictures that need far more memory than the first one."""
    small, large = io.BytesIO(), io.BytesIO()
    Image.new("L", (4, 4)).save(small, "PNG")
    Image.new("L", (5000, 5000)).save(large, "PNG")
    rows = [{"bytes": data.getvalue(), "path": None} for data in (small, large)]
    table = pyarrow.table({"image": rows, "label": [0, 0]})
    pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
    tracemalloc.start()
    try:
        refused(tmp_path / "train.parquet", tmp_path, r"row 1 has the shape \(5000, 5000\)")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 << 20


def test_pictures_of_8_bits_in_any_format_are_taken(tmp_path) -> None:
    for mode in ("L", "RGB"):
        for format in ("PNG", "PPM", "SGI", "TIFF", "BMP", "JPEG"):
            rows = [{"bytes": _saved(mode, format), "path": None}]
            table = pyarrow.table({"image": rows, "label": [0]})
            pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
            assert back(tmp_path / "train.parquet", tmp_path) == {"train": 1}


def test_export_refuses_two_datasets_of_one_split(tmp_path) -> None:
    for stem in ("train", "other-train"):
        idxio.write(tmp_path / f"{stem}-images-idx3-ubyte", np.zeros((2, 3, 3), np.uint8))
        idxio.write(tmp_path / f"{stem}-labels-idx1-ubyte", np.arange(2, dtype=np.uint8))
    with pytest.raises(idxio.FormatError, match="more than one dataset, and one is other"):
        idxio.export_dataset(tmp_path, tmp_path / "x.npz")
    idxio.export_dataset(tmp_path, tmp_path / "x.npz", dataset="other")


def test_export_refuses_splits_whose_classes_have_different_names(tmp_path, monkeypatch) -> None:
    for split in ("train", "test"):
        idxio.write(tmp_path / f"{split}-images-idx3-ubyte", np.zeros((2, 3, 3), np.uint8))
        idxio.write(tmp_path / f"{split}-labels-idx1-ubyte", np.arange(2, dtype=np.uint8))
    # As those of two published datasets, which only their checksums tell.
    monkeypatch.setattr(
        "idxio.convert.export.class_names",
        lambda labels: {0: "train" if "train" in os.path.basename(labels) else "test"},
    )
    with pytest.raises(idxio.FormatError, match="no splits of one dataset"):
        idxio.export_dataset(tmp_path, tmp_path / "x.npz")


@pytest.mark.parametrize("name", ["p" + "9" * 5000, "p9999999999", "1x" * 80 + "9"])
def test_names_of_pixels_with_odd_numbers_are_refused(tmp_path, name: str) -> None:
    other = re.sub(r"\d+", "1", name)
    (tmp_path / "a.csv").write_text(f"label,{name},{other},{other},{other}\n1,2,3,4,5\n")
    with pytest.raises(idxio.FormatError, match=r"names of pixels|has the pixel"):
        idxio.import_dataset(tmp_path / "a.csv", tmp_path / "o")


@pytest.mark.parametrize("name", ["{}.gz.part", "{} (1).part", "{}.gz.crdownload", "{}.gz.1"])
def test_a_split_with_names_of_downloads_is_not_left_out(tmp_path, name: str) -> None:
    for split in ("train", "t10k"):
        idxio.write(tmp_path / f"{split}-images-idx3-ubyte", np.zeros((2, 3, 3), np.uint8))
        idxio.write(tmp_path / f"{split}-labels-idx1-ubyte", np.arange(2, dtype=np.uint8))
    (tmp_path / name.format("train-images-idx3-ubyte")).write_bytes(b"a copy of what is there")
    idxio.export_dataset(tmp_path, tmp_path / "x.npz")
    for stem in ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"):
        os.rename(tmp_path / stem, tmp_path / name.format(stem))
    with pytest.raises(
        idxio.FormatError, match=f"has {re.escape(name.format('t10k-images-idx3-ubyte'))}"
    ):
        idxio.export_dataset(tmp_path, tmp_path / "y.npz")
    found = idxio.check(tmp_path)
    assert not found.ok
    assert any(
        name.format("t10k-images-idx3-ubyte") in finding.message for finding in found.findings
    )


@pytest.mark.parametrize("labels", [0, 2, -1, False])
def test_a_first_record_that_counts_up_is_no_heading(tmp_path, labels: int | bool) -> None:
    (tmp_path / "a.csv").write_text("0,1,2,3,4\n7,9,9,9,9\n7,9,9,9,8\n")
    refused(
        tmp_path / "a.csv",
        tmp_path,
        "may be a heading of pandas' or a record",
        labels=labels,
        shape=(5 - (labels is not False),),
    )


@pytest.mark.parametrize(
    "name", ["test.tsv", "test.jsonl", "test.arrow", "test.xlsx", "test.tsv.part"]
)
def test_tables_of_other_programs_are_not_left_out(tmp_path, name: str) -> None:
    (tmp_path / "in").mkdir()
    table(
        tmp_path / "in" / "train.csv", Y, X, heading="label," + ",".join(f"p{i}" for i in range(64))
    )
    assert back(tmp_path / "in", tmp_path) == {"train": 40}
    (tmp_path / "in" / name).write_text("label\tpixel\n")
    refused(tmp_path / "in", tmp_path, re.escape(name))


@pytest.mark.parametrize("name", ["more.pq", "more.parq", "mnist_784.arff", "more.ipc"])
def test_tables_under_other_suffixes_are_not_left_out(tmp_path, name: str) -> None:
    _parquet(tmp_path / "in" / "train.parquet")
    assert back(tmp_path / "in", tmp_path) == {"train": 2}
    (tmp_path / "in" / name).write_bytes(b"PAR1")
    refused(tmp_path / "in", tmp_path, re.escape(name))


def test_png_folders_of_one_number_are_refused(tmp_path) -> None:
    for i, label in enumerate(("01", "02", "1")):
        (tmp_path / "in" / "train" / label).mkdir(parents=True)
        (tmp_path / "in" / "train" / label / f"{i}.png").write_bytes(picture()["bytes"])
    refused(tmp_path / "in", tmp_path, "has the folders '01' and '1', which are one number")


def test_png_folders_of_numbers_that_are_no_labels_are_refused(tmp_path) -> None:
    for label in ("2147483648", "9" * 30):
        (tmp_path / label / "train" / label).mkdir(parents=True)
        (tmp_path / label / "train" / label / "0.png").write_bytes(picture()["bytes"])
        refused(tmp_path / label, tmp_path, f"has the folder {label}, expected the number of a cl")


def test_line_ends_in_a_field_of_csv_stay(tmp_path) -> None:
    """They are part of a name, and stand between numbers."""
    texts = ["ab", '"e\nf"', '"c\r\nd"', "ab"]
    (tmp_path / "a.csv").write_bytes(("label,p\n" + "".join(f"{t},1\n" for t in texts)).encode())
    idxio.import_dataset(tmp_path / "a.csv", tmp_path / "a")
    found = idxio.load(tmp_path / "a")
    assert [found.class_names[k] for k in found.labels.tolist()] == ["ab", "e\nf", "c\r\nd", "ab"]
    # 56 if they were left out
    pixels = ["1 2 3 4 5 6 7 8 9", '"1 2 3 4 5\n6 7 8 9"']
    text = "label,pixels\n" + "".join(f"1,{one}\n" for one in pixels)
    (tmp_path / "b.csv").write_text(text, newline="")
    idxio.import_dataset(tmp_path / "b.csv", tmp_path / "b")
    assert (idxio.load(tmp_path / "b").images[:] == np.arange(1, 10).reshape(3, 3)).all()


def test_a_label_that_the_features_do_not_name_is_refused(tmp_path) -> None:
    _parquet(tmp_path / "train.parquet", ["cat"])
    refused(tmp_path / "train.parquet", tmp_path, "row 1 has the label 1, and the features name")


@pytest.mark.parametrize(
    "name", ["test.txt", "test.csv~", "test.csv.bak", "testing.zip", "Test", "val.json"]
)
def test_files_called_as_a_split_are_not_left_out(tmp_path, name: str) -> None:
    (tmp_path / "in").mkdir()
    table(
        tmp_path / "in" / "train.csv", Y, X, heading="label," + ",".join(f"p{i}" for i in range(64))
    )
    # what is no split, or is there
    for other in ("train.csv~", "test.py", "train.txt", "notes.txt"):
        (tmp_path / "in" / other).write_text("0")
    assert back(tmp_path / "in", tmp_path) == {"train": 40}
    (tmp_path / "in" / name).write_text("0")
    refused(tmp_path / "in", tmp_path, re.escape(name))


@pytest.mark.parametrize("place", ["", "a", "a/b", "data"])
@pytest.mark.parametrize(
    "name",
    [
        "mnist_test.txt",
        "mnist_test.dat",
        "my-test.json",
        "mnist.test",
        "Mnist-T10K.zip",
        "my_test/",
    ],
)
def test_files_with_a_split_in_their_name_are_not_left_out(tmp_path, place: str, name: str) -> None:
    folder = tmp_path / "in" / place
    folder.mkdir(parents=True)
    (folder / "mnist_train.csv").write_text("label,a\n1,2\n")
    for other in ("mnist_train.txt", "train_test_split.txt", "latest.txt", "test_model.py"):
        (folder / other).write_text("0")
    assert back(tmp_path / "in", tmp_path) == {"train": 1}
    if name.endswith("/"):
        (folder / name).mkdir()
    else:
        (folder / name).write_text("0")
    refused(
        tmp_path / "in", tmp_path, rf"has ({place}/)?{re.escape(name.rstrip('/'))}, which would"
    )
    (folder / "mnist_test.csv").write_text("label,a\n1,2\n")
    assert back(tmp_path / "in", tmp_path) == {"train": 1, "t10k": 1}


def test_what_lies_beside_another_configuration_does_not_count(tmp_path) -> None:
    for config in ("a", "b"):
        (tmp_path / "in" / config).mkdir(parents=True)
        (tmp_path / "in" / config / "train.csv").write_text("label,a\n1,2\n")
        (tmp_path / "in" / f"c{config}_train.csv").write_text("label,a\n1,2\n")
    (tmp_path / "in" / "b" / "test.csv").write_text("label,a\n1,2\n")
    (tmp_path / "in" / "b" / "val.txt").write_text("0")
    assert back(tmp_path / "in", tmp_path, config="a") == {"train": 1}
    assert back(tmp_path / "in", tmp_path, config="ca") == {"train": 1}
    refused(tmp_path / "in", tmp_path, "has b.val.txt", config="b")


@pytest.mark.parametrize("name", ["test.zip", "test", "mnist_test.npy", "x.png", "00000.PNG"])
def test_files_beside_png_folders_are_not_left_out(tmp_path, name: str) -> None:
    (tmp_path / "in" / "train" / "0").mkdir(parents=True)
    (tmp_path / "in" / "train" / "0" / "00000.png").write_bytes(picture()["bytes"])
    for other in ("README.md", "train.zip", "test.py", "notes.txt", "dataset.json"):
        (tmp_path / "in" / other).write_text("{}")
    assert back(tmp_path / "in", tmp_path) == {"train": 1}
    (tmp_path / "in" / name).write_bytes(b"PK")
    refused(tmp_path / "in", tmp_path, name)
    os.unlink(tmp_path / "in" / name)
    os.rename(tmp_path / "in" / "train", tmp_path / "in" / "test")
    (tmp_path / "in" / "training.tar").write_bytes(b"")
    refused(tmp_path / "in", tmp_path, "train")


def test_a_file_of_the_source_is_no_target(tmp_path) -> None:
    images, labels = tmp_path / "train-images-idx3-ubyte", tmp_path / "train-labels-idx1-ubyte"
    idxio.write(images, np.zeros((2, 3, 3), np.uint8))
    idxio.write(labels, np.arange(2, dtype=np.uint8))
    np.save(tmp_path / "a.npy", Y)
    os.symlink("a.npy", tmp_path / "link")
    with pytest.raises(ValueError, match="is a file of the source"):
        idxio.export_dataset(tmp_path, labels, to="npz")
    with pytest.raises(ValueError, match="is a file of the source"):
        idxio.export_dataset(images, images, to="npy")
    with pytest.raises(ValueError, match="is a file of the source"):
        idxio.import_dataset(tmp_path / "a.npy", tmp_path / "link")
    assert len(idxio.load(tmp_path)) == 2
    assert_same(np.load(tmp_path / "a.npy"), Y)


def test_export_misses_a_split_that_a_description_states(tmp_path) -> None:
    idxio.write(tmp_path / "train-images-idx3-ubyte", np.zeros((2, 3, 3), np.uint8))
    idxio.write(tmp_path / "train-labels-idx1-ubyte", np.arange(2, dtype=np.uint8))
    names = [f"{split}-images-idx3-ubyte.gz" for split in ("train", "val")]
    (tmp_path / "dataset.json").write_text(json.dumps({"files": dict.fromkeys(names[:1])}))
    idxio.export_dataset(tmp_path, tmp_path / "x.npz")
    (tmp_path / "dataset.json").write_text(json.dumps({"files": dict.fromkeys(names)}))
    with pytest.raises(
        idxio.FormatError, match=r"has no val-images-idx3-ubyte\.gz, of which dataset\.json tells"
    ):
        idxio.export_dataset(tmp_path, tmp_path / "y.npz")


def test_a_table_without_pixels_is_no_table_of_images(tmp_path) -> None:
    """As sample_submission.csv of Kaggle, beside train.csv."""
    heading = ",".join(["label", *(f"pixel{i}" for i in range(64))])
    table(tmp_path / "train.csv", np.c_[Y, X], heading=heading)
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n2,0\n")
    with pytest.raises(idxio.FormatError, match=r"sample_submission.*no table of images.*move it"):
        idxio.import_dataset(tmp_path, tmp_path / "out")


def test_a_folder_of_idx_files_is_told_to_be_one(tmp_path) -> None:
    idxio.write(tmp_path / "train-images-idx3-ubyte.gz", np.zeros((2, 3, 3), np.uint8))
    idxio.write(tmp_path / "train-labels-idx1-ubyte.gz", np.zeros(2, np.uint8))
    with pytest.raises(idxio.FormatError, match=r"IDX files already: idxio\.load reads them"):
        idxio.import_dataset(tmp_path, tmp_path / "out")


@pytest.mark.parametrize("kind", ["png", "parquet"])
def test_pictures_over_pillows_limit_are_refused_as_by_build(tmp_path, kind) -> None:
    size = struct.pack(">II", 10_000, 10_000)  # Pillow warns above 89 million pixels
    data = bytearray(picture()["bytes"])
    data[16:24] = size
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    if kind == "png":
        (tmp_path / "in" / "train" / "0").mkdir(parents=True)
        (tmp_path / "in" / "train" / "0" / "0.png").write_bytes(data)
    else:
        (tmp_path / "in").mkdir()
        table = pyarrow.table({"image": [{"bytes": bytes(data), "path": None}], "label": [0]})
        pyarrow.parquet.write_table(table, tmp_path / "in" / "train.parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where a warning is no error
        refused(tmp_path / "in", tmp_path, "exceeds limit")


@pytest.mark.parametrize("name", ["pixel#", "#", "pixel\ufffd"])
def test_a_sign_in_the_place_of_a_number_in_a_heading(tmp_path, name: str) -> None:
    names = [f"pixel{k}" for k in range(16)]
    names[3] = name
    rows = [",".join(["label", *names]), *(",".join(map(str, range(k, k + 17))) for k in range(9))]
    (tmp_path / "train.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    with pytest.raises(idxio.FormatError, match=r"has the column .*neither the label"):
        idxio.import_dataset(tmp_path / "train.csv", tmp_path / "out")


@pytest.mark.parametrize("left", [0, 1])
def test_rows_that_a_parquet_file_states_and_does_not_give(tmp_path, monkeypatch, left) -> None:
    pytest.importorskip("pyarrow")
    from idxio.convert.formats import parquet

    images, labels = np.zeros((300, 4, 4), np.uint8), np.zeros(300, np.uint8)
    (tmp_path / "in").mkdir()
    idxio.write(tmp_path / "in" / "train-images-idx3-ubyte", images)
    idxio.write(tmp_path / "in" / "train-labels-idx1-ubyte", labels)
    idxio.export_dataset(tmp_path / "in", tmp_path / "table", to="parquet")
    batches = parquet._batches
    monkeypatch.setattr(parquet, "_batches", lambda *given: iter([*batches(*given)][:left]))
    with pytest.raises(idxio.FormatError, match=r"parquet: is damaged: .* it states 300"):
        idxio.import_dataset(tmp_path / "table", tmp_path / "out")
    assert not (tmp_path / "out").exists()
