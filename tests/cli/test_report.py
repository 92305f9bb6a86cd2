"""idxio report: the page, read as HTML and looked at in a browser; and idxio show --class."""

import base64
import contextlib
import gzip
import html
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
    assert page.text.count("train610.0 %") == 10  # the counts
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
    assert "Pictures of the first 200 classes." in page.text
    assert "399" in page.text
    # of each a mean, a random and an unusual record, and of 20 also those of t10k
    assert 600 <= len(page.images) < 680


def test_same_page_each_time_and_the_old_one_stays(tmp_path):
    folder, output = write(tmp_path / "data"), tmp_path / "page.html"
    for _ in range(2):
        main(["report", str(folder), "-o", str(output)])
        before = output.read_bytes()
    assert main(["report", str(folder), "-o", str(output)]) == 0
    assert output.read_bytes() == before
    assert main(["report", str(tmp_path / "nowhere"), "-o", str(output)]) == 3
    assert output.read_bytes() == before


def test_bars_have_one_scale(tmp_path):
    folder = write(tmp_path / "data")
    assert main(["report", str(folder), "-o", str(tmp_path / "page.html")]) == 0
    text = (tmp_path / "page.html").read_text()
    widths = re.findall(r'<i class="(\w+)" style="width:([\d.]+)%">', text)
    assert widths == [("train", "100.0"), ("t10k", "33.3")] * 10


def strips(folder):
    """The strips of a page: the text that describes each, and the captions of its pictures."""
    output = folder.parent / "page.html"
    assert main(["report", str(folder), "-o", str(output)]) in (0, 1)
    found = re.findall(
        r'<div class="strip" style="--n:(\d+)"><img [^>]*alt="([^"]*)">(.*?)</div>',
        output.read_text(),
    )
    shown = {}
    for count, alt, captions in found:
        words = re.findall(r"<span>(.*?)</span>", captions)
        assert len(words) == int(count)
        shown.setdefault(alt, []).append([re.sub("<.*?>", " ", text).strip() for text in words])
    return shown


def test_random_and_unusual_records(tmp_path):
    rng = np.random.default_rng(5)
    labels = (np.arange(900) % 3).astype(np.uint8)
    images = rng.integers(0, 20, (900, 6, 5), np.uint8)
    images[301] = 255  # of class 1
    folder = write(tmp_path / "data", images, labels)
    # Other pictures than those of train, of which one of class 2 is odd.
    test = rng.integers(0, 20, (90, 6, 5), np.uint8)
    test[50] = 255
    idxio.write(folder / NAMES[2], test)
    idxio.write(folder / NAMES[3], labels[:90])
    shown = strips(folder)
    for k in range(3):
        ours, theirs = shown[f"random pictures of class {k}"]
        assert (len(ours), len(theirs)) == (10, 5)
        for numbers, first in ((ours, 900), (theirs, 90)):
            assert numbers == sorted(set(numbers), key=int)
            assert {int(number) % 3 for number in numbers} == {k}
            assert int(numbers[-1]) < first
        assert ours != [str(number) for number in range(k, 30, 3)]
    assert shown["unusual pictures of class 1"][0][0] == "301"
    assert shown["unusual pictures of class 2"][0][0] == "t10k 50"
    assert len(shown["unusual pictures of class 2"][0]) == 5
    assert strips(folder) == shown


def test_findings_name_the_partner(tmp_path):
    images = np.random.default_rng(2).integers(0, 256, (60, 6, 5), np.uint8)
    images[40:50] = images[3]  # ten copies of one picture
    images[55] = images[7]
    labels = Y.copy()
    labels[55] = 9
    folder = write(tmp_path / "data", images, labels, names=[f"<{k}>" for k in range(10)])
    test = np.random.default_rng(3).integers(0, 256, (20, 6, 5), np.uint8)
    test[4] = images[12]
    idxio.write(folder / NAMES[2], test)
    captions = [caption for some in strips(folder).values() for one in some for caption in one]
    assert "4: &lt;4&gt; = train 12: &lt;2&gt;" in captions  # the leak
    # One of the ten copies; it has another label than the first.
    assert "40: &lt;0&gt; = train 3: &lt;3&gt; and 9 more" in captions
    assert not [caption for caption in captions if caption.startswith("41: ")]
    assert "7: &lt;7&gt; = train 55: &lt;9&gt;" in captions
    assert "55: &lt;9&gt; = train 7: &lt;7&gt;" in captions

    lines = ["split,record,file,label,sha256"]
    lines += [f"train,{i},{k}/{i}&.png,{k},{'0' * 64}" for i, k in enumerate(labels.tolist())]
    (folder / "sources.csv").write_text("\n".join(lines) + "\n")
    captions = [caption for some in strips(folder).values() for one in some for caption in one]
    assert "7: &lt;7&gt;, 7/7&amp;.png = train 55: &lt;9&gt;, 9/55&amp;.png" in captions


