"""fetch(): what is on this machine is found, by what is inside; what a mirror gives is held
against it.
"""

import contextlib
import gzip
import hashlib
import io
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from collections import defaultdict
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import toy_dataset
from helpers import encode
from nginx_server import nginx
from toy_dataset import FILES, OTHER_FILES, PAYLOADS, TOTAL, ZIPPED_FILES, ZIPPED_PAYLOADS

import idxio
from idxio.cli.main import main
from idxio.datasets.published import keras_npz, on_this_machine, table
from idxio.storage.download import http, to_file

TRAIN_IMAGES, TRAIN_LABELS, T10K_IMAGES, T10K_LABELS = FILES


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine without datasets; the folder of the test is the current one."""
    for dataset in (toy_dataset.TOY, toy_dataset.OTHER):
        monkeypatch.setitem(table.PUBLISHED, dataset.name, dataset)
    monkeypatch.setattr(on_this_machine, "SYSTEM", str(tmp_path / "share"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "nothing"))
    monkeypatch.setenv("IDXIO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(to_file, "_PAUSES", (0.0,))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def packed(monkeypatch):
    """Of the images of Toy only the file as published is known."""
    monkeypatch.setitem(table.PUBLISHED, "toy", toy_dataset.PACKED)


@pytest.fixture
def zipped(monkeypatch):
    """An archive with EMNIST toy."""
    data = toy_dataset.archive()
    toy_dataset.publish_zip(data, monkeypatch.setitem)
    return data


@pytest.fixture(scope="module")
def nginx_mirror(tmp_path_factory):
    """An nginx that has the datasets, the folder that it serves, and the list of its requests."""
    files = tmp_path_factory.mktemp("served")
    work = tmp_path_factory.mktemp("nginx") / "work"
    with nginx(files, work) as url:
        for name, data in FILES.items():
            (files / name).write_bytes(data)
        (files / "gzip.zip").write_bytes(toy_dataset.archive())
        yield url, files, work / "requests"


def serve(server, files=FILES, folder="", **faults):
    """Put files on a server; the URL of their folder."""
    for name, data in files.items():
        server.add(f"{folder}/{name}", data, **faults)
    return server.url + folder


def put(folder, files=FILES):
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def inside(folder):
    """What is inside of the files of a folder."""
    return {
        f"{path.name.removesuffix('.gz')}.gz": idxio.read(path).tobytes()
        for path in Path(folder).iterdir()
        if path.name != "dataset.json"
    }


def arrays(payloads):
    """What `inside` says of sound files."""
    return {name: data[16 if "images" in name else 8 :] for name, data in payloads.items()}


def left_in(folder):
    """The names in a folder, hidden ones too."""
    return sorted(os.listdir(folder))


def is_right(folder, payloads=PAYLOADS):
    return inside(folder) == arrays(payloads)


# On this machine.


def test_debians_fashion_mnist_takes_no_request(fashion_mnist, tmp_path):
    code = (
        "import sys; asked = []; sys.addaudithook(lambda event, args: asked.append(event)"
        " if event.startswith(('socket.', 'urllib.')) else None); import idxio;"
        " print(idxio.fetch('fashion-mnist')); print(asked)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{fashion_mnist}\n[]\n"
    assert not (tmp_path / "cache").exists()


def test_debians_fashion_mnist_goes_to_a_folder(fashion_mnist, monkeypatch):
    monkeypatch.setattr(on_this_machine, "SYSTEM", str(fashion_mnist.parent))
    folder = idxio.fetch("FashionMNIST", "mine")
    assert folder == "mine"
    for split, count in (("train", 60_000), ("test", 10_000)):
        ds = idxio.load(folder, split)
        assert len(ds) == count
        assert ds.class_names[9] == "Ankle boot"
    told = json.loads(Path("mine/dataset.json").read_text())
    assert told["source"] == "; ".join(str(fashion_mnist / name) for name in FILES)
    assert told["licence"].startswith("MIT")
    assert idxio.check(folder).ok


def test_a_folder_that_has_the_files_is_taken(tmp_path):
    mine = put(tmp_path / "mine")
    assert idxio.fetch("toy", mine) == str(mine)
    assert left_in(mine) == sorted(FILES)
    put(tmp_path / "cache" / "datasets" / "toy")
    assert idxio.fetch("toy") == str(tmp_path / "cache" / "datasets" / "toy")
    put(tmp_path / "share" / "other", OTHER_FILES)
    assert idxio.fetch("other") == str(tmp_path / "share" / "other")


def test_files_are_told_by_what_is_inside(tmp_path):
    unpacked = {name.removesuffix(".gz"): data for name, data in PAYLOADS.items()}
    mine = put(tmp_path / "mine", unpacked)
    (mine / "train-labels-idx1-ubyte").unlink()
    (mine / TRAIN_LABELS).write_bytes(gzip.compress(PAYLOADS[TRAIN_LABELS], 1))  # packed anew
    assert idxio.fetch("toy", "mine") == "mine"


@pytest.mark.parametrize("wrong", ["other", "damaged", "short", "page", "missing"])
def test_a_folder_with_something_else_is_left_alone(tmp_path, wrong):
    mine = put(tmp_path / "mine")
    data = {
        "other": OTHER_FILES[TRAIN_LABELS],
        "damaged": FILES[TRAIN_LABELS][:-9] + b"x" + FILES[TRAIN_LABELS][-8:],
        "short": FILES[TRAIN_LABELS][:-20],
        "page": b"<html>",
    }
    if wrong == "missing":
        (mine / TRAIN_LABELS).unlink()
    else:
        (mine / TRAIN_LABELS).write_bytes(data[wrong])
    before = {path.name: path.read_bytes() for path in mine.iterdir()}
    with pytest.raises(FileExistsError) as caught:
        idxio.fetch("toy", mine)
    assert caught.value.strerror == (
        f"is not empty, and does not have Toy's {TRAIN_LABELS}; name a new folder"
    )
    assert {path.name: path.read_bytes() for path in mine.iterdir()} == before
    assert left_in(tmp_path) == ["mine"]


@pytest.mark.parametrize("place", ["keras", "torchvision", "torchvision in DIR"])
def test_what_other_libraries_fetched_is_copied(tmp_path, monkeypatch, place):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_HOME")
    folder = {
        "keras": tmp_path / ".keras" / "datasets" / "toy",
        "torchvision": tmp_path / "data" / "Toy" / "raw",
        "torchvision in DIR": tmp_path / "mine" / "Toy" / "raw",
    }[place]
    put(folder)
    if place == "torchvision in DIR":
        assert idxio.fetch("toy", "mine") == "mine/Toy/raw"
        return
    made = idxio.fetch("toy", "mine")
    assert made == "mine"
    assert is_right("mine")
    assert left_in(tmp_path / "mine") == sorted([*FILES, "dataset.json"])


def test_places_are_looked_at_in_their_order(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    places = [
        tmp_path / "cache" / "datasets" / "toy",
        tmp_path / "share" / "toy",
        tmp_path / "keras" / "datasets" / "toy",
        tmp_path / "Toy" / "raw",
        tmp_path / "data" / "Toy" / "raw",
    ]
    for place in places:
        put(place)
    while places:
        idxio.fetch("toy", "mine")
        assert is_right("mine")
        told = json.loads(Path("mine/dataset.json").read_text())["source"].split("; ")
        assert {(tmp_path / path).parent for path in told} == {places[0]}
        assert idxio.fetch("toy", "mine") == "mine"  # before all of them
        shutil.rmtree("mine")
        # what is called as the wanted file and is another one is passed over
        wrong = places.pop(0)
        for name in FILES:
            (wrong / name).write_bytes(OTHER_FILES[name])


def test_what_is_missing_there_is_fetched(tmp_path, server):
    put(tmp_path / "data" / "Toy" / "raw")
    (tmp_path / "data" / "Toy" / "raw" / T10K_IMAGES).write_bytes(OTHER_FILES[T10K_IMAGES])
    idxio.fetch("toy", "mine", mirror=serve(server))
    assert is_right("mine")
    assert [path for _, path, _ in server.counts.log] == [f"/{T10K_IMAGES}"]


@pytest.mark.usefixtures("packed")
def test_a_fetched_file_of_which_only_the_packed_sum_is_known_is_known_again(tmp_path, server):
    idxio.fetch("toy", "mine", mirror=serve(server))
    server.reset()
    for name in PAYLOADS:  # another packing of what was fetched
        (tmp_path / "mine" / name).write_bytes(gzip.compress(PAYLOADS[name], 1))
    assert idxio.fetch("toy", "mine") == "mine"
    (tmp_path / "mine" / TRAIN_IMAGES).write_bytes(OTHER_FILES[TRAIN_IMAGES])
    with pytest.raises(FileExistsError, match=TRAIN_IMAGES):
        idxio.fetch("toy", "mine")
    (tmp_path / "mine" / TRAIN_IMAGES).write_bytes(FILES[TRAIN_IMAGES])
    (tmp_path / "mine" / "dataset.json").write_text('{"published": "toy", "files": [3]}')
    with pytest.raises(FileExistsError, match=T10K_IMAGES):  # packed anew, and nothing tells of it
        idxio.fetch("toy", "mine")


def test_the_npz_of_keras_is_unpacked(tmp_path, monkeypatch):
    arrays = {name: np.frombuffer(data[16:], np.uint8).reshape(-1, 28, 28) if "images" in name
             else np.frombuffer(data[8:], np.uint8) for name, data in PAYLOADS.items()}  # fmt: skip
    path = tmp_path / "k" / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    np.savez(path, **{keras_npz._ARRAYS[name]: array for name, array in arrays.items()})
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "k"))
    mnist = toy_dataset.PACKED._replace(name="mnist", mirrors=("http://127.0.0.1:9/",))
    monkeypatch.setitem(table.PUBLISHED, "mnist", mnist)
    with pytest.raises(OSError, match="refuses the connection"):  # it is not that of Keras
        idxio.fetch("mnist", "mine")
    monkeypatch.setattr(keras_npz, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    idxio.fetch("mnist", "mine")
    assert is_right("mine")
    assert idxio.fetch("mnist", "mine") == "mine"


def test_torchvisions_archive_of_emnist_is_unpacked(tmp_path, zipped):
    put(tmp_path / "EMNIST" / "raw", {"gzip.zip": zipped})
    idxio.fetch("emnist-toy", "mine")
    assert is_right("mine", ZIPPED_PAYLOADS)
    assert idxio.load("mine", "test").class_names[1] == "A/a"
    (tmp_path / "EMNIST" / "raw" / "gzip.zip").write_bytes(zipped[:-1000])
    with pytest.raises(OSError, match="refuses the connection"):
        idxio.fetch("emnist-toy", "again")


def forget_sums(set_item):
    """Let no checksum of the files in the archive be known, as of emnist-mnist."""
    known = table.PUBLISHED["emnist-toy"]
    unknown = tuple(file._replace(packed_md5=None) for file in known.files)
    set_item(table.PUBLISHED, "emnist-toy", known._replace(files=unknown))


@pytest.mark.parametrize("is_published", [True, False])
def test_members_without_a_checksum_are_believed_out_of_the_whole_archive(
    tmp_path, monkeypatch, zipped, is_published
):
    forget_sums(monkeypatch.setitem)
    data = bytearray(zipped)
    if not is_published:  # of the same size, and each member is sound
        data[12] ^= 1  # the day of the first member
    put(tmp_path / "EMNIST" / "raw", {"gzip.zip": bytes(data)})
    if is_published:
        idxio.fetch("emnist-toy", "mine")
        assert is_right("mine", ZIPPED_PAYLOADS)
        return
    with pytest.raises(OSError, match="refuses the connection"):
        idxio.fetch("emnist-toy", "mine")


def test_an_archive_that_was_fetched_whole_has_the_published_checksum(server, zipped, monkeypatch):
    forget_sums(monkeypatch.setitem)
    data = bytearray(zipped)
    data[12] ^= 1  # the day of the first member
    good = server.add("/good/gzip.zip", zipped, ignores_range=True)
    wrong = server.add("/wrong/gzip.zip", bytes(data), ignores_range=True)
    with pytest.warns(UserWarning, match=r"mirror 1 .* that can't be told from others"):
        idxio.fetch("emnist-toy", "mine", mirror=[wrong, good])
    assert is_right("mine", ZIPPED_PAYLOADS)
    assert json.loads(Path("mine/dataset.json").read_text())["source"] == good


# Names, and what is asked for.


def test_an_unknown_name_is_an_error_with_the_list():
    with pytest.raises(ValueError, match="did you mean kmnist") as caught:
        idxio.fetch("knist")
    assert all(name in str(caught.value) for name in table.PUBLISHED)
    with pytest.raises(ValueError, match="no published dataset 'zebra'; There are mnist,"):
        idxio.fetch("zebra")
    with pytest.raises(TypeError, match="not 3"):
        idxio.fetch(3)
    assert main(["fetch", "zebra"]) == 2


@pytest.mark.parametrize("url", ["ftp://x/y", "/a/folder", "http://", "https://u:geheim@[x/"])
def test_a_mirror_is_the_url_of_a_web_server(url, capsys):
    with pytest.raises(ValueError, match="a mirror is a URL with http") as caught:
        idxio.fetch("toy", mirror=url)
    assert "geheim" not in str(caught.value)
    assert main(["fetch", "toy", "--mirror", url]) == 2


def test_a_directory_is_no_url():
    with pytest.raises(OSError, match="is a URL"):
        idxio.fetch("toy", "s3://bucket/toy")
    assert os.listdir() == []
    assert main(["fetch", "toy", "s3://bucket/toy"]) == 2


def test_load_names_the_command(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`idxio fetch mnist data/MNIST` puts MNIST there"):
        idxio.load("data/MNIST")
    (tmp_path / "Fashion MNIST").mkdir()
    with pytest.raises(FileNotFoundError, match=r"`idxio fetch fashion-mnist 'Fashion MNIST'`"):
        idxio.load("Fashion MNIST")
    with pytest.raises(FileNotFoundError, match=r"idxio.fetch\('emnist-letters'\)"):
        idxio.load("emnist_letters")
    with pytest.raises(FileNotFoundError) as caught:
        idxio.load("photos")
    assert "fetch" not in str(caught.value)


def test_the_table_is_whole():
    named = [name for name in table.PUBLISHED if "toy" not in name]
    assert named[:4] == ["mnist", "fashion-mnist", "kmnist", "qmnist"]
    parts = ("balanced", "byclass", "bymerge", "digits", "letters", "mnist")
    assert {f"emnist-{part}" for part in parts} < set(named)
    for dataset in table.PUBLISHED.values():
        assert len(dataset.files) == 4
        assert dataset.licence
        assert dataset.citation
        is_https = [url.startswith("https://") for url in dataset.mirrors]
        assert is_https == sorted(is_https, reverse=True)
        for file in dataset.files:
            sums = (file.sha256, file.packed_sha256, file.packed_md5)
            lengths = [len(text or "") for text in sums]
            assert all(n in (0, full) for n, full in zip(lengths, (64, 64, 32), strict=True))


def test_the_table_agrees_with_the_published_files_that_are_known():
    from idxio.core.checksums import _FILES

    stated = {(file.crc32, file.size) for one in table.PUBLISHED.values() for file in one.files}
    # the table has the labels of QMNIST with all columns
    assert set(_FILES) - stated == {(0x413971BC, 60008)}


# From mirrors that do well.


def test_a_dataset_is_fetched_once(tmp_path, server):
    calls = []
    url = serve(server)
    folder = idxio.fetch("toy", mirror=url, progress=lambda *counts: calls.append(counts))
    assert folder == str(tmp_path / "cache" / "datasets" / "toy")
    assert is_right(folder)
    assert server.counts.requests == 4
    assert server.counts.bytes == TOTAL
    assert calls[0] == (0, TOTAL)
    assert calls[-1] == (TOTAL, TOTAL)
    assert calls == sorted(calls)
    told = json.loads(Path(folder, "dataset.json").read_text())
    assert (told["source"], told["licence"], told["citation"]) == (url, "free", "A. Nobody: Toys")
    assert left_in(Path(folder).parent) == ["toy"]
    server.reset()
    assert idxio.fetch("toy", mirror=url) == folder
    assert server.counts.requests == 0
    assert idxio.check(folder).ok
    assert len(idxio.load(folder, "test")) == 200


@pytest.mark.parametrize("place", ["plain", "whole", "packed", "encoded", "agent", "redirected"])
def test_a_dataset_is_fetched_from_nginx(nginx_mirror, place):
    idxio.fetch("toy", "mine", mirror=f"{nginx_mirror[0]}/{place}/")
    assert is_right("mine")


@pytest.mark.parametrize("place", ["plain", "whole", "redirected"])
@pytest.mark.usefixtures("zipped")
def test_a_zip_is_fetched_from_nginx(nginx_mirror, place):
    idxio.fetch("emnist-toy", "mine", mirror=f"{nginx_mirror[0]}/{place}/gzip.zip")
    assert is_right("mine", ZIPPED_PAYLOADS)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_only_the_members_of_a_zip_travel(server, monkeypatch, compression):
    data = toy_dataset.archive(compression)
    toy_dataset.publish_zip(data, monkeypatch.setitem)
    url = server.add("/gzip.zip", data)
    folder = idxio.fetch("emnist-toy", mirror=url)
    assert is_right(folder, ZIPPED_PAYLOADS)
    assert server.counts.requests == 5
    assert server.counts.bytes < 0.1 * len(data)
    ds = idxio.load(folder)
    assert ds.class_names[1] == "A/a"
    assert left_in(Path(folder).parent) == ["emnist-toy"]


def test_a_password_goes_to_its_server_and_to_no_message(server, monkeypatch):
    seen = []
    url = serve(server).replace("http://", "http://me:geheim@")
    monkeypatch.setattr(
        http._OPENER, "open", lambda request, timeout: seen.append(request) or refuse()
    )

    def refuse():
        raise ConnectionRefusedError

    with pytest.raises(OSError, match=r"mirror 1 \(http://127") as caught:
        idxio.fetch("toy", "mine", mirror=url)
    # which urllib sends along to no server that it is redirected to
    assert seen[0].unredirected_hdrs == {"Authorization": "Basic bWU6Z2VoZWlt"}
    assert "Authorization" not in seen[0].headers
    assert "geheim" not in str(caught.value) + seen[0].full_url


# From mirrors that do not.

FAULTS = {
    "404": ({"status": 404}, "answers with 404 Not Found"),
    "403": ({"status": 403}, "answers with 403 Forbidden"),
    "503": ({"status": 503}, "answers with 503 Service Unavailable"),
    "circle": ({"status": 302, "location": "/train-images-idx3-ubyte.gz"}, "redirects in a circle"),
    "ftp": ({"status": 302, "location": "ftp://x/"}, "can't be reached: unknown url type: ftp"),
    "cut": ({"closes_at": 5000}, "closed the connection at byte 10,000, where"),
    "silent": ({"is_silent": True}, "gave nothing for 1 s"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_one_mirror_is_told_and_the_next_is_asked(server, monkeypatch, fault):
    if fault == "silent":
        monkeypatch.setattr(http, "PATIENCE", 1.0)
    faults, words = FAULTS[fault]
    first, second = serve(server, folder="/a"), serve(server, folder="/b")
    server.add(f"/a/{TRAIN_IMAGES}", FILES[TRAIN_IMAGES], **faults)
    if fault == "circle":
        server.resources[f"/a/{TRAIN_IMAGES}"].location = f"/a/{TRAIN_IMAGES}"
    with pytest.warns(UserWarning, match=": mirror 1 ") as told:
        idxio.fetch("toy", "mine", mirror=[first, second])
    assert is_right("mine")
    assert len(told) == 1
    assert f"toy: {TRAIN_IMAGES}: mirror 1 ({first}) {words}" in str(told[0].message)
    assert told[0].filename == __file__
    # What gave a file is asked first from then on.
    assert [path[:2] for _, path, _ in server.counts.log[-3:]] == ["/b"] * 3


@pytest.mark.parametrize("fault", FAULTS)
def test_all_mirrors_fail_and_each_reason_is_told(server, monkeypatch, capsys, fault):
    if fault == "silent":
        monkeypatch.setattr(http, "PATIENCE", 1.0)
    faults, words = FAULTS[fault]
    url = serve(server, folder="/a", **faults)
    other = serve(server, OTHER_FILES, folder="/b")
    if fault == "circle":
        server.resources[f"/a/{TRAIN_IMAGES}"].location = f"/a/{TRAIN_IMAGES}"
    code = main(["fetch", "toy", "mine", "--mirror", url, "--mirror", other])
    told = capsys.readouterr().err
    assert code == 3
    last = told.splitlines()[-1]
    assert last.startswith(f"idxio: toy: {TRAIN_IMAGES} could not be fetched: mirror 1 ({url}) ")
    assert words in last
    assert last.endswith(f"; mirror 2 ({other}) gave Other's train images")
    assert not os.path.exists("mine")


WRONG = {
    "another dataset's": (OTHER_FILES[TRAIN_IMAGES], "gave Other's train images"),
    "another file": (FILES[T10K_IMAGES], "gave Toy's t10k images"),
    "page": (b"<!DOCTYPE html><title>Welcome</title>", "gave an HTML or XML page"),
    "truncated": (FILES[TRAIN_IMAGES][:-4000], "gave a file that is damaged"),
    "damaged": (FILES[TRAIN_IMAGES][:3000] + b"damage" + FILES[TRAIN_IMAGES][3006:], "damaged"),
    "empty": (b"", "gave an empty file"),
    "longer": (
        gzip.compress(bytes(3_000_000)),
        "gave another file: more than 627,216 bytes inside",
    ),
    "shorter": (encode(np.zeros((3, 28, 28), np.uint8)), "gave another file: 2,368 bytes inside"),
    "as long": (encode(np.zeros((800, 28, 28), np.uint8)), "of the same length, with the CRC-32"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_file_is_told_and_the_next_mirror_is_asked(server, wrong):
    data, words = WRONG[wrong]
    first, second = serve(server, folder="/a"), serve(server, folder="/b")
    server.add(f"/a/{TRAIN_IMAGES}", data)
    with pytest.warns(UserWarning, match=": mirror 1 ") as told:
        idxio.fetch("toy", "mine", mirror=[first, second])
    assert words in str(told[0].message)
    assert is_right("mine")


@pytest.mark.parametrize("is_from_zip", [False, True])
def test_a_file_without_a_checksum_is_believed_out_of_the_archive_only(
    server, zipped, monkeypatch, is_from_zip
):
    unknown = tuple(file._replace(packed_md5=None) for file in toy_dataset.ZIPPED.files)
    dataset = table.PUBLISHED["emnist-toy"]._replace(files=unknown)
    monkeypatch.setitem(table.PUBLISHED, "emnist-toy", dataset)
    if is_from_zip:
        idxio.fetch("emnist-toy", "mine", mirror=server.add("/gzip.zip", zipped))
        assert is_right("mine", ZIPPED_PAYLOADS)
        assert idxio.fetch("emnist-toy", "mine") == "mine"
        return
    with pytest.raises(OSError, match="gave a file of the right length that can't be told"):
        idxio.fetch("emnist-toy", "mine", mirror=serve(server, ZIPPED_FILES))


@pytest.mark.usefixtures("packed")
def test_a_repacked_file_of_which_only_the_packed_sum_is_known_is_not_believed(server):
    files = {**FILES, TRAIN_IMAGES: gzip.compress(PAYLOADS[TRAIN_IMAGES], 1)}
    with pytest.raises(OSError, match=r"mirror 1 .* gave a file of the right length that can't be"):
        idxio.fetch("toy", "mine", mirror=serve(server, files))


def test_nginx_that_refuses(nginx_mirror):
    mirrors = [f"{nginx_mirror[0]}/{place}/nothing" for place in ("plain", "refusing")]
    with pytest.warns(UserWarning, match="404"), pytest.raises(OSError) as caught:
        idxio.fetch("toy", "mine", mirror=mirrors)
    assert "answers with 404 Not Found; mirror 2" in str(caught.value)
    assert "answers with 403 Forbidden" in str(caught.value)
    with pytest.raises(OSError, match="refuses the connection"):
        idxio.fetch("toy", "mine", mirror="http://127.0.0.1:9")
    with pytest.raises(OSError, match="has a host name that is not known"):
        idxio.fetch("toy", "mine", mirror="http://no..host/")
    assert os.listdir() == []


@contextlib.contextmanager
def answering(answer, times):
    """A server that gives an answer so many times, whatever it is asked; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def talk():
            for _ in range(times):
                connection, _ = listening.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(4096)
                    connection.sendall(answer)

        thread = threading.Thread(target=talk)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        thread.join()


