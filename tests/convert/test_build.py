"""idxio.build: a folder of pictures to the four files."""

import gzip
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zlib

import idx2numpy
import mnist
import numpy as np
import pytest
from helpers import children
from PIL import Image, PngImagePlugin

import idxio
from idxio.cli.main import main
from idxio.convert import pipeline
from idxio.convert.images.records import ConversionSpec, convert
from idxio.convert.process_pool import ProcessPool

FOUR = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
]


def picture(seed, shape=(28, 28)):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def save(array, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(array).save(path)
    return array


@pytest.fixture
def classes(tmp_path):
    """A folder with 3 classes of 14, 21 and 7 pictures, and the pictures of each by name."""
    made = {}
    for label, (name, count) in enumerate([("boot ß", 14), ("dress", 21), ("Coat  ", 7)]):
        for i in range(count):
            made[f"{name}/{i:02} é.png"] = save(
                picture(100 * label + i), f"{tmp_path}/in/{name}/{i:02} é.png"
            )
    return tmp_path, made


def read(folder):
    names = json.loads((folder / "dataset.json").read_text())["files"]
    return [idxio.read(folder / name) for name in names]


def no_leftovers(folder):
    return [name for name in os.listdir(folder) if name.endswith(".tmp")] == []


def side_by_hash(folder, made):
    """Whether each picture tests: below a seventh, or the least of a class without such a one."""
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in made}
    least = {
        min((sums[n], n) for n in made if n.split("/")[0] == name.split("/")[0])[1] for name in made
    }
    return {name: int(sums[name], 16) * 7 < 1 << 256 or name in least for name in made}


def test_four_files(classes):
    tmp_path, made = classes
    seen = []
    built = idxio.build(f"{tmp_path}/in", tmp_path / "out", progress=lambda *p: seen.append(p))
    assert built.class_names == ["Coat", "boot ß", "dress"]  # blanks around a name do not count
    assert sorted(os.listdir(tmp_path / "out")) == sorted([*FOUR, "dataset.json", "sources.csv"])
    tests = side_by_hash(tmp_path / "in", made)
    count = sum(tests.values())
    assert [file.shape for file in built.files] == [
        (42 - count, 28, 28),
        (42 - count,),
        (count, 28, 28),
        (count,),
    ]
    assert built.skipped == []
    train, train_labels, test, test_labels = read(tmp_path / "out")
    # Every picture is there once, with its label.
    expected = sorted(
        (made[name].tobytes(), built.class_names.index(name.split("/")[0].strip())) for name in made
    )
    rows = [
        (image.tobytes(), int(label))
        for image, label in zip([*train, *test], [*train_labels, *test_labels], strict=True)
    ]
    assert sorted(rows) == expected
    assert sorted(image.tobytes() for image in test) == sorted(
        made[name].tobytes() for name in made if tests[name]
    )
    assert seen[-1] == (84, 84)
    assert seen == sorted(seen)
    assert no_leftovers(tmp_path)


def test_other_readers(classes):
    tmp_path, _ = classes
    idxio.build(tmp_path / "in", tmp_path / "out")
    ours = dict(zip(FOUR, read(tmp_path / "out"), strict=True))
    for name, array in ours.items():
        path = tmp_path / "out" / name
        with gzip.open(path) as file:
            assert np.array_equal(idx2numpy.convert_from_file(file), array)
        data = subprocess.run(["gunzip", "-c", path], check=True, capture_output=True).stdout
        assert data[4 + 4 * array.ndim :] == array.tobytes()
    images, labels = mnist.MNIST(
        str(tmp_path / "out"), return_type="numpy", gz=True
    ).load_training()
    assert np.array_equal(images.reshape(-1, 28, 28), ours[FOUR[0]])
    assert np.array_equal(labels, ours[FOUR[1]])


def test_description(classes):
    tmp_path, _ = classes
    built = idxio.build(tmp_path / "in", tmp_path / "out", test_per_class=2, seed=7)
    about = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert about["class_names"] == ["Coat", "boot ß", "dress"]
    assert about["counts"] == {"train": [5, 12, 19], "t10k": [2, 2, 2]}
    assert (about["seed"], about["test_per_class"], about["sorted"], about["pipeline"]) == (
        7,
        2,
        False,
        "none",
    )
    assert list(about["files"]) == FOUR
    for name, info in zip(FOUR, built.files, strict=True):
        found = idxio.verify(tmp_path / "out" / name)
        assert int(about["files"][name]["crc32"], 16) == found.crc32 == info.crc32
        assert tuple(about["files"][name]["shape"]) == found.shape
        assert info.file == str(tmp_path / "out" / name)


