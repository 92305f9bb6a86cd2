"""idxio report: the page, read as HTML and looked at in a browser; and idxio show --class."""

import base64
import gzip
import html.parser
import io
import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
from helpers import encode
from PIL import Image

import idxio
from idxio.cli.demo import digits
from idxio.cli.main import main

NAMES = [
    f"{split}-{kind}"
    for split in ("train", "t10k")
    for kind in ("images-idx3-ubyte.gz", "labels-idx1-ubyte.gz")
]
Y = np.arange(60, dtype=np.uint8) % 10
X = digits.draw(Y, 1)
BROWSER = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)


def write(folder, images=X, labels=Y, names=None):
    """A dataset whose t10k files are the start of its train files."""
    folder.mkdir(exist_ok=True)
    for name, array in zip(NAMES, (images, labels, images[:20], labels[:20]), strict=True):
        (folder / name).write_bytes(gzip.compress(encode(array), 1))
    if names is not None:
        (folder / "dataset.json").write_text(json.dumps({"class_names": names}))
    return folder


class Page(html.parser.HTMLParser):
    """What a page is made of. Raises where tags are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.images, self.tags, self.text, self._open = [], [], "", []
        self.links = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.links += [
            value
            for name, value in attributes.items()
            if name in ("src", "href", "action", "srcset")
        ]
        if tag == "img":
            assert attributes["alt"]
            data = base64.b64decode(
                attributes["src"].removeprefix("data:image/png;base64,"), validate=True
            )
            self.images.append(np.asarray(Image.open(io.BytesIO(data))))
        if tag not in ("meta", "link", "img", "line"):
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += data


def page_of(folder, *args):
    output = folder.parent / "page.html"
    assert main(["report", str(folder), "-o", str(output), *args]) in (0, 1)
    return Page(output.read_text(encoding="utf-8"))


def test_page_needs_nothing_else(tmp_path):
    page = page_of(write(tmp_path / "data", names=[*"012345678", "<script>alert(9)</script> & co"]))
    assert page.links
    assert all(link.startswith("data:") for link in page.links)
    assert "script" not in page.tags
    assert "9 <script>alert(9)</script> & co" in page.text


def test_page_shows_mean_and_samples(tmp_path):
    page = page_of(write(tmp_path / "data"))
    for k in range(10):
        mean = np.mean(X[k == Y], axis=0).round()
        assert any(image.shape == (28, 28) and (image == mean).all() for image in page.images)
        row = [
            image
            for image in page.images
            if image.shape == (28, 6 * 29 - 1) and (image[:, :28] == X[k]).all()
        ]
        assert row
        assert (row[0][:, 29:57] == X[10 + k]).all()
    assert page.tags.count("svg") == 2
    assert page.text.count("train6") == 10  # the counts
    # The findings: the t10k pictures are in train, and their first ten are shown.
    assert "pictures that train has too: 20" in page.text
    assert any((image == np.hstack([np.pad(x, ((0, 0), (0, 1)), constant_values=128) for x in X[:10]])[:, :-1]).all()
               for image in page.images if image.shape == (28, 289))  # fmt: skip


@pytest.mark.parametrize(
    "images",
    [
        np.random.default_rng(0).integers(0, 256, (60, 12, 9, 3), np.uint8),
        np.random.default_rng(0).integers(0, 256, (60, 12, 9, 1), np.uint8),
        np.random.default_rng(0).integers(0, 256, (60, 12, 9, 4), np.uint8),
        np.random.default_rng(0).integers(0, 256, (60, 300, 70), np.uint8),
        np.random.default_rng(0).random((60, 5, 6)).astype(np.float32),
        np.zeros((60, 1, 1), np.uint8),
    ],
    ids=["rgb", "one channel", "four channels", "large", "float", "one pixel"],
)
def test_page_of_any_pictures(tmp_path, images):
    page = page_of(write(tmp_path / "data", images))
    assert ("img" in page.tags) == (images.shape[-1] != 4)
    assert all(max(image.shape[0], 1) <= 64 for image in page.images)


def test_page_of_a_broken_dataset(tmp_path, capsys):
    folder = write(tmp_path / "data")
    for name in NAMES[::2]:
        (folder / name).write_bytes(b"\0\0")
    page = page_of(folder)
    assert "NOT OK: 2 errors" in page.text
    assert "NOT OK: 2 errors" in capsys.readouterr().out


def test_page_of_many_classes_shows_pictures_of_some(tmp_path):
    labels = np.arange(400, dtype=np.int16)
    page = page_of(write(tmp_path / "data", np.tile(X[:4], (100, 1, 1)), labels))
    assert "Pictures of the first 100 classes." in page.text
    assert "399" in page.text
    assert 200 <= len(page.images) < 220


def test_same_page_each_time_and_the_old_one_stays(tmp_path):
    folder, output = write(tmp_path / "data"), tmp_path / "page.html"
    for _ in range(2):
        main(["report", str(folder), "-o", str(output)])
        before = output.read_bytes()
    assert main(["report", str(folder), "-o", str(output)]) == 0
    assert output.read_bytes() == before
    assert main(["report", str(tmp_path / "nowhere"), "-o", str(output)]) == 3
    assert output.read_bytes() == before


# --- in a browser ---


@pytest.fixture
def browse(tmp_path):
    """Show a file in headless Chromium: its screenshot, and what it wrote to the console."""
    if BROWSER is None:
        pytest.skip("NOT LOOKED AT: the report page needs Chromium (apt-get install chromium)")

    def run(path, *options):
        command = [
            BROWSER, "--headless", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr", "--no-first-run",
            f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={tmp_path / 'shot.png'}",
            "--window-size=1100,2400", *(["--no-sandbox"] if os.geteuid() == 0 else []), *options, path.as_uri(),
        ]  # fmt: skip
        # Under the sanitizers, what is preloaded is for Python.
        plain = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", errors="replace", timeout=120, env=plain
        )
        assert done.returncode == 0, done.stderr
        console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
        return np.asarray(Image.open(tmp_path / "shot.png").convert("RGB")), console

    return run


def test_page_in_a_browser(tmp_path, browse):
    folder = write(
        tmp_path / "data", labels=np.where(Y == 3, 11, Y).astype(np.uint8), names=list("0123456789")
    )
    output = tmp_path / "page.html"
    assert main(["report", str(folder), "-o", str(output)]) == 1
    light, console = browse(output)
    assert console == []
    dark, console = browse(output, "--blink-settings=preferredColorScheme=0")
    assert console == []
    for shot, ground in ((light, (255, 255, 255)), (dark, (23, 23, 26))):
        assert tuple(shot[3, 3]) == ground
        # The pictures are drawn: a large part is pure black, from the ground of the digits, in
        # both.
        assert (shot == 0).all(axis=2).mean() > 0.03
        # Nothing is wider than the window: the last columns are ground alone.
        assert (shot[:, -10:] == ground).all()
    for shot, colour in ((light, (0x2F, 0x6F, 0xD0)), (dark, (0x6E, 0xA8, 0xFF))):
        assert (shot == colour).all(axis=2).sum() > 1000  # the bars of train

    # That the console would have been heard:
    output.write_text(
        output.read_text(encoding="utf-8") + "<script>console.error('heard')</script>",
        encoding="utf-8",
    )
    assert any("heard" in line for line in browse(output)[1])


# --- idxio show --class ---


def rows_of(path):
    """The pictures of a contact sheet of 28 x 28, 4 x as large; one alone is as it is."""
    sheet = np.asarray(Image.open(path))
    if sheet.shape == (28, 28):
        return [sheet]
    return [
        sheet[y : y + 112 : 4, x : x + 112 : 4]
        for y in range(0, sheet.shape[0], 112 + 14 + 4)
        for x in range(0, sheet.shape[1], 112 + 4)
    ]


@pytest.mark.parametrize("wanted", ["3", "three", "Three"])
def test_show_a_class(tmp_path, wanted):
    folder = write(tmp_path / "data", names=["zero", "one", "two", "Three", *"456789"])
    output = tmp_path / "sheet.png"
    assert (
        main(
            ["show", str(folder / NAMES[0]), "--class", wanted, "-o", str(output), "--rows", "1:5"]
        )
        == 0
    )
    for shown, expected in zip(rows_of(output), X[Y == 3][1:5], strict=True):
        np.testing.assert_array_equal(shown, expected)


def test_show_a_class_in_the_terminal(tmp_path, capsys):
    folder = write(tmp_path / "data")
    assert main(["show", str(folder / NAMES[0]), "--class", "3", "--rows=-2:"]) == 0
    title, *lines = capsys.readouterr().out.splitlines()
    assert title.endswith("60 x 28 x 28 uint8, gzip; 2 of the 6 of class 3: 43, 53")
    assert len(lines) > 10


def test_show_escapes_names(tmp_path, capsys):
    folder = write(tmp_path / "data", names=["\x1b[31mzero", *"123456789"])
    assert main(["show", str(folder / NAMES[0]), "--class", "0", "--rows=0"]) == 0
    assert "class 0 \\x1b[31mzero: 0" in capsys.readouterr().out.splitlines()[0]


def test_show_a_class_by_other_labels(tmp_path, capsys):
    folder = write(tmp_path / "data")
    (tmp_path / "mine").write_bytes(encode(Y[::-1]))
    (tmp_path / "few").write_bytes(encode(Y[:7]))
    (tmp_path / "pictures.idx").write_bytes(encode(X))
    images = str(folder / NAMES[0])
    assert (
        main(["show", images, "--class", "3", "--labels", str(tmp_path / "mine"), "--rows", "0"])
        == 0
    )
    assert capsys.readouterr().out.splitlines()[0].endswith(": 6")
    for args, said in (
        (
            [images, "--class", "3", "--labels", str(tmp_path / "few")],
            "has 7 labels for the 60 images",
        ),
        ([images, "--class", "3", "--labels", str(tmp_path / "none")], "No such file"),
        (
            [images, "--class", "3", "--labels", str(tmp_path / "pictures.idx")],
            "images and labels exchanged?",
        ),
        ([images, "--labels", str(tmp_path / "mine")], "say which class"),
        ([images, "--class", "12"], "has no class 12; it has 0, 1, 2"),
        ([images, "--class", "nine"], "has no class nine"),
        ([images, "--class", "3", "--rows", "9:"], "picks none of the 6 of class 3"),
        ([str(tmp_path / "pictures.idx"), "--class", "3"], "--labels FILE"),
        ([str(folder / NAMES[1]), "--class", "3"], "holds no images"),
    ):
        assert main(["show", *args]) in (1, 2, 3)
        error = capsys.readouterr().err
        assert re.fullmatch(r"idxio: .*\n", error)
        assert said in error
        if said == "No such file":
            assert error.startswith(f"idxio: {tmp_path / 'none'}: ")


def test_show_a_class_whose_name_is_a_number(tmp_path, capsys):
    images = str(write(tmp_path / "data", names={"0": "5", "1": "0"}) / NAMES[0])
    for wanted, title in (("5", "class 5"), ("0", "class 0 5"), ("99999999999999999999", None)):
        code = main(["show", images, "--class", wanted, "--rows", "0"])
        out = capsys.readouterr().out
        assert (code, title in out if title else out) == ((0, True) if title else (2, ""))


def test_show_reads_labels_beside_in_any_packing(tmp_path):
    for name, array in (
        ("emnist-letters-test-images-idx3-ubyte", X),
        ("emnist-letters-test-labels-idx1-ubyte", Y),
    ):
        idxio.write(tmp_path / name, array)
    write(tmp_path)  # another dataset in the same folder
    idxio.write(tmp_path / NAMES[3], (Y[:20] + 1).astype(np.uint8))
    output = tmp_path / "sheet.png"
    name = tmp_path / "emnist-letters-test-images-idx3-ubyte"
    assert main(["show", str(name), "--class", "0", "--rows", "0", "-o", str(output)]) == 0
    np.testing.assert_array_equal(rows_of(output)[0], X[0])


def test_all_splits_are_on_the_page(tmp_path):
    write(tmp_path / "a")
    for split in ("val", "unlabelled-2"):
        (tmp_path / "a" / f"{split}-images-idx3-ubyte").write_bytes(encode(X[20:25]))
        (tmp_path / "a" / f"{split}-labels-idx1-ubyte").write_bytes(encode(Y[20:25]))
    assert main(["report", str(tmp_path / "a"), "-o", str(tmp_path / "a.html")]) == 0
    text = (tmp_path / "a.html").read_text()
    page = Page(text)
    for split in ("train", "t10k", "val", "unlabelled-2"):
        assert f"{split}: share of the pixels" in page.text
    for name in ("train", "t10k", "val", "other"):
        assert f'<path class="{name}" ' in text
        assert f".{name} {{ background" in text