def test_a_server_that_does_not_speak_http():
    with (
        answering(b"220 mail.example.org ESMTP\r\n", 2) as url,
        pytest.raises(OSError, match="gives an answer that is no HTTP"),
    ):
        idxio.fetch("toy", "mine", mirror=url)


HEADS = {
    "redirect": (b"302 Found\r\nLocation: http://[x/", "redirects to what is no URL"),
    "length": (b"200 OK\r\nContent-Length: " + b"9" * 5000, "gave another file: 5 bytes inside"),
    "range": (
        b"206 Partial Content\r\nContent-Range: bytes 0-" + b"9" * 5000 + b"/7",
        "answers with a range that can't be understood",
    ),
}


@pytest.mark.parametrize("kind", HEADS)
def test_a_head_that_cannot_be_understood(server, kind):
    head, words = HEADS[kind]
    with (
        answering(b"HTTP/1.0 " + head + b"\r\n\r\nhello", 1) as url,
        pytest.warns(UserWarning, match=words),
    ):
        idxio.fetch("toy", "mine", mirror=[url, serve(server)])
    assert is_right("mine")


@pytest.mark.parametrize("head", [b"", b"Content-Length: 800000\r\n"])
def test_a_server_that_sends_too_much(head):
    answer = b"HTTP/1.0 200 OK\r\n" + head + b"\r\n" + bytes(1_000_000)
    words = "gives more than 771,154 bytes" if not head else "gives 800,000 bytes, more than"
    with answering(answer, 1) as url, pytest.raises(OSError, match=words):
        idxio.fetch("toy", "mine", mirror=url)
    assert os.listdir() == []


