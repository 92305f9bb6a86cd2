"""idxio view: the page that is written, and the server that shows it."""

import gzip
import html
import importlib.resources
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager

import numpy as np
import pytest
from helpers import encode
from range_server import RangeServer
from range_server import folder as files_in

import idxio
from idxio.cli.main import main
from idxio.cli.viewer import dataset
from idxio.cli.viewer.render import render
from idxio.cli.viewer.server import ViewServer
from idxio.compression.registry import COMPRESSIONS
from idxio.datasets.published import table

Y = np.arange(90, dtype=np.uint8) % 3
X = np.random.default_rng(0).integers(0, 256, (90, 28, 28), np.uint8)
NAMES = {"class_names": ["zero", "one", "</script><script>alert(2)</script>"]}


@pytest.fixture
def folder(tmp_path):
    """A dataset of two splits."""
    path = tmp_path / "data"
    path.mkdir()
    for split, n in (("train", 90), ("t10k", 30)):
        idxio.write(path / f"{split}-images-idx3-ubyte.gz", X[:n])
        idxio.write(path / f"{split}-labels-idx1-ubyte.gz", Y[:n])
    (path / "dataset.json").write_text(json.dumps(NAMES))
    return path


def data_of(page):
    """The dataset in a page."""
    return json.loads(re.search(r'id="dataset">(.*?)</script>', page)[1])


# --- the page that is written ---


def test_the_page_knows_all_compressions_that_browsers_can_not_unpack(folder):
    packed = data_of(render(dataset.find(str(folder), None)).decode())["packed"]
    others = [kind for kind in COMPRESSIONS if not kind.in_browsers]
    assert packed == {kind.magic[0].hex(): kind.program for kind in others}
    assert packed["fd377a585a00"] == "xz"


def test_the_page_lies_beside_the_files(folder, capsys):
    assert main(["view", str(folder), "-o", str(folder)]) == 0
    page = (folder / "index.html").read_text(encoding="utf-8")
    data = data_of(page)
    assert [split["name"] for split in data["splits"]] == ["train", "t10k"]
    for split in data["splits"]:
        assert (folder / split["images"]).is_file()
        assert (folder / split["labels"]).is_file()
    assert data["names"]["1"] == "one"
    assert data["base"] == ""
    out = capsys.readouterr().out
    assert "belongs beside train-images-idx3-ubyte.gz" in out
    assert f"{len(page.encode()):,} bytes" in out


def test_the_page_is_small_and_fetches_nothing_from_elsewhere(folder):
    page = render(dataset.find(str(folder), None)).decode()
    assert len(page.encode()) < 40_000
    assert not re.search(r"https?://|src=|@import|url\(|import\(", page)
    assert "connect-src 'self'\"" in page
    assert "default-src 'none'" in page
    assert page.count("<script") == 2  # the dataset, and the program
    assert not re.search("@[A-Z]+@", page)  # every place is filled in


@pytest.mark.parametrize("name", table.PUBLISHED)
def test_the_page_of_each_published_dataset_is_small(name):
    published = table.PUBLISHED[name]
    names = [file.name for file in published.files]
    about = {
        "licence": published.licence,
        "source": "; ".join(f"/usr/share/datasets/{name}/{file}" for file in names),
        "citation": published.citation,
    }
    classes = {label: "/".join(one) for label, one in enumerate(published.classes)}
    splits = [dataset.Split("train", *names[:2]), dataset.Split("test", *names[2:])]
    page = render(dataset.Viewed(published.title, about, classes, splits, {}))
    assert len(page) < 40_000


def test_the_page_has_the_words_of_its_template():
    """Spaces around operators are left out, and none in what is said."""
    text = importlib.resources.files("idxio.cli.viewer").joinpath("view.html").read_text("utf-8")
    page = render(dataset.Viewed("", {}, {}, [], {})).decode()
    program = page.rpartition("<script>")[2]
    words = re.findall(r"'[^'\n]*'|\"[^\"\n]*\"|`[^`\n]*`", program)
    said = [part for one in words for part in re.split(r"\$\{[^}]*\}", one) if " " in part]
    assert len(said) > 60
    assert [part for part in said if part not in text] == []


def test_the_page_is_in_the_package():
    text = importlib.resources.files("idxio.cli.viewer").joinpath("view.html").read_text("utf-8")
    assert "<main" in text


