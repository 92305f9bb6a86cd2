"""The page of idxio view, in a real browser, on a real web server."""

import gzip
import json
import lzma
import re
import struct
import threading
import zlib

import numpy as np
import pytest
from browser import chromium
from helpers import encode, members
from nginx_server import nginx

import idxio
from idxio.cli.demo import digits
from idxio.cli.viewer import dataset
from idxio.cli.viewer.render import render
from idxio.cli.viewer.server import ViewServer

N = 3000
Y = (np.arange(N) * 7 % 10).astype(np.uint8)
X = np.tile(digits.draw(Y[:1000], 1), (3, 1, 1))
X[:, 0, :4] = np.frombuffer(np.arange(N, dtype=">u4").tobytes(), np.uint8).reshape(
    N, 4
)  # each another
ORDER = np.argsort(Y, kind="stable")  # of the sorted files
IMAGES = "train-images-idx3-ubyte.gz"
LABELS = "train-labels-idx1-ubyte.gz"
WHOLE = "document.getElementById('grid')?.dataset.drawn === 'all'"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The folder of the server, with a sorted dataset."""
    root = tmp_path_factory.mktemp("view")
    folder = new(root, "sorted")
    idxio.write_sorted(folder / IMAGES, folder / LABELS, X, Y)
    write_page(folder)
    return root


@pytest.fixture(scope="module")
def host(files, tmp_path_factory):
    with nginx(files, tmp_path_factory.mktemp("nginx") / "work") as url:
        yield url


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium") / "work") as browser:
        yield browser


@pytest.fixture
def page(browser):
    page = browser.page()
    yield page
    page.close()


def new(root, name):
    folder = root / name
    folder.mkdir()
    (folder / "dataset.json").write_text(
        json.dumps({"class_names": [f"digit {k}" for k in range(10)]})
    )
    return folder


def write_page(folder, base=""):
    (folder / "index.html").write_bytes(render(dataset.find(str(folder), None), base))


def is_open(number):
    return f"document.querySelector('dialog')?.dataset.record === '{number}'"


def text(page, place):
    """The text of an element."""
    return page.evaluate(f"document.querySelector({place!r}).textContent")


def pixels(page, canvas, x=0, y=0, width=None, height=None):
    """RGBA of a part of a canvas."""
    size = page.evaluate(
        f"(() => {{ const c = document.getElementById('{canvas}'); return [c.width, c.height]; }})()"
    )
    width, height = width or size[0], height or size[1]
    # From a copy: Chromium warns of canvases that are read often and were not made for that.
    copy = f"""(() => {{
      const copy = new OffscreenCanvas({width}, {height}).getContext('2d', {{willReadFrequently: true}});
      copy.drawImage(document.getElementById('{canvas}'), {-x}, {-y});
      return [...copy.getImageData(0, 0, {width}, {height}).data];
    }})()"""
    return np.array(page.evaluate(copy), np.uint8).reshape(height, width, 4)


def values(page):
    """The numbers in the text of the enlarged record."""
    return np.array(re.split(r"[\s,|]+", text(page, "#values").strip()), np.float64)


def assert_open(page, number, picture):
    """The page shows this record, to the pixel."""
    page.wait(is_open(number))
    np.testing.assert_array_equal(pixels(page, "picture")[..., 0], picture)
    np.testing.assert_array_equal(values(page).reshape(picture.shape), picture)


def said(page, words):
    """Wait for a sentence above the pictures."""
    page.wait(f"document.getElementById('say')?.textContent.includes({words!r})")


# Keeps the bars of a page, which go when they are full.
BARS = """
var bars = [];
new MutationObserver((changes) => {
  for (const {addedNodes} of changes) bars.push(...[...addedNodes].filter((one) => one.tagName === 'PROGRESS'));
}).observe(document, {childList: true, subtree: true});
"""


def assert_bar(page, path):
    """A bar has told how much of a file was read, and has gone."""
    bars = page.evaluate("bars.map((bar) => [bar.value, bar.max, bar.isConnected])")
    size = path.stat().st_size
    assert bars == [[size, size, False]]


def go(page, place):
    page.evaluate(f"location.hash = {place!r}")


# --- the targets ---


def test_a_class_takes_few_requests(page, host):
    page.open(f"{host}/plain/sorted/index.html#train/3")
    page.wait(WHOLE)
    assert len(page.requests) <= 8
    assert page.received <= 300_000
    first = int(np.searchsorted(Y[ORDER], 3))
    # The first two cells, each pixel twice as large, and a gap between them.
    cells = pixels(page, "grid", 10, 10, 117, 56)[..., 0]
    np.testing.assert_array_equal(cells[:, :56], X[ORDER[first]].repeat(2, 0).repeat(2, 1))
    np.testing.assert_array_equal(
        cells[:, 61:], X[ORDER[first + 1]].repeat(2, 0).repeat(2, 1)[:, :56]
    )
    assert text(page, "#where") == f"record {first:,}: 3 digit 3"
    assert text(page, "#classes [aria-pressed=true]").split() == ["3", "digit", "3", "300"]
    assert page.complaints == []


def test_a_jump_takes_two_requests_at_most(page, host):
    page.open(f"{host}/plain/sorted/index.html")
    page.wait(WHOLE)
    for number in (2321, 17, 2999):
        before = len(page.requests)
        go(page, f"#train/all/{number}")
        assert_open(page, number, X[ORDER[number]])
        page.wait(WHOLE)
        assert len(page.requests) - before <= 2
    assert text(page, "#name") == f"record 2,999: {Y[ORDER[-1]]} digit {Y[ORDER[-1]]}"
    assert page.complaints == []


def test_scrolling_draws_all_with_few_requests(page, host):
    page.open(f"{host}/plain/sorted/index.html")
    page.wait(WHOLE)
    before = len(page.requests)
    frames = """(async () => {
      const main = document.querySelector('main');
      while (main.scrollTop + main.clientHeight < main.scrollHeight - 1) {
        main.scrollTop += 200;
        await new Promise(requestAnimationFrame);
      }
    })()"""
    page.evaluate(frames)
    page.wait(WHOLE)
    assert len(page.requests) - before < 60  # for 242 chunks
    column = (N - 1) % int(page.evaluate("document.getElementById('grid').dataset.columns"))
    height = page.evaluate("document.getElementById('grid').height")
    cell = pixels(page, "grid", 10 + column * 61, height - 76, 56, 56)[..., 0]
    np.testing.assert_array_equal(cell, X[ORDER[-1]].repeat(2, 0).repeat(2, 1))
    assert page.complaints == []


def test_more_than_fits_a_page_or_the_memory(page, host, files):
    """Browsers scroll some 17 million pixels, and 96 MiB of chunks are kept: here, less of both."""
    folder = new(files, "limits")
    for name in (IMAGES, LABELS):
        (folder / name).write_bytes((files / "sorted" / name).read_bytes())
    code = render(dataset.find(str(folder), None)).decode()
    for limit, lower in (("TALLEST=8e6", "TALLEST=3e3"), ("KEEP=96 << 20", "KEEP=1 << 18")):
        assert limit in code
        code = code.replace(limit, lower)
    (folder / "index.html").write_text(code, encoding="utf-8")
    page.open(f"{host}/plain/limits/index.html")
    page.wait(WHOLE)
    assert page.evaluate("document.querySelector('main').scrollHeight") == 3000
    before = len(page.requests)
    for number in (2999, 1234, 0, 2999):
        go(page, f"#train/all/{number}")
        assert_open(page, number, X[ORDER[number]])
        page.wait(WHOLE)
    assert len(page.requests) - before == 4  # none of them was kept
    page.evaluate("document.querySelector('dialog').close()")
    page.evaluate("document.querySelector('main').scrollTop = 1e6")
    page.wait(WHOLE)
    column = (N - 1) % int(page.evaluate("document.getElementById('grid').dataset.columns"))
    height = page.evaluate("document.getElementById('grid').height")
    cell = pixels(page, "grid", 10 + column * 61, height - 76, 56, 56)[..., 0]
    np.testing.assert_array_equal(cell, X[ORDER[-1]].repeat(2, 0).repeat(2, 1))
    assert page.complaints == []


@pytest.mark.parametrize("place", ["folder", "url"])
def test_the_server_of_the_command(page, host, files, place):
    if place == "url":
        pytest.importorskip("obstore")
    folder = f"{host}/plain/sorted/" if place == "url" else str(files / "sorted")
    viewed = dataset.find(folder, None)
    with ViewServer(0, render(viewed), viewed.paths) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            page.open(f"{server.url}#train/all/2500")
            assert_open(page, 2500, X[ORDER[2500]])
            page.wait(WHOLE)
            assert text(page, "#classes button:last-child").split() == ["9", "digit", "9", "300"]
            assert len(page.requests) == 4
        finally:
            server.shutdown()
            thread.join()
    assert page.complaints == []


# --- moving about ---


def test_the_keyboard(page, host):
    page.open(f"{host}/plain/sorted/index.html#train/2")
    page.wait(WHOLE)
    first = int(np.searchsorted(Y[ORDER], 2))
    columns = int(page.evaluate("document.getElementById('grid').dataset.columns"))
    for key, place in (("ArrowRight", 1), ("ArrowDown", 1 + columns), ("ArrowLeft", columns), ("ArrowUp", 0),
                       ("ArrowUp", 0), ("End", 299), ("Home", 0)):  # fmt: skip
        page.press(key)
        assert text(page, "#where") == f"record {first + place:,}: 2 digit 2"
    page.press("Enter")
    assert_open(page, first, X[ORDER[first]])
    page.press("ArrowRight")
    assert_open(page, first + 1, X[ORDER[first + 1]])
    assert page.evaluate("location.hash") == f"#train/2/{first + 1}"
    before = json.dumps(text(page, "#values"))
    page.press("t")
    page.wait(f"document.getElementById('values').textContent !== {before}")
    np.testing.assert_array_equal(pixels(page, "picture")[..., 0], X[ORDER[first + 1]].T)
    page.press("t")
    page.press("Escape")
    page.wait("location.hash === '#train/2'")
    page.press("]")
    assert text(page, "#classes [aria-pressed=true] b") == "3"
    page.press("g")
    assert page.evaluate("document.activeElement.id") == "go"
    for key in "123":
        page.press(key)
    page.evaluate("document.activeElement.blur()")
    assert_open(page, 123, X[ORDER[123]])
    assert page.complaints == []


def test_a_click_enlarges_a_record(page, host):
    page.open(f"{host}/plain/sorted/index.html#train/all")
    page.wait(WHOLE)
    left, top = page.evaluate(
        "(() => { const b = document.getElementById('grid').getBoundingClientRect(); return [b.left, b.top]; })()"
    )
    page.click(left + 10 + 61 + 30, top + 10 + 30)
    assert_open(page, 1, X[ORDER[1]])
    assert page.complaints == []


def test_a_class_of_a_file_that_is_not_sorted(page, host, files):
    folder = new(files, "mixed")
    for split, part in (("train", slice(None)), ("t10k", slice(500))):
        idxio.write(folder / f"{split}-images-idx3-ubyte.gz", X[part])
        idxio.write(folder / f"{split}-labels-idx1-ubyte.gz", Y[part])
    write_page(folder)
    page.open(f"{host}/plain/mixed/index.html#t10k/7")
    page.wait(WHOLE)
    mine = np.flatnonzero(Y[:500] == 7)
    page.press("ArrowRight")
    page.press("Enter")
    assert_open(page, mine[1], X[mine[1]])
    assert text(page, "#facts") == "500 records, 28 \u00d7 28, uint8"
    page.evaluate("document.querySelector('dialog').close()")
    page.evaluate("document.querySelector('#splits button').click()")
    page.wait("document.getElementById('facts').textContent.startsWith('3,000')")
    page.wait(WHOLE)
    assert page.evaluate("location.hash") == "#train/all"
    assert page.complaints == []


def test_dark_and_narrow(browser, host):
    for is_dark, ground in ((False, 255), (True, 0x17)):
        page = browser.page(400, 700, is_dark=is_dark)
        page.open(f"{host}/plain/sorted/index.html")
        page.wait(WHOLE)
        assert pixels(page, "grid", 0, 0, 3, 3)[0, 0, 0] == ground
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
        assert page.evaluate("document.querySelector('main').clientHeight") > 200
        assert page.complaints == []
        page.close()


# --- any records ---


def scaled(record):
    """Values from the lowest to the highest as 0 to 255."""
    low, high = record.min(), record.max()
    return (record.astype(np.float64) / 2 - low / 2) / (float(high) / 2 - float(low) / 2) * 255


RECORDS = {
    "rgb": np.random.default_rng(0).integers(0, 256, (60, 5, 7, 3), np.uint8),
    "one-channel": np.random.default_rng(1).integers(0, 256, (60, 5, 7, 1), np.uint8),
    "planes": np.random.default_rng(2).integers(0, 256, (60, 3, 4, 6), np.uint8),
    "vector": np.random.default_rng(3).random((60, 23)).astype(np.float32),
    "long-vector": np.random.default_rng(8).integers(0, 256, (60, 2500), np.uint8),
    "float64": np.random.default_rng(4).random((60, 4, 3)),
    "int16": np.random.default_rng(5).integers(-3000, 3000, (60, 4, 3)).astype(np.int16),
    "int32": np.random.default_rng(6).integers(-(2**31), 2**31, (60, 4, 3)).astype(np.int32),
    "int8": np.random.default_rng(7).integers(-128, 128, (60, 4, 3)).astype(np.int8),
}


@pytest.mark.parametrize("name", RECORDS)
def test_any_shape_and_type(page, host, files, name):
    records = RECORDS[name]
    folder = new(files, name)
    idxio.write(folder / IMAGES, records)
    idxio.write(folder / LABELS, Y[:60])
    write_page(folder)
    page.open(f"{host}/plain/{name}/index.html#train/all/41")
    page.wait(is_open(41))
    record = records[41]
    np.testing.assert_allclose(
        values(page), (np.moveaxis(record, 0, 1) if name == "planes" else record).ravel(), rtol=1e-5
    )
    shown = pixels(page, "picture")
    if name == "rgb":
        np.testing.assert_array_equal(shown[..., :3], record)
    elif name == "planes":
        assert shown.shape[:2] == (4, 3 * 7 - 1)
        for plane in range(3):
            np.testing.assert_array_equal(shown[:, 7 * plane : 7 * plane + 6, 0], record[plane])
    elif name == "long-vector":
        assert shown.shape[:2] == (3, 1024)
        np.testing.assert_array_equal(shown[..., 0].ravel()[:2500], record)
        assert (shown[..., 3].ravel()[2500:] == 0).all()
    elif name == "one-channel":
        np.testing.assert_array_equal(shown[..., 0], record[..., 0])
    else:
        expected = scaled(np.atleast_2d(record))
        assert np.abs(shown[..., 0] - expected).max() <= 1
    page.wait(WHOLE)
    assert page.complaints == []


def test_records_that_no_canvas_holds(page, host, files):
    folder = new(files, "huge")
    idxio.write(folder / IMAGES, np.zeros((3, 2, 20_000), np.uint8))
    idxio.write(folder / LABELS, Y[:3])
    write_page(folder)
    page.open(f"{host}/plain/huge/index.html")
    said(page, "The records are too large to be drawn")
    assert page.complaints == []


@pytest.mark.parametrize("form", [b"RA", b"IX"])
def test_tables_of_others(page, host, files, form):
    """dictzip's table with chunks that are not those of idxio, and the one of long files."""
    folder = new(files, f"table-{form.decode()}")
    data = encode(X[:300])
    pieces = []
    for start in range(0, len(data), 5000):
        deflater = zlib.compressobj(6, zlib.DEFLATED, -15)
        pieces.append(
            deflater.compress(data[start : start + 5000]) + deflater.flush(zlib.Z_FULL_FLUSH)
        )
    code = "H" if form == b"RA" else "I"
    table = struct.pack(f"<H{2 + len(pieces)}{code}", 1, 5000, len(pieces), *map(len, pieces))
    extra = b"XX\x03\x00abc" + form + struct.pack("<H", len(table)) + table
    head = b"\x1f\x8b\x08\x0c" + bytes(6) + struct.pack("<H", len(extra)) + extra + b"a name\0"
    tail = b"\x03\x00" + struct.pack("<II", zlib.crc32(data), len(data))
    (folder / IMAGES).write_bytes(head + b"".join(pieces) + tail)
    idxio.write(folder / LABELS, Y[:300])
    write_page(folder)
    page.open(f"{host}/plain/{folder.name}/index.html#train/all/299")
    assert_open(page, 299, X[299])
    assert text(page, "#say") == ""
    assert all("bytes=" in asked for url, asked in page.requests if url.endswith(IMAGES))