def test_a_server_that_does_not_say_how_much_it_sends(tmp_path):
    put(tmp_path / "Toy" / "raw")
    (tmp_path / "Toy" / "raw" / TRAIN_IMAGES).unlink()
    with answering(b"HTTP/1.0 200 OK\r\n\r\n" + FILES[TRAIN_IMAGES], 1) as url:
        idxio.fetch("toy", "mine", mirror=url)
    assert is_right("mine")


@pytest.mark.parametrize("text", ["bytes 7-9", "bytes 3/4", "lines 0-9/10", "bytes */10"])
def test_a_range_that_cannot_be_understood(server, text):
    url = begin(server)
    server.add(f"/{TRAIN_IMAGES}", FILES[TRAIN_IMAGES], headers={"Content-Range": text})
    with pytest.raises(OSError, match=r"range that can't be understood|gives other ranges than"):
        idxio.fetch("toy", "mine", mirror=url)


def damaged_archive():
    data = toy_dataset.archive(zipfile.ZIP_STORED)
    at = data.index(ZIPPED_FILES["emnist-toy-train-images-idx3-ubyte.gz"][100:140])
    return data[:at] + b"damage" + data[at + 6 :]


def odd_archive(flags=0, *, name=b"", **options):
    """An archive with one member, and what is wrong with it in the list of members."""
    output = io.BytesIO()
    wanted = "emnist-toy-train-images-idx3-ubyte.gz"
    with zipfile.ZipFile(output, "w") as opened:
        opened.writestr(wanted, **{"data": ZIPPED_FILES[wanted], **options})
    data = bytearray(output.getvalue())
    at = data.rindex(wanted.encode())
    data[at - 46 + 8 : at - 46 + 10] = flags.to_bytes(2, "little")
    data[at : at + len(name)] = name
    return bytes(data)