def test_the_same_pictures_give_the_same_bytes(classes):
    tmp_path, _ = classes
    for name, options in {"a": {"threads": 1}, "b": {"threads": 3}, "c": {"seed": 1}}.items():
        idxio.build(tmp_path / "in", tmp_path / name, **options)
    for name in [*FOUR, "dataset.json", "sources.csv"]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / FOUR[0]).read_bytes() != (tmp_path / "c" / FOUR[0]).read_bytes()


def test_sides_and_order_are_frozen(tmp_path):
    """Another side, or another order for the same seed, would be another dataset."""
    for i in range(30):  # PGM: the bytes of other formats depend on the version of Pillow
        path = tmp_path / "in" / "abc"[i % 3] / f"{i:02}.pgm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"P5 2 2 255\n" + bytes([i, i, 0, 0]))
    idxio.build(tmp_path / "in", tmp_path / "out")
    train, _, test, _ = read(tmp_path / "out")
    assert train[:9, 0, 0].tolist() == [7, 4, 26, 19, 14, 3, 16, 29, 28]
    assert test[:, 0, 0].tolist() == [23, 22, 10, 2, 27, 17]
    assert (tmp_path / "out" / "sources.csv").read_text().splitlines()[:2] == [
        "split,record,file,label,sha256",
        "train,0,b/07.pgm,1,a3e53feed52af1e19a955b875aabe79e50dff610797e5235db529f8418ecfc2f",
    ]


def test_sorted(classes):
    tmp_path, made = classes
    idxio.build(tmp_path / "in", tmp_path / "out", sort=True, test_per_class=0)
    train, labels, test, test_labels = read(tmp_path / "out")
    in_order = sorted(
        made, key=lambda name: (["Coat  ", "boot ß", "dress"].index(name.split("/")[0]), name)
    )
    assert np.array_equal(train, [made[name] for name in in_order])
    assert labels.tolist() == [0] * 7 + [1] * 14 + [2] * 21
    assert (test.shape, test_labels.shape) == ((0, 28, 28), (0,))


def test_fashion(tmp_path):
    made = [save(picture(i, (40 + i, 51, 3)), f"{tmp_path}/in/a/{i}.png") for i in range(9)]
    built = idxio.build(
        tmp_path / "in", tmp_path / "out", pipeline="fashion", sort=True, test_per_class=0
    )
    assert np.array_equal(read(tmp_path / "out")[0], [pipeline.fashion(array) for array in made])
    assert [os.path.basename(file.file) for file in built.files] == FOUR


def test_rgb_is_idx4(tmp_path):
    made = [save(picture(i, (5, 7, 3)), f"{tmp_path}/in/a/{i}.png") for i in range(3)]
    save(picture(9, (5, 7)), f"{tmp_path}/in/a/grey.png")
    built = idxio.build(tmp_path / "in", tmp_path / "out", sort=True, test_per_class=0)
    assert os.path.basename(built.files[0].file) == "train-images-idx4-ubyte.gz"
    images = read(tmp_path / "out")[0]
    assert np.array_equal(images[:3], made)
    assert np.array_equal(images[3], np.repeat(picture(9, (5, 7))[..., None], 3, axis=2))
    idxio.build(tmp_path / "in", tmp_path / "grey", sort=True, test_per_class=0, colour="grey")
    assert np.array_equal(read(tmp_path / "grey")[0][:3], [pipeline.grey(array) for array in made])
    idxio.build(
        tmp_path / "in", tmp_path / "fit", sort=True, test_per_class=0, pipeline="fit", size=9
    )
    assert read(tmp_path / "fit")[0].shape == (4, 9, 9, 3)