def test_a_file_that_is_not_packed(page, host, files):
    folder = new(files, "raw")
    (folder / "train-images-idx3-ubyte").write_bytes(encode(X))
    (folder / "train-labels-idx1-ubyte").write_bytes(encode(Y))
    write_page(folder)
    page.open(f"{host}/plain/raw/index.html#train/all/2000")
    assert_open(page, 2000, X[2000])
    assert page.received < 500_000
    assert page.complaints == []


@pytest.mark.parametrize("kind", ["one-hot", "qmnist", "column"])
def test_labels_of_two_axes(page, host, files, kind):
    folder = new(files, kind)
    idxio.write(folder / IMAGES, X[:200])
    labels = {
        "one-hot": np.eye(10, dtype=np.uint8)[Y[:200]],
        "qmnist": np.concatenate([Y[:200, None], np.full((200, 7), 4)], axis=1).astype(np.int32),
        "column": Y[:200, None].astype(np.int16),
    }[kind]
    idxio.write(folder / LABELS, labels)
    write_page(folder)
    page.open(f"{host}/plain/{kind}/index.html#train/4")
    page.wait(WHOLE)
    assert text(page, "#where") == f"record {int(np.flatnonzero(Y == 4)[0])}: 4 digit 4"
    assert page.complaints == []