ZIP_FAULTS = {
    "encrypted": (lambda: odd_archive(1), "train-images-idx3-ubyte.gz is encrypted"),
    "bzip2": (
        lambda: odd_archive(compress_type=zipfile.ZIP_BZIP2),
        "train-images-idx3-ubyte.gz is packed with another method than deflate",
    ),
    "too long": (
        lambda: odd_archive(data=bytes(771_155), compress_type=zipfile.ZIP_DEFLATED),
        "train-images-idx3-ubyte.gz has 771,155 bytes, more than this file can have",
    ),
    "no name": (lambda: odd_archive(0x800, name=b"\xff"), "gives an archive that is damaged"),
    "page": (lambda: b"<html>".ljust(1 << 20), "gives an archive without a list of members"),
    "short": (lambda: b"<html>", "gives an archive that is damaged"),
    "others": (
        lambda: toy_dataset.archive().replace(b"emnist-toy-t", b"emnist-tax-t"),
        "gives an archive without emnist-toy-train-images",
    ),
    "damaged": (damaged_archive, "gives an archive that is damaged (Bad CRC-32"),
}


@pytest.mark.parametrize("fault", ZIP_FAULTS)
def test_a_wrong_zip(server, monkeypatch, fault):
    make, words = ZIP_FAULTS[fault]
    data = make()
    toy_dataset.publish_zip(data, monkeypatch.setitem)
    with pytest.raises(OSError) as caught:
        idxio.fetch("emnist-toy", "mine", mirror=server.add("/gzip.zip", data))
    assert words in str(caught.value)
    assert not os.path.exists("mine")