def test_many_pictures_and_classes(tmp_path):
    for i in range(300):
        save(picture(0, (2, 2)), f"{tmp_path}/in/{i}.png")
    for i in range(300, 66_000):
        os.link(f"{tmp_path}/in/{i % 300}.png", f"{tmp_path}/in/{i}.png")
    lines = [f"{i}.png,{i % 300}\n" for i in range(66_000)]
    (tmp_path / "labels.csv").write_text("".join(lines))
    built = idxio.build(
        tmp_path / "in",
        tmp_path / "out",
        labels=tmp_path / "labels.csv",
        test_per_class=0,
        sort=True,
    )
    assert built.class_names == [str(label) for label in range(300)]  # by value
    train, labels, _, _ = read(tmp_path / "out")
    assert train.shape == (66_000, 2, 2)
    assert (train == picture(0, (2, 2))).all()
    assert labels.dtype == np.int32  # a byte holds 256 classes
    assert labels.tolist() == np.repeat(range(300), 220).tolist()
    assert os.path.basename(built.files[1].file) == "train-labels-idx1-int.gz"


def test_classes_that_are_numbers(tmp_path):
    for label in range(11):
        save(np.full((2, 2), label, np.uint8), f"{tmp_path}/in/{label}/a.png")
    built = idxio.build(tmp_path / "in", tmp_path / "out", test_per_class=0)
    assert built.class_names == [str(label) for label in range(11)]
    images, labels = read(tmp_path / "out")[:2]
    assert np.array_equal(images[:, 0, 0], labels)


