"""Contact sheets: as large as the window, and with captions."""

import sys

import numpy as np
import pytest
from PIL import Image

import idxio
from idxio.cli import drawing
from idxio.cli.main import main
from idxio.datasets import contact_sheet


@pytest.mark.parametrize(
    ("wanted", "columns", "lines", "size", "across", "down"),
    [
        (6, 100, 43, 28, 3, 2),  # full size where it fits
        (6, 200, 58, 28, 6, 3),
        (12, 100, 43, 24, 4, 3),  # as large as the window
        (10, 80, 22, 14, 5, 2),  # a little smaller, but of whole pixels
        (1, 10, 3, 4, 2, 1),
        (6, 1, 1, 1, 1, 1),
    ],
)
def test_images_are_as_large_as_the_window(wanted, columns, lines, size, across, down):
    layout = contact_sheet.fit(28, 28, wanted, columns, lines)
    assert layout == (size, size, across, down)


def test_wide_and_tall_images_fit():
    for height, width in ((900, 2), (2, 900), (1, 1), (300, 1000)):
        layout = contact_sheet.fit(height, width, 3, 80, 22)
        assert layout.width <= 80
        assert -(-layout.height // 2) < 22
        assert layout.height <= height
        assert layout.width <= width


def test_resizing_takes_the_mean_of_the_area():
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 20, 3), np.uint8)
    halves = images.reshape(3, 14, 2, 10, 2, 3).mean(axis=(2, 4)).round()
    np.testing.assert_array_equal(contact_sheet.resize(images, 14, 10), halves)
    part = contact_sheet.resize(images, 24, 17)
    assert part.shape == (3, 24, 17, 3)
    np.testing.assert_allclose(part.mean(axis=(1, 2)), images.mean(axis=(1, 2)), atol=1)
    flat = np.full((1, 28, 28), 200, np.uint8)
    assert set(contact_sheet.resize(flat, 11, 9).ravel()) == {200}


def dataset(folder, names=("cat", "dog", "fish")):
    idxio.write(folder / "train-images-idx3-ubyte", np.full((30, 8, 8), 200, np.uint8))
    idxio.write(folder / "train-labels-idx1-ubyte", np.arange(30, dtype=np.uint8) % 3)
    (folder / "dataset.json").write_text(
        '{"class_names": [' + ", ".join(f'"{name}"' for name in names) + "]}", encoding="utf-8"
    )
    return str(folder / "train-images-idx3-ubyte")


def test_numbers_and_labels_stand_below_images(tmp_path, capsys):
    images = dataset(tmp_path)
    assert main(["show", images, "--rows", "10:13"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "10: dog  11: fish 12: cat"
    assert main(["show", images, "--class", "fish", "--rows", "1:3"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "5: fish  8: fish"


@pytest.mark.parametrize("spoil", ["missing", "damaged", "fewer"])
def test_numbers_alone_where_labels_can_not_be_read(tmp_path, capsys, spoil):
    images = dataset(tmp_path)
    labels = tmp_path / "train-labels-idx1-ubyte"
    if spoil == "missing":
        labels.unlink()
    elif spoil == "damaged":
        labels.write_bytes(b"x" * 20)
    else:
        idxio.write(labels, np.zeros(7, np.uint8))
    assert main(["show", images, "--rows", "10:13"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["10", "11", "12"]


def test_captions_of_wide_characters_and_of_none(tmp_path, capsys):
    images = dataset(tmp_path, names=("ねこねこねこ", "dog\x1b[31m".replace("\x1b", "\\u001b"), ""))
    assert main(["show", images, "--rows", ":3", "-o", str(tmp_path / "sheet.png")]) == 0
    assert main(["show", images, "--rows", ":3"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.splitlines()[-1].startswith("0: ねこ  1: dog")
    assert drawing._cell("ねこ", 3) == "ね "


def test_sheet_without_pillow(tmp_path, capsys, monkeypatch):
    images = dataset(tmp_path)
    sheet = tmp_path / "sheet.png"
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert main(["show", images, "--rows", ":4", "-o", str(sheet)]) == 0
    assert "need Pillow: pip install 'idxio[images]'" in capsys.readouterr().err
    monkeypatch.undo()
    with Image.open(sheet) as png:
        assert png.size == (2 * 8 * 14 + 4, 2 * 8 * 14 + 4)


def test_large_sheets_are_no_larger_than_they_must_be(tmp_path):
    idxio.write(tmp_path / "images", np.zeros((2500, 28, 28), np.uint8))
    sheet = tmp_path / "sheet.png"
    assert main(["show", str(tmp_path / "images"), "--rows", ":", "-o", str(sheet)]) == 0
    with Image.open(sheet) as png:
        assert png.size[0] == 50 * (28 + 4) - 4