def test_colour_and_channels(tmp_path):
    images = np.zeros((60, 12, 9, 3), np.uint8)
    images[..., 0] = 250
    images[:30, ..., 1] = 100
    images[::7, 3:6, 3:6, 2] = 30
    page = page_of(write(tmp_path / "data", images))
    text = (tmp_path / "page.html").read_text()
    means = [image for image in page.images if image.shape == (12, 9, 3)]
    assert means
    for mean in means:
        assert (mean[..., 0] == 250).all()
        assert mean[..., 1].max() <= 100
    for name in ("red", "green", "blue"):
        assert text.count(f'<path class="{name}"') == 2
    assert "mean=[0.9804, 0.1961, " in page.text


def test_page_says_what_is_known_of_the_dataset(tmp_path):
    folder = write(tmp_path / "data")
    about = {"name": "Digits", "licence": "CC0 <1.0>", "source": "https://example.org",
             "citation": 7, "class_names": list("0123456789")}  # fmt: skip
    (folder / "dataset.json").write_text(json.dumps(about))
    page = page_of(folder)
    text = (tmp_path / "page.html").read_text()
    assert "<h1>Digits</h1>" in text
    assert "<title>Digits</title>" in text
    assert "licenceCC0 <1.0>" in page.text
    assert "sourcehttps://example.org" in page.text
    assert "citation" not in page.text
    for name in NAMES:
        with idxio.open(folder / name) as f:
            crc = f"{idxio.verify(folder / name).crc32:08x}"
            assert crc in page.text
            if f.ndim == 3:
                assert f"{f.nbytes:,} bytes" in page.text
    assert "classes differ mostnone" in page.text.replace("\n", "")
    assert f"made by idxio {idxio.__version__}" in page.text


def test_page_compares_the_splits(tmp_path):
    folder = write(tmp_path / "data")
    labels = Y[:20].copy()
    labels[labels == 4] = 3
    idxio.write(folder / NAMES[3], labels)
    page = page_of(folder)
    assert "3: 20.0 %, 10.0 % of train" in page.text
    mean, std = X.mean() / 255, X.std() / 255
    assert f"mean, of 0 to 1{mean:.4f}{X[:20].mean() / 255:.4f}" in page.text
    assert f"standard deviation{std:.4f}{X[:20].std() / 255:.4f}" in page.text


@pytest.mark.parametrize("channels", [(), (3,)])
def test_code_to_paste_runs(tmp_path, monkeypatch, channels):
    rng = np.random.default_rng(0)
    write(tmp_path / "data", rng.integers(0, 256, (60, 9, 8, *channels), np.uint8))
    page_of(tmp_path / "data")
    code = re.search(r"<pre>(.*?)</pre>", (tmp_path / "page.html").read_text(), re.DOTALL)[1]
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(html.unescape(code), names)
    assert names["images"].shape == (60, 9, 8, *channels)
    assert abs(names["images"].mean()) < 0.01
    assert abs(names["images"].std() - 1) < 0.01


def test_code_to_paste_names_one_of_several_datasets(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for start in ("a-train", "a-test", "b-train"):
        idxio.write(folder / f"{start}-images-idx3-ubyte", X)
        idxio.write(folder / f"{start}-labels-idx1-ubyte", Y)
    assert "idxio.load('data', split='a-train')" in page_of(folder, "--dataset", "a").text


def test_page_of_200_classes_is_small(tmp_path):
    rng = np.random.default_rng(0)  # noise can't be compressed
    folder = tmp_path / "data"
    folder.mkdir()
    for split, count in (("train", 3000), ("t10k", 600)):
        images = rng.integers(0, 256, (count, 32, 32, 3), np.uint8)
        idxio.write(folder / f"{split}-images-idx4-ubyte", images)
        idxio.write(folder / f"{split}-labels-idx1-ubyte", np.arange(count, dtype=np.int16) % 200)
    page = page_of(folder)
    assert (tmp_path / "page.html").stat().st_size < 2_000_000
    assert len(page.images) >= 600  # a mean, random and unusual ones of each class


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

    # Nor in a window of 400 pixels, which a frame stands for.
    narrow = tmp_path / "narrow.html"
    script = "if (document.documentElement.scrollWidth > innerWidth) console.error('too wide')"
    text = output.read_text(encoding="utf-8")
    narrow.write_text(f"{text}<script>{script}</script>", encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text('<iframe src="narrow.html" style="width:400px;height:2000px;border:0">')
    assert browse(frame)[1] == []
    wide = f'{text}<div style="width:500px">x</div><script>{script}</script>'
    narrow.write_text(wide, encoding="utf-8")
    assert any("too wide" in line for line in browse(frame)[1])

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


def test_progress_goes_through_both_passes(tmp_path, monkeypatch):
    calls = []

    @contextlib.contextmanager
    def heard(*_):
        yield lambda done, total: calls.append((done, total))

    monkeypatch.setattr("idxio.cli.report.bar", heard)
    page_of(write(tmp_path / "data"))
    twice = 2 * 80 * 784
    assert calls == sorted(calls)
    assert {total for _, total in calls} == {twice}
    assert calls[-1] == (twice, twice)