# --- hosts and files that can't do all ---


def test_a_host_without_ranges(page, host, files):
    page.open(f"{host}/whole/sorted/index.html#train/3/950", before=BARS)
    said(page, "gives no parts of train-images-idx3-ubyte.gz")
    assert_open(page, 950, X[ORDER[950]])
    assert_bar(page, files / "sorted" / IMAGES)
    assert len(page.requests) == 3
    assert page.complaints == []


@pytest.mark.parametrize("place", ["encoded", "identity"])
def test_a_host_with_content_encoding(page, host, files, place):
    """Of a part of what is encoded Chromium makes an error, which it does not of the identity;
    Firefox gives the part.
    """
    folder = new(files, place)
    (folder / "index.html").write_bytes(
        render(dataset.find(str(files / "sorted"), None), f"{host}/{place}/sorted/")
    )
    page.open(f"{host}/plain/{place}/index.html#train/3/950")
    said(page, "with a Content-Encoding")
    assert_open(page, 950, X[ORDER[950]])


def test_a_file_without_a_table(page, host, files):
    folder = new(files, "foreign")
    (folder / IMAGES).write_bytes(gzip.compress(encode(X), 1))
    (folder / LABELS).write_bytes(gzip.compress(encode(Y), 1))
    write_page(folder)
    page.open(f"{host}/plain/foreign/index.html#train/all/2432", before=BARS)
    said(page, f"idxio repack {IMAGES} NEW.gz writes the same data with a table")
    assert_open(page, 2432, X[2432])
    assert_bar(page, folder / IMAGES)
    assert page.complaints == []