@pytest.mark.parametrize("faults", [{}, {"ignores_range": True}])
def test_a_zip_whose_members_begin_before_it(server, monkeypatch, faults):
    data = bytearray(toy_dataset.archive(zipfile.ZIP_STORED))
    at = data.rindex(b"PK\x05\x06") + 16  # where the list of members begins
    begin = int.from_bytes(data[at : at + 4], "little")
    wanted = data.index(b"gzip/emnist-toy-train-images") - 30
    data[at : at + 4] = (begin + wanted + 50).to_bytes(4, "little")
    toy_dataset.publish_zip(bytes(data), monkeypatch.setitem)
    url = server.add("/gzip.zip", bytes(data), **faults)
    with pytest.raises(OSError, match=r"mirror 1 .* gives "):
        idxio.fetch("emnist-toy", "mine", mirror=url)


@pytest.mark.parametrize("faults", [{}, {"ignores_range": True}])
def test_a_zip_of_another_size(server, monkeypatch, faults):
    """Its members count if they have a checksum."""
    other = toy_dataset.archive(zipfile.ZIP_STORED)
    toy_dataset.publish_zip(bytes(len(other) + 1), monkeypatch.setitem)
    url = server.add("/gzip.zip", other, **faults)
    idxio.fetch("emnist-toy", "mine", mirror=url)
    assert is_right("mine", ZIPPED_PAYLOADS)
    unknown = tuple(file._replace(packed_md5=None) for file in toy_dataset.ZIPPED.files)
    dataset = table.PUBLISHED["emnist-toy"]._replace(files=unknown)
    monkeypatch.setitem(table.PUBLISHED, "emnist-toy", dataset)
    with pytest.raises(OSError, match="gave a file of the right length that can't be told"):
        idxio.fetch("emnist-toy", "again", mirror=url)


