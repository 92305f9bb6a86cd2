"""idxio.build loses nothing without a word: classes, lines of a CSV file, bits, and pictures from
elsewhere.
"""

import os
import tracemalloc
import unicodedata

import numpy as np
import pytest
from helpers import png_of_16_bits
from PIL import Image

import idxio
from idxio.cli.main import main


@pytest.fixture
def pics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "pics"


def save(path, value, shape=(8, 8)):
    """A picture of one colour, and the folders above it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(np.full(shape, value, np.uint8)).save(path)


def listed(text):
    with open("list.csv", "w", encoding="utf-8") as file:
        file.write(text)
    return "list.csv"


def build(out="out", **options):
    return idxio.build("pics", out, test_per_class=0, sort=True, **options)


def pixels(out="out"):
    """The first pixel and the label of each picture."""
    ds = idxio.load(out)
    return [
        (int(image[0, 0]), int(label)) for image, label in zip(ds.images[:], ds.labels, strict=True)
    ]


# --- classes ---


def test_numbers_come_by_value_whatever_lies_beside_them(pics):
    names = ["10", "2", "-1", "0", "unknown", "Other"]
    for i, name in enumerate(names):
        save(pics / name / "a.png", i)
    assert build().class_names == ["-1", "0", "2", "10", "Other", "unknown"]
    assert pixels() == [(2, 0), (3, 1), (1, 2), (0, 3), (5, 4), (4, 5)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["10.0", "9.0", "0.0", "-1.0"], ["-1.0", "0.0", "9.0", "10.0"]),
        (["1.5", "1.25", "nan"], ["1.25", "1.5", "nan"]),
        (["9" * 5000, "1"], ["1", "9" * 5000]),  # more digits than int() takes
        (["+2", "1", "²"], ["1", "+2", "²"]),
        (["1.0e+01", "1.0e+00", "2.00E+00", ".5"], [".5", "1.0e+00", "2.00E+00", "1.0e+01"]),
        (["3e5", "9"], ["9", "3e5"]),
    ],
)
def test_numbers_of_pandas(pics, names, expected):
    for i in range(len(names)):
        save(pics / f"{i}.png", i)
    lines = "".join(f"{i}.png,{name}\n" for i, name in enumerate(names))
    assert build(labels=listed(lines)).class_names == expected


@pytest.mark.parametrize(
    "stray", ["__MACOSX/3", "@eaDir/x", "lost+found/y", ".ipynb_checkpoints/z"]
)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_folders_of_the_system_are_no_classes(pics, stray, skip_bad):
    for i in range(11):
        save(pics / str(i) / "a.png", i)
    os.makedirs(pics / stray)
    save(pics / "3" / "@eaDir" / "thumb.png", 3)  # Synology's lie in every folder
    (pics / "3" / "Thumbs.db").write_bytes(b"x")
    built = build(skip_bad=skip_bad)
    assert built.class_names == [str(i) for i in range(11)]
    assert built.skipped == []


def test_a_class_without_a_good_picture_gets_no_number(pics):
    save(pics / "b" / "1.png", 1)
    (pics / "a").mkdir()
    (pics / "a" / "bad.png").write_bytes(b"x")
    save(pics / "c" / "2.png", 2)
    with pytest.raises(idxio.PictureError):
        build()
    built = build(skip_bad=True)
    assert built.class_names == ["b", "c"]
    assert pixels() == [(1, 0), (2, 1)]
    assert built.notes == ["no good picture, and so no number, has the class a"]


def test_blanks_and_forms_of_accents_make_no_class(pics):
    for i, name in enumerate(
        ["dog", "dog ", unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")]
    ):
        save(pics / name / f"{i}.png", i)
    assert build().class_names == ["dog", "é"]
    assert pixels() == [(0, 0), (1, 0), (3, 1), (2, 1)]  # folders by name
    for i in range(2):
        save(pics / f"{i}.png", i)
    assert build("csv", labels=listed("0.png, dog\n1.png,dog \n")).class_names == ["dog"]


def test_names_that_look_the_same_are_told(pics):
    for i, name in enumerate(["cat", "cat\u200b", "big dog", "big  dog", "big\u00a0dog"]):
        save(pics / name / "a.png", i)
    assert build().notes == [
        "classes whose names differ in what is not seen only: 'big  dog', 'big dog',"
        " 'big\\xa0dog', 'cat', 'cat\\u200b'"
    ]


def test_a_class_of_missing_labels_is_told(pics):
    for i in range(3):
        save(pics / f"{i}.png", i)
    built = build(labels=listed("0.png,cat\n1.png,nan\n2.png,N/A\n"))
    assert built.notes == ["a class whose name may say that a label is missing: N/A, nan"]


@pytest.mark.parametrize("names", [("1", "01"), ("10", "10.0")])
def test_one_number_written_in_two_ways(pics, names):
    for i, name in enumerate(names):
        save(pics / name / "a.png", i)
        save(pics / f"{i}.png", i)
    lines = listed("".join(f"{i}.png,{name}\n" for i, name in enumerate(names)))
    for options in ({"skip_bad": True}, {"labels": lines}):
        with pytest.raises(idxio.FormatError, match="are one number"):
            build(**options)


def test_names_that_differ_in_capitals_stay_and_are_told(pics):
    for i, name in enumerate("aAb"):  # classes of EMNIST
        save(pics / name / "a.png", i)
    built = build()
    assert built.class_names == ["A", "a", "b"]
    assert built.notes == ["classes whose names differ in capitals only: A, a"]


def test_more_classes_than_a_byte_holds(pics):
    for i in range(300):
        save(pics / str(i) / "a.png", i % 256)
    built = build()
    assert built.class_names == [str(i) for i in range(300)]
    assert pixels() == [(i % 256, i) for i in range(300)]


# --- folders that are none of classes ---


def refused(capsys, *args):
    """What the command says, in one line."""
    code = main(["build", "pics", "out", *args])
    error = capsys.readouterr().err
    assert code == 1
    assert not os.path.exists("out")
    return error


def test_pictures_that_lie_in_the_folder_itself(pics, capsys):
    for i in range(7):
        save(pics / f"{i}.png", i)
    for args in ((), ("--skip-bad",)):
        error = refused(capsys, *args)
        assert "pics: holds no pictures in subfolders, but 7 files itself" in error
        assert "--labels FILE.csv" in error
        assert error.count("\n") == 1


@pytest.mark.parametrize("name", ["train", "test", "Training-images"])
@pytest.mark.parametrize("args", [(), ("--skip-bad",)])
def test_a_split_alone_is_no_class(pics, capsys, name, args):
    for c in ("cat", "dog"):
        save(pics / name / c / "0.png", 0)
    error = refused(capsys, *args)
    assert f"holds {name}, which is a split and no class (as {name}/cat)" in error
    assert f"name pics/{name}, and build draws the pictures to test with" in error
    assert error.count("\n") == 1


def test_splits_of_pictures_without_classes(pics, capsys):
    for name in ("train", "test"):
        save(pics / name / "0.png", 0)
    assert "test and train, which are splits and no classes" in refused(capsys)


def test_a_class_may_be_named_as_a_split(pics):
    for i, name in enumerate(("bus", "train")):
        save(pics / name / "0.png", i)
    assert build().class_names == ["bus", "train"]


def test_class_folders_one_level_below(pics, capsys):
    for c in ("cat", "dog"):
        save(pics / "animals" / c / "0.png", 0)
    assert "as animals/cat; where those are the classes, name pics/animals" in refused(
        capsys, "--skip-bad"
    )


# --- the CSV file ---


@pytest.mark.parametrize(
    "heading", ["id_code,diagnosis", "Image,Id", "path,label", "image,class", "\ufeffFile,Label"]
)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_a_first_line_whose_path_is_no_file_is_a_heading(pics, heading, skip_bad):
    for i in range(11):
        save(pics / f"{i}.png", i)
    lines = heading + "\n" + "".join(f"{i}.png,{i}\n" for i in range(11))
    built = build(labels=listed(lines), skip_bad=skip_bad)
    usual = {"path,label", "image,class", "\ufeffFile,Label"}
    assert built.notes == [f"line 1 of the CSV file was taken for a heading: {heading}"] * (
        heading not in usual
    )
    assert built.class_names == [str(i) for i in range(11)]
    assert built.skipped == []


def test_a_file_named_as_a_heading_is_a_picture(pics):
    Image.fromarray(np.full((8, 8), 9, np.uint8)).save(_folder(pics) / "image", "PNG")
    save(pics / "1.png", 1)
    build(labels=listed("image,label\n1.png,other\n"))
    assert pixels() == [(9, 0), (1, 1)]


def _folder(path):
    path.mkdir()
    return path


@pytest.mark.parametrize(
    "line", ["missing.png,a", "missing.png,c", "sub/missing,c", "missing,a", "missing.x,c"]
)
def test_a_first_picture_that_is_missing_is_not_taken_for_a_heading(pics, line):
    save(pics / "1.png", 1)
    save(pics / "2.png", 2)
    text = listed(f"{line}\n1.png,a\n2.png,b\n")
    hint = (
        "" if ".png" in line else "; if line 1 of the CSV file is a heading, write it as path,label"
    )
    with pytest.raises(
        idxio.PictureError, match=rf"missing\S* can't be read: No such file or directory{hint}$"
    ):
        build(labels=text)
    built = build(labels=text, skip_bad=True)
    assert [path for path, _ in built.skipped] == [line.split(",")[0]]
    assert built.class_names == ["a", "b"]


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (
            "1.png,a\n2.png,b\n1.png,a\n",
            "lists 1.png twice, in the lines 1 and 3, with the label 'a'",
        ),
        (
            "1.png,a\n\n2.png,b\n1.png,b\n",
            "lists 1.png twice, in the lines 1 and 4, with the labels 'a' and 'b'",
        ),
        ("path,label\n1.png,a\n./1.png,a\n", r"lists \./1.png twice, in the lines 2 and 3"),
        ("1.png,a\nsub/../1.png,b\n", "in the lines 1 and 2"),
        ("1.png,a\nlink/1.png,b\n", "in the lines 1 and 2"),
        (
            "1.png,a\n2.png,b\n" * 2,
            "1.png twice, in the lines 1 and 3, with the label 'a', and 1 more",
        ),
    ],
)
@pytest.mark.parametrize("skip_bad", [False, True])
def test_a_picture_listed_twice(pics, lines, what, skip_bad):
    save(pics / "1.png", 1)
    save(pics / "2.png", 2)
    (pics / "sub").mkdir()
    (pics / "link").symlink_to(".")
    with pytest.raises(idxio.FormatError, match=what):
        build(labels=listed(lines), skip_bad=skip_bad)
    assert not os.path.exists("out")


def test_pictures_that_are_not_listed_are_counted(pics, capsys):
    for i in range(9):
        save(pics / "sub" / f"{i}.png", i)
    save(pics / "a.JPG", 0)
    save(pics / ".hidden" / "a.png", 0)
    (pics / "README.txt").write_text("")
    text = listed("sub/0.png,a\n./sub/1.png,b\n")
    built = build(labels=text)
    assert built.unlisted == 8
    assert built.notes == ["8 pictures in the folder are not in the CSV file, and were left out"]
    assert main(["build", "pics", "other", "--labels", text, "--test-per-class", "0"]) == 0
    assert capsys.readouterr().err == f"idxio: {built.notes[0]}\n"


@pytest.mark.parametrize("heading", ["label,filename\n", ""])
def test_exchanged_columns_are_told_in_one_line(pics, capsys, heading):
    for i in range(9):
        save(pics / f"{i}.png", i)
    text = listed(heading + "".join(f"cat,{i}.png\n" for i in range(9)))
    for args in ((), ("--skip-bad",)):
        error = refused(capsys, "--labels", text, *args)
        assert "list.csv: has its columns exchanged: 0.png in line" in error
        assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("path", "remedy"),
    [
        ("sub/{}", "write sub/0.png, with the suffix"),
        ("sub\\{}.png", "write sub/0.png, with /"),
        ("pics/{}.jpg", "write 0.jpg: paths start in the folder of the pictures"),
        ("pics/sub/{}.png", "there is such a file in the current folder"),
    ],
)
def test_paths_that_are_all_wrong_have_a_remedy(pics, capsys, path, remedy):
    for i in range(3):
        save(pics / "sub" / f"{i}.png", i)
        save(pics / f"{i}.jpg", i)
    text = listed("path,label\n" + "".join(f"{path.format(i)},a\n" for i in range(3)))
    error = refused(capsys, "--labels", text, "--skip-bad")
    assert (
        "none of the 3 paths that were tried leads to a file below pics; the first, in line 2"
        in error
    )
    assert remedy in error


def test_a_line_that_never_ends_is_not_held(pics):
    """As that of /dev/zero, which a link may lead to."""
    save(pics / "a.png", 1)
    listed("a.png,cat\n")
    os.truncate("list.csv", 16 << 20)  # the rest is NULs
    tracemalloc.start()
    try:
        with pytest.raises(idxio.FormatError, match="is no CSV file in UTF-8, after line"):
            build(labels="list.csv")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_list_of_a_heading_alone(pics):
    save(pics / "1.png", 1)
    with pytest.raises(
        idxio.FormatError, match="lists no pictures; line 1 is a heading, as id is no file"
    ):
        build(labels=listed("id,label\n"))
    with pytest.raises(idxio.FormatError, match=r"lists no pictures$"):
        build(labels=listed("\n\n"))


# --- complaints ---


def test_equal_complaints_are_one_line(pics, capsys):
    save(pics / "a" / "000.png", 0)
    for i in range(1, 60):
        save(pics / "a" / f"{i:03}.png", 0, (8 + i, 9))
    (pics / "a" / "x.txt").write_text("x")
    assert main(["build", "pics", "out"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith(
        "idxio: 59 alike, as a/001.png: is 9 x 9, the pictures before it 8 x 8; "
    )
    assert lines[0].endswith("; a/002.png, a/003.png, a/004.png, a/005.png, …")
    assert lines[1] == "idxio: a/x.txt: is no picture that Pillow knows"


# --- pictures from elsewhere ---


@pytest.fixture
def outside(pics):
    for i in range(13):
        save(pics / "a" / f"{i}.png", i)
    save(pics / ".." / "secret" / "s.png", 77)
    return pics


def check_refused(**options):
    """The picture is refused with a remedy, or left out with skip_bad."""
    with pytest.raises(
        idxio.PictureError, match=r"leads out of .*secret.*--allow-outside"
    ) as caught:
        build("strict", **options)
    built = build("skipped", **options, skip_bad=True)
    assert built.skipped == caught.value.bad
    assert len(built.skipped) == 1
    assert not any(value == 77 for value, _ in pixels("skipped"))


@pytest.mark.parametrize(
    "path", ["../secret/s.png", "{}/secret/s.png", "a/../../secret/s.png", "way/s.png", "link.png"]
)
def test_paths_that_lead_outside_are_refused(outside, path):
    (outside / "way").symlink_to("../secret")
    (outside / "link.png").symlink_to(outside.parent / "secret" / "s.png")
    (outside / "inner.png").symlink_to("a/12.png")
    text = listed(
        "".join(f"a/{i}.png,a\n" for i in range(12))
        + f"{path.format(outside.parent)},a\ninner.png,b\n"
    )
    check_refused(labels=text)
    build(labels=text, allow_outside=True)
    assert (77, 0) in pixels()
    assert main(["build", "pics", "cli", "--labels", text, "--allow-outside"]) == 0


@pytest.mark.parametrize(
    ("link", "target"), [("a/s.png", "../../secret/s.png"), ("b", "../secret")]
)
def test_links_in_class_folders_that_lead_outside_are_refused(outside, link, target):
    (outside / link).symlink_to(target)
    (outside / "a" / "inner.png").symlink_to("0.png")
    check_refused()
    build(allow_outside=True)
    assert any(value == 77 for value, _ in pixels())


def test_an_absolute_path_inside_and_a_folder_that_is_a_link(outside):
    (outside.parent / "way").symlink_to("pics")
    text = listed(f"{outside}/a/1.png,a\na/2.png,a\n")
    idxio.build("way", "out", labels=text, test_per_class=0, sort=True)
    assert pixels() == [(1, 0), (2, 0)]


# --- bits ---


def deep(path, values):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint16)).save(path)


@pytest.mark.parametrize(
    ("most", "what"),
    [
        (
            4095,
            (
                "no pixel above 4,095 of 65,535, so that 12-bit pictures lose 8 of 12 bits;"
                " range='auto' (--range auto) scales them"
            ),
        ),
        (
            255,
            (
                "no pixel above 255 of 65,535, so that 8-bit pictures lose 8 of 8 bits;"
                " range='auto' (--range auto) scales them"
            ),
        ),
        (65534, "8 bits hold the upper half of each pixel"),
    ],
)
def test_bits_that_are_lost_are_told_once(pics, capsys, most, what):
    for i in range(14):
        # Of one class: equal ones of two would be told of.
        deep(pics / "0" / f"{i}.png", np.arange(64).reshape(8, 8) * most // 63)
    note = f"14 pictures of 16 bits became 8, rounded down: {what}"
    for threads in (1, 2):
        assert build(f"{threads}", threads=threads).notes == [note]
    assert main(["build", "pics", "out", "--test-per-class", "0"]) == 0
    assert capsys.readouterr().err == f"idxio: {note}\n"


@pytest.mark.parametrize("values", ["auto", (0, 4095), [0, 4095]])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_range_keeps_the_bits_that_there_are(pics, values, threads, monkeypatch):
    monkeypatch.setattr("idxio.convert.process_pool._WORTH", 0)
    monkeypatch.setattr("idxio.convert.images.value_range._BATCH", 2)
    made = []
    for i in range(14):
        made.append(np.roll(np.arange(64), i).reshape(8, 8) * 65)
        deep(pics / "0" / f"{i:02}.png", made[-1])
    save(pics / "0" / "8 bits.png", 77)  # has no such range
    built = build(range=values, threads=threads)
    assert built.notes == ["14 pictures of 16 bits became 8, scaled from 0 to 4,095"]
    images = idxio.load("out").images[:].astype(int)
    assert (images[-1] == 77).all()
    exact = np.array(made) * 255 / 4095
    assert (images[:-1] <= exact).all()
    assert (images[:-1] > exact - 1.01).all()
    assert len(np.unique(images)) == 65
    with open("out/dataset.json") as file:
        assert '"range": [\n    0,\n    4095\n  ]' in file.read()


def test_a_range_that_cuts_is_told(pics, capsys):
    for i in range(3):
        deep(pics / "0" / f"{i}.png", np.full((8, 8), 1000 * i + 500))
    assert main(["build", "pics", "out", "--range", "600:1600", "--test-per-class", "0"]) == 0
    assert capsys.readouterr().err == (
        "idxio: 3 pictures of 16 bits became 8, scaled from 600 to 1,600; 2 pictures had others,"
        " which were cut to these\n"
    )
    assert sorted(value for value, _ in pixels()) == [0, 229, 255]
    build("auto", range="auto")
    assert sorted(value for value, _ in pixels("auto")) == [0, 127, 255]
    for pipeline in ("fit", "fashion"):
        build(pipeline, range="auto", pipeline=pipeline)
    assert sorted(value for value, _ in pixels("fit")) == [0, 127, 255]
    assert sorted(value for value, _ in pixels("fashion")) == [0, 127, 255]


def test_a_range_that_nothing_has(pics):
    save(pics / "0" / "a.png", 5)
    note = "no picture has 16 bits of grey, so that there is no range to scale"
    assert build("a", range="auto").notes == [note]
    assert build("b", range=(0, 255)).notes == [note]
    assert pixels("a") == pixels("b") == [(5, 0)]
    deep(pics / "0" / "b.png", np.full((8, 8), 300))
    assert build("c", range="auto").notes == [
        "1 picture of 16 bits became 8, scaled from 300 to 301"
    ]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ("full", "range is 'auto' or two integers"),
        ((5, 5), "range is from 0 or more to 65,535 or less, not 5 to 5"),
        ((-1, 5), "not -1 to 5"),
        ((0, 65536), "not 0 to 65,536"),
        ((0, 0.5), "two integers"),
        ((0,), "two integers"),
    ],
)
def test_wrong_ranges(pics, values, what):
    save(pics / "0" / "a.png", 5)
    with pytest.raises(ValueError, match=what):
        build(range=values)
    if isinstance(values, tuple):
        text = ":".join(map(str, values))
        assert main(["build", "pics", "out", "--range", text]) == 2
    assert not os.path.exists("out")


def test_pictures_that_are_added_are_scaled_alike(pics):
    for i in range(3):
        deep(pics / "0" / f"{i}.png", np.full((8, 8), 1000 * i))
    idxio.build("pics", "out", range="auto", sort=True, test_per_class=0)
    deep(pics / "0" / "3.png", np.full((8, 8), 1500))
    deep(pics / "0" / "4.png", np.full((8, 8), 3000))
    built = idxio.build("pics", "out", add=True)
    assert [value for value, _ in pixels()] == [0, 127, 255, 191, 255]
    assert "scaled from 0 to 2,000; 1 picture had others" in built.notes[0]
    with pytest.raises(ValueError, match="range is 'auto', and the dataset was made with"):
        idxio.build("pics", "out", add=True, range="auto")


def test_no_word_where_no_bit_is_lost(pics):
    deep(pics / "a" / "1.png", np.arange(64).reshape(8, 8) * 257)
    save(pics / "a" / "2.png", 3)
    assert build().notes == []


def test_colours_of_16_bits_are_told(pics):
    values = np.random.default_rng(0).integers(0, 1 << 16, (8, 8, 3), np.uint16)
    save(pics / "a" / "1.png", 3, (8, 8, 3))
    (pics / "a" / "2.png").write_bytes(png_of_16_bits(values))
    (pics / "a" / "3.ppm").write_bytes(b"P6\n8 8\n65535\n" + values.astype(">u2").tobytes())
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(pics / "a" / "4.tif")
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(pics / "a" / "5.ppm")
    assert build().notes == ["2 pictures of 16 bits for each colour became 8, as Pillow reads them"]


def test_grey_and_alpha_of_16_bits_stay_grey(pics):
    grey = np.arange(64).reshape(8, 8) * 1000
    alpha = np.where(grey > 9999, 0xFFFF, 0)
    save(pics / "a" / "1.png", 3)
    (pics / "a" / "2.png").write_bytes(png_of_16_bits(np.stack([grey, alpha], axis=2)))
    assert build().notes == ["1 picture of 16 bits for each colour became 8, as Pillow reads them"]
    assert (idxio.load("out").images[1] == np.where(alpha, grey >> 8, 255)).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_a_picture_that_is_transparent_in_all_parts_is_bad(pics, mode):
    """As programs write 32 bits that take the fourth byte for nothing."""
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).convert(mode)
    save(pics / "a" / "1.png", 3, (8, 8, len(mode) - 1)[: len(mode)])
    image.putalpha(0)
    image.save(pics / "a" / "2.png")
    Image.new(mode, (8, 8)).save(pics / "a" / "3.png")  # and has no colours: it is white
    with pytest.raises(idxio.PictureError, match=r"2\.png is transparent in all parts") as info:
        build()
    assert len(info.value.bad) == 1
    build(skip_bad=True)
    assert (idxio.load("out").images[1] == 255).all()


def test_a_quote_that_is_not_closed_takes_no_lines_away(pics):
    for i in range(3):
        save(pics / f"{i}.png", i)
    (pics.parent / "l.csv").write_text('0.png,"a\n1.png,b\n2.png,c\n')
    with pytest.raises(idxio.FormatError, match="after line 3"):
        build(labels=pics.parent / "l.csv")


@pytest.mark.parametrize("link", [os.link, os.symlink])
@pytest.mark.parametrize("is_listed", [True, False])
def test_one_picture_of_two_classes_by_a_link(pics, link, is_listed: bool) -> None:
    for i in range(4):
        save(pics / "ab"[i % 2] / f"{i}.png", i)
    link(pics / "a" / "0.png", pics / "b" / "9.png")
    labels = listed("a/0.png,a\nb/1.png,b\na/2.png,a\nb/9.png,b\n") if is_listed else None
    with pytest.raises(
        idxio.FormatError,
        match=r"one picture under two names, by a link, with the labels 'a' and 'b'",
    ):
        build(labels=labels)
    os.rename(pics / "b" / "9.png", pics / "a" / "9.png")
    if link is os.link and not is_listed:  # in one class it is a copy as others are
        build()
        assert len(pixels()) == 5