def test_csv(classes):
    tmp_path, made = classes
    names = list(made)[::2]
    lines = [
        "path,label",
        *(f'"{name}",{["ten", "nine"][i % 2]}' for i, name in enumerate(names)),
        "",
    ]
    (tmp_path / "labels.csv").write_text("\r\n".join(lines), encoding="utf-8-sig")
    built = idxio.build(
        tmp_path / "in",
        tmp_path / "out",
        labels=tmp_path / "labels.csv",
        sort=True,
        test_per_class=0,
    )
    assert built.class_names == ["nine", "ten"]
    images, labels = read(tmp_path / "out")[:2]
    # "ten" comes first in the CSV; sorted by label, and as the CSV has them.
    assert np.array_equal(images, [made[name] for name in names[1::2] + names[::2]])
    assert labels.tolist() == [0] * len(names[1::2]) + [1] * len(names[::2])
    for text, what in (
        ("a,b,c", "line 1 has the fields"),
        ("a.png,", "line 1"),
        ("a\udcff,b", "no CSV file in UTF-8"),
    ):
        (tmp_path / "labels.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(idxio.FormatError, match=what):
            idxio.build(tmp_path / "in", tmp_path / "no", labels=tmp_path / "labels.csv")
    (tmp_path / "labels.csv").write_text("missing.png,1\n")
    with pytest.raises(idxio.PictureError, match=r"missing\.png can't be read: No such file"):
        idxio.build(tmp_path / "in", tmp_path / "no", labels=tmp_path / "labels.csv")


def ugly(folder):
    """Fill a class folder with every kind of picture there is; name -> expected pixels, or what is
    wrong.
    """
    os.makedirs(folder)
    rgb, grey = picture(1, (28, 28, 3)), picture(2)
    kinds = {}

    def keep(name, image, expected, **options):
        image.save(f"{folder}/{name}", **options)
        kinds[name] = expected

    alpha = picture(3)
    seen = (grey.astype(float) * alpha / 255 + 255 - alpha).round()
    image = Image.fromarray(grey)
    keep("grey.png", image, grey)
    keep("grey.bmp", image, grey)
    keep("grey.tif", image, grey)
    keep("grey.webp", image, grey, lossless=True)
    keep("bilevel.png", Image.fromarray(grey > 127), np.where(grey > 127, 255, 0))
    with_alpha = Image.merge("LA", [image, Image.fromarray(alpha)])
    keep("alpha.png", with_alpha, seen)
    transparent = grey.copy()
    transparent[grey == grey[0, 0]] = 255
    keep("transparent.png", image, transparent, transparency=int(grey[0, 0]))
    deep = np.random.default_rng(4).integers(0, 65536, (28, 28), np.uint16)
    keep("16 bits.png", Image.fromarray(deep), deep // 257)
    keep("rotated.png", Image.fromarray(np.rot90(grey)), grey, exif=exif_turned())
    keep("rotated 2.png", Image.fromarray(np.rot90(grey)), grey, pnginfo=exif_of_imagemagick())
    keep("interlaced 2.png", image, grey)

    keep("colour.png", Image.fromarray(rgb), "is in colour, the first picture is grey")
    keep("cmyk.jpg", Image.fromarray(rgb).convert("CMYK"), "is in colour")
    keep("palette.gif", Image.fromarray(rgb).quantize(16), "is in colour")
    frames = [Image.fromarray(picture(i)) for i in range(3)]
    for name in ("animated.gif", "animated.png", "pages.tif", "animated.webp"):
        keep(name, frames[0], "has 3 frames", save_all=True, append_images=frames[1:])
    keep("float.tif", Image.fromarray(grey.astype(np.float32)), "holds 32-bit numbers")
    keep(
        "size.png",
        Image.fromarray(picture(5, (28, 27))),
        "is 28 x 27, the pictures before it 28 x 28",
    )
    data = png(rgb)
    for name, content, what in (
        ("cut.png", data[:700], "is broken"),
        ("cut header.png", data[:20], "is broken|Pillow can read"),
        ("flipped.png", data[:200] + bytes([data[200] ^ 255]) + data[201:], "is broken"),
        ("empty.png", b"", "is empty"),
        ("text.txt", b"hello", "no picture that Pillow knows"),
        ("page.png", b"<!DOCTYPE html><html>", "HTML"),
        ("lfs.png", b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
        ("bomb.png", png(np.zeros((1, 1), np.uint8), size=(60000, 60000)), "suspiciously large"),
        ("large.png", png(np.zeros((1, 1), np.uint8), size=(10000, 10000)), "suspiciously large"),
    ):
        with open(f"{folder}/{name}", "wb") as file:
            file.write(content)
        kinds[name] = what
    os.mkdir(f"{folder}/folder.png")
    kinds["folder.png"] = "is a folder inside a class folder"
    os.symlink("nowhere", f"{folder}/dangling.png")
    kinds["dangling.png"] = "is no file"
    os.mkfifo(f"{folder}/pipe.png")
    kinds["pipe.png"] = "is no file"
    return kinds


def exif_turned():
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it clockwise to see it upright
    return exif


def exif_of_imagemagick():
    """EXIF data as ImageMagick keeps them in a PNG file: text in digits."""
    data = exif_turned().tobytes()
    profile = PngImagePlugin.PngInfo()
    text = f"\nexif\n{len(data):8}\n{data.hex()}\n"
    profile.add_text("Raw profile type exif", text, zip=True)
    return profile


def png(array, size=None):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    data = file.getvalue()
    if size is not None:
        head = b"IHDR" + size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big") + data[24:29]
        data = data[:12] + head + zlib.crc32(head).to_bytes(4, "big") + data[33:]
    return data


def test_ugly_pictures(tmp_path):
    kinds = ugly(f"{tmp_path}/in/ugly")
    save(picture(0), f"{tmp_path}/in/a/first.png")  # says that the dataset is grey
    (tmp_path / "in" / "stray.png").write_bytes(b"")
    (tmp_path / "in" / ".hidden").write_bytes(b"")
    with pytest.raises(idxio.PictureError) as caught:
        idxio.build(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert no_leftovers(tmp_path)
    built = idxio.build(
        tmp_path / "in", tmp_path / "out", skip_bad=True, sort=True, test_per_class=0
    )
    assert sorted(caught.value.bad) == sorted(built.skipped)
    about = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert [(bad["file"], bad["reason"]) for bad in about["skipped"]] == built.skipped
    skipped = dict(built.skipped)
    assert skipped.pop("stray.png") == "lies in no class folder"
    images = list(read(tmp_path / "out")[0])
    assert np.array_equal(images.pop(0), picture(0))
    for name, expected in sorted(kinds.items()):
        if isinstance(expected, str):
            assert re.search(expected, skipped.pop(f"ugly/{name}")), name
        else:
            assert np.abs(images.pop(0).astype(int) - expected).max() <= (
                1 if "alpha" in name else 0
            ), name
    assert not images
    assert not skipped


def test_ugly_colours(tmp_path):
    rgb = picture(0, (28, 28, 3))
    image = Image.fromarray(rgb)
    alpha = picture(1)
    save(rgb, f"{tmp_path}/in/a/1.png")
    rgba = image.copy()
    rgba.putalpha(Image.fromarray(alpha))
    rgba.save(f"{tmp_path}/in/a/2.png")
    palette = image.quantize(256)
    palette.save(f"{tmp_path}/in/a/3.png")
    image.convert("CMYK").save(f"{tmp_path}/in/a/4.tif")
    idxio.build(tmp_path / "in", tmp_path / "out", sort=True, test_per_class=0)
    images = read(tmp_path / "out")[0].astype(int)
    assert np.array_equal(images[0], rgb)
    assert np.abs(images[1] - (rgb * (alpha[..., None] / 255) + 255 - alpha[..., None])).max() <= 1
    assert np.array_equal(images[2], np.asarray(palette.convert("RGB")))
    assert np.array_equal(images[3], rgb)  # plain CMYK without black and back


def test_bad_pictures_stop_early(tmp_path):
    for i in range(300):
        os.makedirs(f"{tmp_path}/in/a", exist_ok=True)
        (tmp_path / "in" / "a" / f"{i:03}").write_bytes(b"x")
    with pytest.raises(idxio.PictureError, match=r"bad among the first [12]\d\d of 300") as caught:
        idxio.build(tmp_path / "in", tmp_path / "out")
    assert 100 <= len(caught.value.bad) < 300
    with pytest.raises(idxio.PictureError, match="300 bad among the first 300"):  # nothing is left
        idxio.build(tmp_path / "in", tmp_path / "out", skip_bad=True)
    assert os.listdir(tmp_path) == ["in"]


def test_wrong_arguments(classes):
    tmp_path, _ = classes
    for options, what in (
        ({"pipeline": "mnist"}, "pipeline is one of"),
        ({"colour": "blue"}, "colour is"),
        ({"colour": "rgb", "pipeline": "fashion"}, "makes grey"),
        ({"size": 0, "pipeline": "fit"}, "size"),
        ({"test_per_class": 7}, "class 'Coat' has 7 pictures; 7 to test with"),
        ({"test_per_class": -1}, "test_per_class"),
        ({"val_per_class": -1}, "val_per_class"),
        ({"test_per_class": 3, "val_per_class": 4}, "3 to test with and 4 to validate with leave"),
        ({"val_per_class": 7}, "class 'Coat' has 7 pictures; 0 to test with and 7 to validate"),
        ({"seed": -1}, "seed"),
        ({"threads": 0}, "threads"),
    ):
        with pytest.raises(ValueError, match=what):
            idxio.build(tmp_path / "in", tmp_path / "out", **options)
    with pytest.raises(ValueError, match="holds no pictures"):
        idxio.build(tmp_path / "in" / "dress", tmp_path / "out", skip_bad=True)
    with pytest.raises(FileNotFoundError):
        idxio.build(tmp_path / "nowhere", tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for target in (tmp_path / "full", tmp_path / "full" / "file"):
        with pytest.raises(FileExistsError):
            idxio.build(tmp_path / "in", target)
    assert sorted(os.listdir(tmp_path)) == ["full", "in"]


def test_an_empty_folder_and_new_parents_are_taken(classes):
    tmp_path, _ = classes
    (tmp_path / "empty").mkdir()
    for target in (tmp_path / "empty", tmp_path / "new" / "er"):
        idxio.build(tmp_path / "in", target)
        assert len(os.listdir(target)) == 6


def test_an_empty_class_is_told(classes):
    tmp_path, _ = classes
    (tmp_path / "in" / "empty").mkdir()
    with pytest.raises(idxio.PictureError, match="empty holds no picture"):
        idxio.build(tmp_path / "in", tmp_path / "out")
    built = idxio.build(tmp_path / "in", tmp_path / "out", skip_bad=True)
    assert built.class_names == ["Coat", "boot ß", "dress"]  # no number without a good picture
    assert built.notes[0] == "no good picture, and so no number, has the class empty"


@pytest.mark.parametrize("at", [30, 60])
def test_a_failure_leaves_nothing(classes, at):
    tmp_path, _ = classes

    def fail(done, total):
        if done >= at:  # of 84: while pictures are read, or written
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        idxio.build(tmp_path / "in", tmp_path / "out", progress=fail)
    assert os.listdir(tmp_path) == ["in"]


@pytest.fixture
def always_workers(monkeypatch):
    monkeypatch.setattr("idxio.convert.process_pool._WORTH", 0)
    monkeypatch.setattr("idxio.convert.images.reader._BATCH", 5)


@pytest.mark.usefixtures("always_workers")
def test_helper_processes_give_the_same(classes):
    tmp_path, _ = classes
    before = children(os.getpid())  # of other tests
    (tmp_path / "in" / "dress" / "11 bad").write_bytes(b"x")
    for threads in (1, 2):
        built = idxio.build(
            tmp_path / "in", tmp_path / str(threads), threads=threads, skip_bad=True, sort=True
        )
        assert [path for path, _ in built.skipped] == ["dress/11 bad"]
    for name in [*FOUR, "dataset.json", "sources.csv"]:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    assert set(children(os.getpid())) <= set(before)


@pytest.mark.usefixtures("always_workers")
def test_helper_processes_end_with_a_failure(classes):
    tmp_path, _ = classes
    before = children(os.getpid())  # of other tests

    def fail(done, total):
        if done > 20:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        idxio.build(tmp_path / "in", tmp_path / "out", threads=2, progress=fail)
    assert set(children(os.getpid())) <= set(before)  # also while the exception holds the frames
    assert caught.value.__traceback__ is not None
    assert os.listdir(tmp_path) == ["in"]


def test_a_helper_process_that_dies_is_told():
    with ProcessPool(1) as workers:
        workers._processes[0].kill()
        with pytest.raises(ChildProcessError, match=r"exit code -9.*from a.png on"):
            list(workers.map(convert, [(["a.png"], ConversionSpec("none", 28, None, None))]))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_interrupted(tmp_path, number):
    rgb = picture(0, (300, 300, 3))
    save(rgb, f"{tmp_path}/in/a/0000.png")
    for i in range(1, 3000):
        os.link(f"{tmp_path}/in/a/0000.png", f"{tmp_path}/in/a/{i:04}.png")
    # A shell lets its background jobs ignore the signal, and so all that they start.
    main = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); import"
        " idxio.cli.main; "
    )
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"{main} sys.exit(idxio.cli.main.main())",
            "build",
            "in",
            "out",
            "--pipeline",
            "fit",
        ],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
    )
    helpers = []
    deadline = time.monotonic() + 60
    while len(helpers) < 2 and process.poll() is None and time.monotonic() < deadline:
        helpers = children(process.pid)
        time.sleep(0.01)
    time.sleep(0.3)  # Popen warns of a child whose start is interrupted, which ends by itself
    assert process.poll() is None
    process.send_signal(number)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert errors == b""
    assert not (tmp_path / "out").exists()
    if number == signal.SIGINT:
        assert os.listdir(tmp_path) == ["in"]
    # The helpers have read the end of their pipe.
    while (
        any(os.path.exists(f"/proc/{pid}/stat") for pid in helpers) and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    assert not any(os.path.exists(f"/proc/{pid}/stat") for pid in helpers)


MEMORY = """
import resource, sys, idxio
idxio.build("in", sys.argv[1], labels=sys.argv[2], threads=1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_is_constant(tmp_path):
    # 200 x 200 RGB: 600 of them take 72 MB unpacked.
    save(picture(0, (200, 200, 3)), f"{tmp_path}/in/0.bmp")
    for i in range(1, 600):
        os.link(f"{tmp_path}/in/0.bmp", f"{tmp_path}/in/{i}.bmp")
    peaks = []
    for count in (60, 600):
        (tmp_path / f"{count}.csv").write_text("".join(f"{i}.bmp,1\n" for i in range(count)))
        command = [sys.executable, "-c", MEMORY, f"out {count}", f"{count}.csv"]
        peaks.append(
            int(subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout)
        )
    # KB; macOS counts bytes, and is below as well if it is constant
    assert peaks[1] < peaks[0] + 30_000


def test_command(classes, capsys):
    tmp_path, _ = classes
    (tmp_path / "in" / "dress" / "bad\n.png").write_bytes(b"x")
    assert main(["build", f"{tmp_path}/in", f"{tmp_path}/out"]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert errors[0] == "idxio: dress/bad\\n.png: is no picture that Pillow knows"
    assert errors[-1] == "idxio: nothing was written; --skip-bad leaves bad pictures out"
    assert not (tmp_path / "out").exists()
    options = [
        "--skip-bad",
        "--sort",
        "--test-per-class",
        "1",
        "--pipeline",
        "fashion",
        "--size",
        "20",
        "--seed",
        "3",
    ]
    assert main(["build", f"{tmp_path}/in", f"{tmp_path}/out", *options]) == 0
    out, errors = capsys.readouterr()
    assert f"{tmp_path}/out/train-images-idx3-ubyte.gz: 39 x 20 x 20 uint8, " in out
    assert "3 classes: Coat, boot ß, dress; 1 bad pictures left out" in out
    assert "bad\\n.png" in errors
    assert main(["build", f"{tmp_path}/in", f"{tmp_path}/out"]) == 3
    assert "is not empty" in capsys.readouterr().err
    assert main(["build", f"{tmp_path}/in", f"{tmp_path}/new", "--test-per-class", "99"]) == 2
    assert "99 to test with" in capsys.readouterr().err
    assert main(["build", f"{tmp_path}/nowhere", f"{tmp_path}/new"]) == 3


def test_sixteen_bits_and_a_transparent_colour(tmp_path):
    pixels = np.array([[1000, 30000]], np.uint16)
    os.makedirs(tmp_path / "in" / "a")
    Image.fromarray(pixels).save(tmp_path / "in" / "a" / "0.png", transparency=1000)
    Image.fromarray(pixels).save(tmp_path / "in" / "a" / "1.pgm")
    built = idxio.build(tmp_path / "in", tmp_path / "out", test_per_class=0, sort=True)
    x = idxio.read(built.files[0].file)
    assert x[0, 0, 0] == 255
    assert x[1, 0, 0] < 10
    assert x[0, 0, 1] == x[1, 0, 1]


@pytest.mark.parametrize("heading", ["file_name,label", "Image,Class"])
def test_lists_with_lines_that_lead_nowhere(tmp_path, heading, capsys):
    save(picture(0), f"{tmp_path}/in/0.png")
    save(picture(1), f"{tmp_path}/in/1.png")
    os.mkfifo(tmp_path / "in" / "pipe.png")
    # csv refused zeros before
    bad = ["pipe.png", "/dev/zero", *(["0\0.png"] if sys.version_info >= (3, 11) else [])]
    lines = [heading, "0.png,a", *(f"{path},a" for path in bad), "1.png,b"]
    (tmp_path / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    built = idxio.build(
        tmp_path / "in",
        tmp_path / "out",
        labels=tmp_path / "labels.csv",
        skip_bad=True,
        test_per_class=0,
    )
    assert built.class_names == ["a", "b"]
    assert sorted(path for path, _ in built.skipped) == sorted(bad)
    for missing, what in (("none", "No such file"), ("labels.csv", "is no folder")):
        with pytest.raises(OSError, match=what):
            idxio.build(tmp_path / missing, tmp_path / "new", labels=tmp_path / "labels.csv")


def test_a_size_that_no_pipeline_heeds_is_refused(classes):
    tmp_path, _ = classes
    with pytest.raises(ValueError, match=r"size is 32, and the pipeline 'none' takes .*--pipeline"):
        idxio.build(tmp_path / "in", tmp_path / "out", size=32)


def test_a_dataset_in_the_place_of_a_new_one_tells_of_add(classes):
    tmp_path, _ = classes
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes").touch()
    with pytest.raises(FileExistsError, match="is not empty; name a new folder"):
        idxio.build(tmp_path / "in", tmp_path / "out", pipeline="fit")
    (tmp_path / "out" / "notes").unlink()
    idxio.build(tmp_path / "in", tmp_path / "out", pipeline="fit")
    with pytest.raises(FileExistsError, match=r"a dataset; .* or add to it: add=True \(--add\)"):
        idxio.build(tmp_path / "in", tmp_path / "out", pipeline="fit")