@pytest.mark.parametrize("split", ["sorted", "foreign-small"])
def test_another_host_that_allows_it(page, host, files, split):
    """Such a page can't see the Content-Range, and so not the size of the file."""
    if split != "sorted":
        folder = new(files, split)
        (folder / IMAGES).write_bytes(gzip.compress(encode(X[:970]), 1))
        (folder / LABELS).write_bytes(gzip.compress(encode(Y[:970]), 1))
    far = host.replace("127.0.0.1", "localhost")
    folder = new(files, f"from-{split}")
    found = dataset.find(str(files / split), None)
    (folder / "index.html").write_bytes(render(found, f"{far}/shared/{split}/"))
    page.open(f"{host}/plain/from-{split}/index.html#train/all/950")
    assert_open(page, 950, X[ORDER[950] if split == "sorted" else 950])
    page.wait(WHOLE)
    assert len(page.requests) == 4
    assert page.complaints == []


def test_another_host_that_does_not_allow_it(page, host, files):
    folder = new(files, "elsewhere")
    far = host.replace("127.0.0.1", "localhost")
    (folder / "index.html").write_bytes(
        render(dataset.find(str(files / "sorted"), None), f"{far}/plain/sorted/")
    )
    page.open(f"{host}/plain/elsewhere/index.html")
    said(
        page,
        "does not let pages of other hosts read train-images-idx3-ubyte.gz: it has to allow that (CORS)",
    )