def test_titles_and_names_are_text(folder):
    (folder / "dataset.json").write_text(
        json.dumps({**NAMES, "name": "<b> & 'c'", "licence": "<i>", "other": "no"})
    )
    page = render(dataset.find(str(folder), None)).decode()
    assert html.escape("<b> & 'c'") in page
    assert "<b> &" not in page
    data = data_of(page)
    assert data["names"]["2"] == NAMES["class_names"][2]
    assert data["about"] == {"licence": "<i>"}


def test_a_file_or_a_new_folder(folder, tmp_path):
    assert main(["view", str(folder), "-o", str(tmp_path / "look.html")]) == 0
    assert main(["view", str(folder), "-o", str(tmp_path / "new" / "site")]) == 0
    assert (tmp_path / "look.html").read_bytes() == (
        tmp_path / "new" / "site" / "index.html"
    ).read_bytes()


def test_a_page_of_another_program_stays(folder, capsys):
    assert main(["view", str(folder), "-o", str(folder)]) == 0
    assert main(["view", str(folder), "-o", str(folder)]) == 0  # its own is replaced
    (folder / "index.html").write_text("<h1>mine</h1>")
    assert main(["view", str(folder), "-o", str(folder)]) == 2
    assert "not by idxio view" in capsys.readouterr().err
    assert (folder / "index.html").read_text() == "<h1>mine</h1>"
    assert main(["view", str(folder), "-o", str(folder / "index.html")]) == 0  # named


def test_splits_in_folders_and_of_several_datasets(tmp_path):
    for name in ("emnist-letters", "emnist-digits"):
        for split in ("train", "test"):
            idxio.write(tmp_path / f"{name}-{split}-images-idx3-ubyte.gz", X)
            idxio.write(tmp_path / f"{name}-{split}-labels-idx1-ubyte.gz", Y)
    found = dataset.find(str(tmp_path), "emnist-digits")
    assert [split.images for split in found.splits] == [
        "emnist-digits-train-images-idx3-ubyte.gz",
        "emnist-digits-test-images-idx3-ubyte.gz",
    ]
    assert found.title == "emnist-digits"
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    idxio.write(raw / "train-images-idx3-ubyte", X)
    idxio.write(raw / "train-labels-idx1-ubyte", Y)
    found = dataset.find(str(tmp_path / "MNIST"), None)
    assert found.splits == [("train", "raw/train-images-idx3-ubyte", "raw/train-labels-idx1-ubyte")]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 3, "No such file"),
        (["."], 3, "train"),
        (["data", "--port", "70000"], 2, "is no port"),
        (["data", "-o", "s3://bucket/x"], 2, "is a URL"),
    ],
)
def test_errors_are_one_line(folder, monkeypatch, capsys, arguments, code, words):
    monkeypatch.chdir(folder.parent)
    assert main(["view", *arguments]) == code
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_a_port_that_is_taken(folder, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["view", str(folder), "--port", port, "--no-browser"]) == 2
    assert re.fullmatch(rf"idxio: --port {port}: .*in use\n", capsys.readouterr().err)


# --- the server ---


@contextmanager
def serving(page, paths):
    """A server in a thread of its own."""
    with ViewServer(0, page, paths) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()