# Broken off, and gone on.


def test_a_bar_tells_how_much_has_arrived(server, monkeypatch):
    told = []

    class Bar:
        n = total = 0

        def __init__(self, **options):
            told.append(options["desc"])

        def __enter__(self):
            return self

        def __exit__(self, *error):
            told.append((self.n, self.total))

        def update(self, more):
            self.n += more

    monkeypatch.setattr("tqdm.tqdm", Bar)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["fetch", "toy", "mine", "--mirror", serve(server)]) == 0
    assert told == ["toy", (TOTAL, TOTAL)]


def test_an_answer_that_breaks_off_is_gone_on_with(server):
    url = serve(server)
    server.add(f"/{TRAIN_IMAGES}", FILES[TRAIN_IMAGES], closes_at=400_000, times=1)
    idxio.fetch("toy", "mine", mirror=url)
    assert is_right("mine")
    assert server.counts.bytes <= 1.01 * TOTAL
    assert server.counts.log[1] == ("GET", f"/{TRAIN_IMAGES}", "bytes=400000-")


def interrupt_at(here):
    """A `progress` that raises KeyboardInterrupt once so much has arrived."""

    def progress(done, total):
        if done >= here:
            raise KeyboardInterrupt

    return progress


def begin(server):
    """Fetch 400,000 bytes of the first file, up to an interrupt; the URL of the mirror."""
    url = serve(server)
    server.add(f"/{TRAIN_IMAGES}", FILES[TRAIN_IMAGES], closes_at=400_000)
    with pytest.raises(KeyboardInterrupt):
        idxio.fetch("toy", "mine", mirror=url, progress=interrupt_at(400_000))
    assert left_in(".") == [".mine.part"]
    server.add(f"/{TRAIN_IMAGES}", FILES[TRAIN_IMAGES])
    server.reset()
    return url


def test_only_the_rest_is_fetched_after_an_interrupt(server):
    url = begin(server)
    idxio.fetch("toy", "mine", mirror=url)
    assert is_right("mine")
    assert server.counts.bytes == TOTAL - 400_000
    assert left_in(".") == ["mine"]