@pytest.mark.parametrize("script", ["delete window.DecompressionStream", "DecompressionStream = class { constructor(f) { if (f !== 'gzip') throw new TypeError(f); } }"])  # fmt: skip
def test_an_old_browser(page, host, script):
    page.open(f"{host}/plain/sorted/index.html", before=script)
    said(page, "This browser can't unpack the files")
    assert len(page.requests) == 1


def test_a_page_that_is_opened_as_a_file(page, files):
    page.open((files / "sorted" / "index.html").as_uri())
    said(page, "This page was opened as a file")
    said(page, "run idxio view on the folder")


BROKEN = {
    "xz": (
        lambda data: lzma.compress(encode(X[:99]), preset=0),
        "is packed with xz, which browsers can't unpack: idxio repack",
    ),
    "lfs": (
        lambda data: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "is a pointer of Git LFS",
    ),
    "html": (
        lambda data: b"<!DOCTYPE html>\n<title>hello</title>",
        "gives a web page in the place of",
    ),
    "text": (lambda data: b"hello", "is no IDX file"),
    "members": (lambda data: members(encode(X), 60_000), "has several gzip members"),
    "cut": (lambda data: data[:-90_000], "is damaged"),
    "raw-cut": (lambda data: encode(X[:900])[:-1], "bytes where its header tells of"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_sentence_for_each_broken_file(page, host, files, kind):
    folder = new(files, f"broken-{kind}")
    for name in (IMAGES, LABELS):
        (folder / name).write_bytes((files / "sorted" / name).read_bytes())
    write_page(folder)
    make, words = BROKEN[kind]
    (folder / IMAGES).write_bytes(make((folder / IMAGES).read_bytes()))
    page.open(f"{host}/plain/{folder.name}/index.html")
    said(page, words)
    assert page.complaints == []


def test_a_damaged_chunk(page, host, files):
    folder = new(files, "damaged")
    for name in (IMAGES, LABELS):
        (folder / name).write_bytes((files / "sorted" / name).read_bytes())
    write_page(folder)
    data = bytearray((folder / IMAGES).read_bytes())
    data[len(data) // 2 : len(data) // 2 + 20_000] = bytes(20_000)
    (folder / IMAGES).write_bytes(data)
    page.open(f"{host}/plain/damaged/index.html")
    page.wait(WHOLE)
    go(page, "#train/all/1500")
    said(page, "is damaged from byte")
    assert text(page, "#values") == ""


def test_a_file_that_is_replaced_meanwhile(page, host, files):
    folder = new(files, "replaced")
    for name in (IMAGES, LABELS):
        (folder / name).write_bytes((files / "sorted" / name).read_bytes())
    write_page(folder)
    page.open(f"{host}/plain/replaced/index.html")
    page.wait(WHOLE)
    idxio.write(folder / IMAGES, X[::-1])
    go(page, "#train/all/1500")
    said(page, "was replaced on the host meanwhile")
    assert text(page, "#values") == ""


@pytest.mark.parametrize("kind", ["missing", "short", "wide"])
def test_labels_that_are_none_leave_the_pictures(page, host, files, kind):
    folder = new(files, f"labels-{kind}")
    for name in (IMAGES, LABELS):
        (folder / name).write_bytes((files / "sorted" / name).read_bytes())
    write_page(folder)
    if kind == "missing":
        (folder / LABELS).unlink()
        words = f"There is no {LABELS} (404)"
    elif kind == "short":
        idxio.write(folder / LABELS, Y[:-1])
        words = "has 2,999 labels for 3,000 records: the two files don't belong together"
    else:
        idxio.write(folder / LABELS, np.arange(3 * N).reshape(N, 3).astype(np.int16))
        words = "has 3 numbers for each record and is not one-hot"
    page.open(f"{host}/plain/{folder.name}/index.html#train/all/77")
    said(page, words)
    assert_open(page, 77, X[ORDER[77]])
    assert text(page, "#name") == "record 77"