def ask(url, method="GET", **headers):
    """Status, headers and body of an answer."""
    request = urllib.request.Request(url, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def test_the_server_gives_the_page_and_ranges(folder):
    found = dataset.find(str(folder), None)
    page = render(found)
    name = found.splits[0].images
    data = (folder / name).read_bytes()
    with serving(page, found.paths) as url:
        assert ask(url)[2] == page
        assert ask(f"{url}index.html")[2] == page
        assert ask(url + name)[2] == data
        status, headers, body = ask(url + name, Range="bytes=100-199")
        assert (status, body) == (206, data[100:200])
        assert headers["Content-Range"] == f"bytes 100-199/{len(data)}"
        assert ask(url + name, Range="bytes=100-")[2] == data[100:]
        assert ask(url + name, Range=f"bytes=5-{10 * len(data)}")[2] == data[5:]
        assert ask(url + name, Range="bytes=1-2,4-5")[::2] == (200, data)
        status, headers, _ = ask(url + name, Range=f"bytes={len(data)}-")
        assert (status, headers["Content-Range"]) == (416, f"bytes */{len(data)}")
        status, headers, body = ask(url + name, "HEAD")
        assert (status, body, headers["Content-Length"]) == (200, b"", str(len(data)))


def test_the_server_gives_nothing_else(folder):
    found = dataset.find(str(folder), None)
    with serving(b"page", found.paths) as url:
        for name in (
            "dataset.json",
            "../data/dataset.json",
            "%2e%2e/data/dataset.json",
            "/etc/passwd",
            "x",
        ):
            assert ask(url + name)[0] == 404
        assert ask(url, Host="evil.example.org")[::2] == (
            403, b"this server answers to 127.0.0.1 and localhost alone\n"
        )  # fmt: skip
        assert ask(url, Host="localhost:7")[2] == b"page"


def test_a_file_that_is_replaced_is_an_error(folder):
    found = dataset.find(str(folder), None)
    name = found.splits[0].labels
    with serving(b"page", found.paths) as url:
        assert ask(url + name)[0] == 200
        with open(folder / name, "ab") as file:
            file.write(b"more")
        status, _, body = ask(url + name)
    assert status == 502
    assert b"was replaced or written to" in body


def test_a_url_is_passed_through(folder, tmp_path, capsys):
    pytest.importorskip("obstore")
    with RangeServer(find=files_in(folder)) as host:
        found = dataset.find(f"{host.url}/", None)
        assert found.splits == dataset.find(str(folder), None).splits
        assert found.class_names[1] == "one"
        name = found.splits[0].images
        data = (folder / name).read_bytes()
        with serving(render(found), found.paths) as url:
            assert ask(url + name, Range="bytes=1000-1999")[2] == data[1000:2000]
            assert ask(url + name)[2] == data
        # A page that is written reads from the URL.
        assert main(["view", host.url, "-o", str(tmp_path / "far.html")]) == 0
        page = (tmp_path / "far.html").read_text(encoding="utf-8")
        assert data_of(page)["base"] == f"{host.url}/"
        assert f"connect-src 'self' {host.url}\"" in page
        assert "belongs beside" not in capsys.readouterr().out
        assert main(["view", f"{host.url}/?token=hunter2", "-o", str(tmp_path / "no.html")]) == 2
        error = capsys.readouterr().err
        assert "has a query or a password" in error
        assert "hunter2" not in error
        assert not (tmp_path / "no.html").exists()


def test_a_dataset_of_several_at_a_url(tmp_path):
    pytest.importorskip("obstore")
    for split in ("train", "test"):
        for name in ("emnist-letters", "emnist-digits"):
            idxio.write(tmp_path / f"{name}-{split}-images-idx3-ubyte.gz", X)
            idxio.write(tmp_path / f"{name}-{split}-labels-idx1-ubyte.gz", Y)
    with RangeServer(find=files_in(tmp_path)) as host:
        found = dataset.find(f"{host.url}/", "emnist-letters")
        assert found.title == "emnist-letters"
        assert [split.images for split in found.splits] == [
            "emnist-letters-train-images-idx3-ubyte.gz",
            "emnist-letters-test-images-idx3-ubyte.gz",
        ]


def test_a_host_that_fails_is_told(folder):
    pytest.importorskip("obstore")
    with RangeServer({"/x": b"data"}) as host:
        paths = {"x": f"{host.url}/nothing"}
        with serving(b"page", paths) as url:
            status, headers, body = ask(f"{url}x")
    assert status == 502
    assert headers["Content-Type"].startswith("text/plain")
    assert body


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_command_serves_until_it_is_stopped(folder, number, code):
    # Where the tests run in the background, they ignore SIGINT, and so would this process.
    code_of_command = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        " from idxio.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code_of_command, "view", str(folder), "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        url = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())[0]
        assert b"<main" in ask(url)[2]
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code
    assert error == ""


def test_the_browser_is_opened_on_a_desktop_alone(folder, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr(ViewServer, "serve_forever", lambda self: None)
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["view", str(folder)]) == 0
    assert opened == []
    monkeypatch.setenv("DISPLAY", ":0")
    assert main(["view", str(folder), "--no-browser"]) == 0
    assert opened == []
    assert main(["view", str(folder)]) == 0
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", opened[0])


def test_files_of_others_are_viewed_too(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(encode(X)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(encode(Y))
    found = dataset.find(os.fspath(tmp_path), None)
    assert found.splits == [("train", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte")]
    assert found.class_names == {}