@pytest.mark.parametrize("is_replaced", [False, True])
def test_nginx_is_asked_for_the_rest(nginx_mirror, is_replaced):
    url, files, log = nginx_mirror
    before = len(log.read_text().splitlines()) + 1
    with pytest.raises(KeyboardInterrupt):
        idxio.fetch("toy", "mine", mirror=f"{url}/plain", progress=interrupt_at(300_000))
    here = os.path.getsize(f".mine.part/{TRAIN_IMAGES}.part")
    assert 300_000 <= here < len(FILES[TRAIN_IMAGES])
    while len(log.read_text().splitlines()) < before:  # it tells of a request at its end
        time.sleep(0.01)
    if is_replaced:
        os.utime(files / TRAIN_IMAGES, (1e9, 1e9))  # of which, and the size, nginx makes the ETag
    try:
        idxio.fetch("toy", "mine", mirror=f"{url}/plain")
    finally:
        os.utime(files / TRAIN_IMAGES)
    assert is_right("mine")
    while len(log.read_text().splitlines()) < before + 4 + is_replaced:
        time.sleep(0.01)
    lines = [line.split('"')[2].split() for line in log.read_text().splitlines()[before:]]
    answers = [(int(status), int(size)) for status, size in lines]
    size = len(FILES[TRAIN_IMAGES])
    rest = [(412, answers[0][1]), (200, size)] if is_replaced else [(206, size - here)]
    assert answers[: len(rest)] == rest
    assert [status for status, _ in answers[len(rest) :]] == [200] * 3


def test_files_that_had_arrived_are_not_fetched_again(server):
    url = serve(server)
    server.add(f"/{T10K_IMAGES}", FILES[T10K_IMAGES], status=404)
    with pytest.raises(OSError, match="404"):
        idxio.fetch("toy", "mine", mirror=url)
    serve(server)
    server.reset()
    idxio.fetch("toy", "mine", mirror=url)
    assert is_right("mine")
    asked = [path for _, path, _ in server.counts.log]
    assert asked == [f"/{T10K_IMAGES}", f"/{T10K_LABELS}"]
    assert json.loads(Path("mine/dataset.json").read_text())["source"] == url
    assert left_in("mine") == sorted([*FILES, "dataset.json"])


def test_an_interrupt_at_the_end_loses_nothing(server, monkeypatch):
    def interrupt(folder):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("idxio.storage.atomic_folder.AtomicFolder.commit", interrupt)
        with pytest.raises(KeyboardInterrupt):
            idxio.fetch("toy", "mine", mirror=serve(server))
    assert left_in(".") == [".mine.part"]
    server.reset()
    idxio.fetch("toy", "mine")
    assert is_right("mine")
    assert json.loads(Path("mine/dataset.json").read_text())["source"] == server.url
    assert server.counts.requests == 0


@pytest.mark.parametrize("how", ["If-Match", "no If-Match", "no ETag", "no ranges"])
def test_a_file_that_was_replaced_meanwhile_is_fetched_anew(server, how):
    url = begin(server)
    at = f"/{TRAIN_IMAGES}"
    # Of the same length, and both halves of the two would make a sound file.
    repacked = gzip.compress(PAYLOADS[TRAIN_IMAGES], 6, mtime=5)
    assert len(repacked) == len(FILES[TRAIN_IMAGES])
    faults = {
        "If-Match": {"etag": '"2"'},
        "no If-Match": {"etag": '"2"', "ignores_if_match": True},
        "no ETag": {"etag": None},
        "no ranges": {"ignores_range": True},
    }[how]
    server.add(at, repacked, **faults)
    idxio.fetch("toy", "mine", mirror=url)
    assert is_right("mine")
    assert Path("mine", TRAIN_IMAGES).read_bytes() == repacked


def test_a_file_that_changes_each_time_is_refused(server):
    url = serve(server)
    data = FILES[TRAIN_IMAGES]
    server.add(f"/{TRAIN_IMAGES}", data, closes_at=900, changes_after=1, later=data)
    with pytest.raises(OSError, match="replaced the file each time"):
        idxio.fetch("toy", "mine", mirror=url)


def test_a_long_file_may_break_off_often(monkeypatch, server):
    monkeypatch.setattr(to_file, "_WORTH", 100_000)
    url = serve(server)
    server.add(f"/{TRAIN_IMAGES}", FILES[TRAIN_IMAGES], closes_at=100_000)
    idxio.fetch("toy", "mine", mirror=url)
    assert is_right("mine")
    assert server.counts.bytes == TOTAL


def test_a_part_that_does_not_fit_is_fetched_anew(server):
    url = begin(server)
    part = Path(".mine.part", f"{TRAIN_IMAGES}.part")
    part.write_bytes(bytes(400_000))  # as after a power cut
    idxio.fetch("toy", "mine", mirror=url)
    assert is_right("mine")
    assert server.counts.bytes == 2 * TOTAL - 400_000 - (TOTAL - len(FILES[TRAIN_IMAGES]))


@pytest.mark.parametrize("note", ["", "{}", "[]", '{"file": 3}', None])
def test_a_part_without_a_note_is_fetched_anew(server, note):
    url = begin(server)
    path = Path(".mine.part", f"{TRAIN_IMAGES}.part.json")
    path.unlink() if note is None else path.write_text(note)
    idxio.fetch("toy", "mine", mirror=url)
    assert is_right("mine")
    assert server.counts.bytes == TOTAL


def test_a_part_of_another_mirror_is_fetched_anew(server):
    begin(server)
    other = serve(server, folder="/b")
    idxio.fetch("toy", "mine", mirror=other)
    assert is_right("mine")
    assert server.counts.bytes == TOTAL


def test_members_of_a_zip_are_gone_on_with(server, zipped):
    url = server.add("/gzip.zip", zipped)
    size = len(ZIPPED_FILES["emnist-toy-train-images-idx3-ubyte.gz"])
    with pytest.raises(KeyboardInterrupt):
        idxio.fetch("emnist-toy", "mine", mirror=url, progress=interrupt_at(300_000))
    here = os.path.getsize(".mine.part/emnist-toy-train-images-idx3-ubyte.gz.member.part")
    assert 300_000 <= here < size
    first = server.reset().bytes
    assert first > here
    idxio.fetch("emnist-toy", "mine", mirror=url)
    assert is_right("mine", ZIPPED_PAYLOADS)
    assert server.counts.bytes < sum(map(len, ZIPPED_FILES.values())) - here + (1 << 16) + 2000


def command(*arguments, **options):
    """A process that runs `idxio` and knows the toy dataset."""
    support = Path(toy_dataset.__file__)
    return subprocess.Popen(
        [sys.executable, str(support), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_an_archive_that_was_fetched_whole_is_not_fetched_again(server, zipped, monkeypatch):
    url = server.add("/gzip.zip", zipped, ignores_range=True)

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("idxio.datasets.published.proof.prove", interrupt)
        with pytest.raises(KeyboardInterrupt):
            idxio.fetch("emnist-toy", "mine", mirror=url)
    server.reset()
    idxio.fetch("emnist-toy", "mine", mirror=url)
    assert is_right("mine", ZIPPED_PAYLOADS)
    assert server.counts.requests == 0
    assert left_in(".") == ["mine"]


def hold(server, until):
    """Send only the first pieces of a file until something holds."""
    send = server.wait_to_send

    def wait_to_send(size, sent, since):
        while sent >= 200_000 and not until() and not server.stopped.wait(0.01):
            pass
        send(size, sent, since)

    server.wait_to_send = wait_to_send


def arrived():
    with contextlib.suppress(FileNotFoundError):
        return os.path.getsize(f".mine.part/{TRAIN_IMAGES}.part")
    return 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_command_that_is_ended_goes_on_where_it_stopped(server, number):
    url = serve(server)
    is_over = threading.Event()
    hold(server, is_over.is_set)
    process = command("fetch", "toy", "mine", "--mirror", url)
    while arrived() < 100_000 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    _, told = process.communicate()
    assert (process.returncode, told) == (-9 if number == signal.SIGKILL else 130, "")
    here = arrived()
    assert 100_000 <= here < len(FILES[TRAIN_IMAGES])
    assert not os.path.exists("mine")
    is_over.set()
    while server._in_flight:  # it still sends to the process that is gone
        time.sleep(0.01)
    server.reset()
    process = command("fetch", "toy", "mine", "--mirror", url)
    said, told = process.communicate()
    assert (process.returncode, told) == (0, "")
    assert server.counts.bytes == TOTAL - here
    assert left_in(".") == ["mine"]
    assert said == f"mine\nToy, from {url}\nlicence: free\ncite: A. Nobody: Toys\n"
    assert is_right("mine")


def test_two_processes_fetch_once(server):
    url = serve(server)
    # The new folders of both processes: the second is about to wait for the first. Where it takes
    # longer to start, it finds what the first has fetched.
    late = time.monotonic() + 8
    hold(
        server,
        lambda: (
            len([name for name in os.listdir() if name.endswith(".tmp")]) == 2
            or time.monotonic() > late
        ),
    )
    processes = [command("fetch", "toy", "mine", "--mirror", url) for _ in range(2)]
    results = [(*process.communicate(), process.returncode) for process in processes]
    assert [code for _, _, code in results] == [0, 0]
    assert server.counts.bytes == TOTAL
    assert sum("found on this machine" in said for said, _, _ in results) == 1
    assert is_right("mine")
    assert left_in(".") == ["mine"]


def test_a_full_disk_is_no_fault_of_the_mirror(server):
    url = serve(server)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000));"
        " import runpy; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    )
    support = str(Path(toy_dataset.__file__))
    words = [sys.executable, "-c", code, support, "fetch", "toy", "mine", "--mirror", url]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(support).parent),
                   os.environ.get("PYTHONPATH", "")])}  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert done.returncode == 3
    assert "File too large" in done.stderr
    assert f"{TRAIN_IMAGES}.part" in done.stderr
    assert "mirror" not in done.stderr
    server.reset()
    idxio.fetch("toy", "mine", mirror=url)
    assert is_right("mine")
    assert server.counts.bytes <= TOTAL - 290_000


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError) as caught:
        idxio.fetch("toy", "file/mine", mirror=serve(server))
    assert caught.value.filename == "file/mine"
    with pytest.raises(FileExistsError, match="is no folder"):
        idxio.fetch("toy", "file", mirror=serve(server))
    assert server.counts.requests == 0


@pytest.mark.parametrize(("size", "is_slow"), [(1000, True), (1 << 16, False)])
def test_a_slow_server_is_given_up(monkeypatch, size, is_slow):
    """Blocks that come 5 seconds apart, each within what a server may be silent."""
    blocks = iter([bytes(size)] * 9 + [b""])
    response = SimpleNamespace(
        status=200, headers=defaultdict(lambda: None), read1=lambda most: next(blocks)
    )
    monkeypatch.setattr(http.time, "monotonic", itertools.count(0, 5).__next__)
    came = []
    with pytest.raises(http.BrokenOffError, match="sends less") if is_slow else nullcontext():
        came.extend(http.Answer(response).blocks())
    assert is_slow or len(came) == 9


def test_no_warning_of_an_open_connection(server):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(OSError, match="404"):
            idxio.fetch("toy", "mine", mirror=serve(server, status=404))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a folder away")
def test_the_hidden_folder_of_another_user_is_not_used(server):
    os.mkdir(".mine.part")
    os.chown(".mine.part", 65534, 65534)
    with pytest.raises(PermissionError, match="belongs to the user 65534; remove it"):
        idxio.fetch("toy", "mine", mirror=serve(server))
    assert left_in(".") == [".mine.part"]


def test_an_empty_folder_is_filled(tmp_path, server):
    (tmp_path / "mine").mkdir()
    idxio.fetch("toy", "mine", mirror=serve(server))
    assert is_right("mine")
