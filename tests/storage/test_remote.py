"""Files at a URL: every reader gives from every server what the array holds."""

import gzip
import io
import json
import lzma
import os
import pickle
import subprocess
import sys
import tempfile
import uuid
from typing import Any, NamedTuple

import numpy as np
import pytest
from helpers import assert_same, encode, pack_zstd, run_threads, zstd
from nginx_server import LOCATIONS
from range_server import RangeServer, Resource
from s3_servers import KEY, SECRET

import idxio
from idxio.storage.remote import obstore_client

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("obstore")

# Longer than what the first request brings, and than one part, raw and packed.
ARRAY = np.random.default_rng(7).integers(0, 2**10, (4200, 16, 20)).astype(np.int32)
LABELS = np.sort(np.random.default_rng(8).integers(0, 5, len(ARRAY)).astype(np.uint8))
IDS = np.random.default_rng(9).integers(0, len(ARRAY), 60)
DATA = encode(ARRAY)


def own(array, compression="gzip"):
    file = io.BytesIO()
    idxio.write(file, array, compression=compression)
    return file.getvalue()


KINDS = {
    "raw": lambda: DATA,
    "own": lambda: own(ARRAY),
    "stock": lambda: gzip.compress(DATA, 1, mtime=0),
    "indexed": lambda: gzip.compress(DATA, 1, mtime=0),
    "xz": lambda: lzma.compress(DATA, preset=0),
}
if zstd is not None:
    KINDS |= {"zstd": lambda: pack_zstd(DATA), "zstd-own": lambda: own(ARRAY, "zstd")}
SUFFIX = {"raw": "", "xz": ".xz", "zstd": ".zst", "zstd-own": ".zst"}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The bytes of each kind, and of the index that lies beside it or None."""
    folder = tmp_path_factory.mktemp("kinds")
    files = {kind: (pack(), None) for kind, pack in KINDS.items()}
    path = folder / "x.gz"
    path.write_bytes(files["indexed"][0])
    idxio.build_index(path)
    files["indexed"] = files["indexed"][0], (folder / "x.gz.seek").read_bytes()
    return files


class Place(NamedTuple):
    """Where files lie, and how idxio is given one."""

    put: Any
    """Stores bytes under a name."""
    given: Any
    """What idxio gets for a name."""
    options: Any = None


def counting(request):
    server = request.getfixturevalue("server")
    return Place(
        lambda name, data: server.add(f"/{name}", data), lambda name: f"{server.url}/{name}"
    )


def no_ranges(request):
    server = request.getfixturevalue("server")
    return Place(
        lambda name, data: server.add(f"/{name}", data, ignores_range=True, etag=None),
        lambda name: f"{server.url}/{name}?download=1",
    )


def of_nginx(location):
    def place(request):
        url, files = request.getfixturevalue("nginx_over")
        options = {"user_agent": "idxio/1"} if location == "agent" else None
        return Place(
            lambda name, data: (files / name).write_bytes(data),
            lambda name: f"{url}/{location}/{name}",
            options,
        )

    return place


def of_s3(request):
    bucket = request.getfixturevalue("bucket")
    return Place(
        bucket.put,
        lambda name: f"s3://{bucket.name}/{name}",
        bucket.options,
    )


def in_memory(name, data):
    with fsspec.open(f"memory://{name}", "wb") as file:
        file.write(data)


def upath(name):
    return pytest.importorskip("upath").UPath(f"memory://{name}")


PLACES = {
    "counting": counting,
    "no ranges": no_ranges,
    **{
        f"nginx {location}": of_nginx(location)
        for location in LOCATIONS
        if location not in ("encoded", "refusing")
    },
    "nginx redirected": of_nginx("redirected"),
    "S3": of_s3,
    "memory": lambda request: Place(in_memory, lambda name: f"memory://{name}"),
    "UPath": lambda request: Place(in_memory, upath),
    "OpenFile": lambda request: Place(in_memory, lambda name: fsspec.open(f"memory://{name}")),
    "fsspec file": lambda request: Place(
        in_memory, lambda name: fsspec.open(f"memory://{name}").open()
    ),
}


@pytest.fixture(
    params=[pytest.param(name, marks=[pytest.mark.s3] if name == "S3" else []) for name in PLACES]
)
def place(request):
    return PLACES[request.param](request)


@pytest.fixture
def put(place, stored):
    """A function that stores a file of a kind, with its index, and gives what idxio opens."""

    def put_(kind):
        name = f"{uuid.uuid4().hex}{SUFFIX.get(kind, '.gz')}"
        data, index = stored[kind]
        place.put(name, data)
        if index is not None:
            place.put(f"{name}.seek", index)
        return lambda: place.given(name)

    return put_


ALL = pytest.mark.parametrize("kind", KINDS)


@ALL
def test_every_reader_from_every_server(kind, put, place):
    given = put(kind)
    options = {} if place.options is None else {"storage_options": place.options}
    assert_same(idxio.read(given(), **options), ARRAY)
    assert_same(idxio.read(given(), rows=IDS, **options), ARRAY[IDS])
    info = idxio.info(given(), **options)
    assert (info.shape, info.dtype, info.size) == (ARRAY.shape, ARRAY.dtype, len(DATA))
    assert idxio.verify(given(), **options).crc32 == idxio.verify(DATA).crc32
    with idxio.open(given(), **options) as f:
        assert_same(f[2500], ARRAY[2500])
        assert_same(f[0], ARRAY[0])
        assert_same(f[-1], ARRAY[-1])
        assert_same(f[10:900], ARRAY[10:900])
        assert_same(f[::97], ARRAY[::97])
        assert_same(f[IDS], ARRAY[IDS])
        assert_same(f[4000:, 3, ::2], ARRAY[4000:, 3, ::2])
        assert_same(f[:], ARRAY)
        assert_same(np.concatenate(list(f.iter_records(900))), ARRAY)
        dataset = idxio.Dataset(f, LABELS)
        for k in range(5):
            assert_same(dataset.of_class(k), ARRAY[k == LABELS])
        here = idxio.Dataset(ARRAY, LABELS).batches(512, shuffle=True, seed=3)
        for there, expected in zip(dataset.batches(512, shuffle=True, seed=3), here, strict=True):
            assert_same(there[0], expected[0])
            assert_same(there[1], expected[1])


@ALL
def test_a_shuffle_in_windows(kind, server, stored, tmp_path):
    data, index = stored[kind]
    path = tmp_path / "x"
    path.write_bytes(data)
    url = server.add("/x", data)
    if index is not None:
        (tmp_path / "x.seek").write_bytes(index)
        server.add("/x.seek", index)

    def epoch(file):
        with idxio.open(file) as f:
            batches = idxio.Dataset(f, LABELS).batches(256, shuffle=True, seed=1, buffer=2 << 20)
            return [np.copy(images) for images, _ in batches]

    for there, here in zip(epoch(url), epoch(path), strict=True):
        assert_same(there, here)


@ALL
def test_threads_share_a_file(kind, server, stored):
    data, index = stored[kind]
    url = server.add("/x", data)
    if index is not None:
        server.add("/x.seek", index)
    wrong = []

    def work(seed):
        ids = np.random.default_rng(seed).integers(0, len(ARRAY), 30)
        if not (f[ids] == ARRAY[ids]).all() or not (f[700:2000] == ARRAY[700:2000]).all():
            wrong.append(seed)

    with idxio.open(url) as f:
        run_threads(work, range(6))
    assert not wrong


@pytest.mark.parametrize("folder", ["", "/a/deep folder"])
def test_load_of_a_directory(folder, server, tmp_path):
    for name, array in ("images", ARRAY), ("labels", LABELS):
        server.add(f"{folder}/train-{name}-idx{array.ndim}-ubyte.gz", own(array))
    for end in "", "/":
        dataset = idxio.load(server.url + folder.replace(" ", "%20") + end)
        assert_same(dataset.images[:], ARRAY)
        assert_same(dataset.labels, LABELS)
    with pytest.raises(FileNotFoundError, match="test"):
        idxio.load(server.url + folder.replace(" ", "%20"), "test")


def test_load_opens_images_once(server):
    """And the labels once more behind that, as the images may be new ones by then."""
    later = own(LABELS[::-1].copy())
    server.add("/train-images-idx3-ubyte.gz", own(ARRAY))
    server.add("/train-labels-idx1-ubyte.gz", own(LABELS), changes_after=1, later=later)
    server.add("/dataset.json", b"{}")
    dataset = idxio.load(server.url)
    assert_same(dataset.images[:5], ARRAY[:5])
    assert_same(dataset.labels, LABELS[::-1])
    asked = [path for _, path, range_ in server.counts.log if range_.startswith("bytes=0-")]
    assert asked.count("/train-images-idx3-ubyte.gz") == 1
    assert asked.count("/train-labels-idx1-ubyte.gz") == 2
    assert asked.count("/dataset.json") == 1


def names_of_classes(count):
    return json.dumps({"class_names": [f"c{k}" for k in range(count)]}).encode()


def test_a_description_above_the_folder_of_a_split(server):
    """It is heeded as on this machine, where the folder's own one comes first."""
    for split in "train", "test":
        for name, array in ("images", ARRAY[:90].astype(np.uint8)), ("labels", LABELS[:90]):
            server.add(f"/data/{split}/{split}-{name}-idx{array.ndim}-ubyte.gz", own(array))
    server.add("/data/dataset.json", names_of_classes(9))
    url = f"{server.url}/data/train"
    for end in "", "/":
        assert idxio.load(url + end).class_names[3] == "c3"
    found = idxio.check(url)
    assert len(found.class_names) == 9
    assert found.directory == url
    server.add("/data/dataset.json", b"{")
    with pytest.raises(idxio.IdxError) as info:
        idxio.load(url)
    assert info.value.file == f"{server.url}/data/dataset.json"
    assert any(info.value.file in finding.message for finding in idxio.check(url).findings)
    server.add("/data/train/dataset.json", names_of_classes(7))
    assert len(idxio.load(url).class_names) == 7
    server.add("/data/dataset.json", b"<html>")
    assert idxio.load(f"{server.url}/data/test", "test").class_names is None


def test_a_page_is_no_description():
    page = Resource(b"<!DOCTYPE html><html>", headers={"Content-Type": "text/html"})
    with RangeServer(find=lambda _: page) as server:
        for name, array in ("images", ARRAY), ("labels", LABELS):
            server.add(f"/train/train-{name}-idx{array.ndim}-ubyte.gz", own(array))
        assert idxio.load(f"{server.url}/train").class_names is None


def test_load_from_a_server_that_has_a_page_for_everything():
    """As static hosts of programs in a page."""
    page = Resource(b"\n<!DOCTYPE html><html>", headers={"Content-Type": "text/html"})
    with RangeServer(find=lambda _: page) as server:
        for name, array in ("images", ARRAY), ("labels", LABELS):
            server.add(f"/train-{name}-idx{array.ndim}-ubyte.gz", own(array))
        dataset = idxio.load(f"{server.url}/")
        assert_same(dataset.images[:], ARRAY)
        assert_same(dataset.labels, LABELS)
        with pytest.raises(idxio.IdxError, match="HTML"):
            idxio.load(f"{server.url}/nothing/")


def test_load_and_check_of_a_bucket(bucket):
    folder = uuid.uuid4().hex
    for name, array in ("images", ARRAY.astype(np.uint8)), ("labels", LABELS):
        bucket.put(f"{folder}/train-{name}-idx{array.ndim}-ubyte.gz", own(array))
    options = bucket.options
    url = f"s3://{bucket.name}/{folder}"
    dataset = idxio.load(url, storage_options=options)
    assert_same(dataset.images[:], ARRAY.astype(np.uint8))
    report = idxio.check(url, storage_options=options)
    assert report.splits["train"].shape == ARRAY.shape


def test_a_folder_as_upath(memory_folder):
    folder = memory_folder(
        {
            "train-images-idx3-ubyte.gz": own(ARRAY.astype(np.uint8)),
            "train-labels-idx1-ubyte.gz": own(LABELS),
            "dataset.json": json.dumps({"class_names": [f"c{k}" for k in range(10)]}).encode(),
        }
    )
    dataset = idxio.load(folder)
    assert_same(dataset.images[:], ARRAY.astype(np.uint8))
    assert dataset.class_names[3] == "c3"
    found = idxio.check(folder)
    assert found.splits["train"].shape == ARRAY.shape
    assert found.directory == str(folder)
    with pytest.raises(ValueError, match="storage_options"):
        idxio.load("/nowhere", storage_options={"anon": True})


def test_findings_name_the_url(memory_folder):
    """And not the place where check() had a copy."""
    labels = own(LABELS)
    folder = memory_folder(
        {
            "train-images-idx3-ubyte.gz": own(ARRAY.astype(np.uint8)),
            "train-labels-idx1-ubyte.gz": labels[:-9] + bytes([labels[-9] ^ 1]) + labels[-8:],
        }
    )
    found = idxio.check(folder)
    (message,) = [f.message for f in found.findings if "train-labels" in f.message]
    assert f"{folder}/train-labels-idx1-ubyte.gz" in message
    assert tempfile.gettempdir() not in repr(found) + found._repr_html_()


@pytest.fixture
def memory_folder():
    fsspec = pytest.importorskip("fsspec")
    path = pytest.importorskip("upath").UPath(f"memory://{uuid.uuid4().hex}")

    def put(files):
        for name, data in files.items():
            fsspec.filesystem("memory").pipe(f"{path.path}/{name}", data)
        return path

    return put


def test_a_redirect_to_another_host(server, stored):
    with RangeServer({"/real.gz": stored["own"][0]}) as other:
        for status in (301, 302, 303, 307, 308):
            url = server.add("/x.gz", status=status, location=f"{other.url}/real.gz")
            assert_same(idxio.read(url), ARRAY)


def test_a_query_reaches_the_server(server, stored):
    server.add("/x y.gz", stored["own"][0])
    with idxio.open(f"{server.url}/x%20y.gz?signature=a%2Fb&X=1") as f:
        assert_same(f[:], ARRAY)
    assert {path for _, path, _ in server.counts.log} <= {
        "/x%20y.gz?signature=a%2Fb&X=1",
        "/x%20y.gz.seek?signature=a%2Fb&X=1",
    }


def test_few_requests(server, stored):
    url = server.add("/x.gz", stored["own"][0])
    with idxio.open(url) as f:
        opened = server.reset()
        assert opened.requests <= 2
        assert opened.bytes <= 70_000
        assert_same(f[3000], ARRAY[3000])
        one = server.reset()
        assert one.requests <= 3
        assert opened.bytes + one.bytes <= 1_500_000
    assert_same(idxio.read(url), ARRAY)
    whole = server.reset()
    assert whole.bytes <= 1.05 * len(stored["own"][0])
    for method, _, asked in opened.log + one.log + whole.log:
        assert method == "GET"
        assert asked is not None
        assert asked.startswith("bytes=")
        assert not asked.startswith("bytes=-")


def test_many_requests_in_flight(stored):
    data = np.random.default_rng(0).integers(0, 256, (9000, 64, 64), np.uint8)
    with RangeServer({"/x": encode(data)}, latency=0.05) as slow:
        assert_same(idxio.read(f"{slow.url}/x"), data)
        assert slow.counts.most_in_flight >= 8


def test_a_pickle_opens_the_same_object(server, stored):
    url = server.add("/x.gz", stored["own"][0])
    with idxio.open(url) as f:
        pickled = pickle.dumps(f)
    assert_same(pickle.loads(pickled)[7], ARRAY[7])
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer)[7].sum())"
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickled, capture_output=True, timeout=60
    )
    assert (done.returncode, int(done.stdout or 0)) == (0, ARRAY[7].sum()), done.stderr


def test_a_cached_copy(server, stored, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    url = server.add("/x.gz", stored["own"][0])
    assert_same(idxio.read(url, cache=True), ARRAY)
    assert server.reset().bytes > len(stored["own"][0]) // 2
    assert_same(idxio.read(url, cache=True, mmap=True), ARRAY.astype(">i4"))
    assert server.reset().bytes <= 70_000
    server.add("/x.gz", own(ARRAY[::-1]), etag='"other"')
    assert_same(idxio.read(url, cache=True), ARRAY[::-1])


@pytest.mark.parametrize("by", [str, fsspec.open], ids=["obstore", "fsspec"])
def test_cached_copies_of_files_that_a_query_chooses(by, server, tmp_path, monkeypatch):
    """Of one path, size and ETag, as a server makes it of size and time; a signature is none."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    url = server.add("/get", DATA)
    assert_same(idxio.read(by(f"{url}?id=1&X-Amz-Signature=a"), cache=True), ARRAY)
    server.add("/get", encode(ARRAY[::-1]))
    assert_same(idxio.read(by(f"{url}?id=2&X-Amz-Signature=a"), cache=True), ARRAY[::-1])
    server.reset()
    assert_same(idxio.read(by(f"{url}?id=1&X-Amz-Signature=b"), cache=True), ARRAY)
    assert server.reset().bytes <= 70_000


def test_nothing_is_imported_before_a_url_comes():
    code = (
        "import io, sys, idxio; idxio.read(bytes([0, 0, 8, 1, 0, 0, 0, 1, 7]));"
        "print([m for m in sys.modules if 'remote' in m or m in ('obstore', 'fsspec')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_colon_in_a_path_is_no_url(tmp_path):
    path = tmp_path / "a:"
    path.mkdir()
    (path / "x").write_bytes(DATA)
    assert_same(idxio.read(f"{path}//x"), ARRAY)
    assert_same(idxio.read(os.path.relpath(path / "x")), ARRAY)


def test_what_is_at_the_url_of_a_dataset(server):
    """Messages say what is there, and never name the copies that were looked at."""
    server.add("/d/train-images-idx3-ubyte.gz", own(ARRAY.astype(np.uint8)))
    with pytest.raises(FileNotFoundError, match=r"no train-labels.*takes images alone") as info:
        idxio.load(f"{server.url}/d/")
    assert info.value.filename == f"{server.url}/d"
    with pytest.raises(FileNotFoundError, match="no labels that belong to train") as info:
        idxio.check(f"{server.url}/d/")
    assert info.value.filename == f"{server.url}/d"
    server.add("/d/train-labels-idx1-ubyte.gz", own(LABELS))
    with pytest.raises(FileNotFoundError, match=r"no val-images.*it has the splits 'train'"):
        idxio.load(f"{server.url}/d/", "val")
    with pytest.raises(FileNotFoundError, match="URL of a file: name that of its folder"):
        idxio.check(f"{server.url}/d/train-images-idx3-ubyte.gz")
    with pytest.raises(FileNotFoundError, match="name the folder that holds these files"):
        idxio.load(server.url)


def test_a_server_that_refuses_what_it_lacks(nginx_over):
    """As S3 does for whoever may not list: of a dataset without dataset.json, too."""
    url, files = nginx_over
    folder = files / uuid.uuid4().hex
    folder.mkdir()
    images = ARRAY[:50].astype(np.uint8)
    idxio.write(folder / "train-images-idx3-ubyte.gz", images)
    idxio.write(folder / "train-labels-idx1-ubyte.gz", LABELS[:50])
    url = f"{url}/refusing/{folder.name}"
    assert_same(idxio.load(url).images[:], images)
    assert "train" in idxio.check(url).splits
    for function in idxio.load, idxio.check:
        with pytest.raises(PermissionError, match="refuses") as info:
            function(f"{url}/nothing/")
        assert info.value.filename == f"{url}/nothing"


def test_a_bucket_that_lists_nothing(bucket, monkeypatch):
    """Whoever may get objects and not list them reads by the names in use."""
    folder = uuid.uuid4().hex
    images = ARRAY[:50].astype(np.uint8)
    bucket.put(f"{folder}/train-images-idx3-ubyte.gz", own(images))
    bucket.put(f"{folder}/train-labels-idx1-ubyte.gz", own(LABELS[:50]))

    def refused(url):
        raise PermissionError(13, "the server refuses it", url.name)

    monkeypatch.setattr(obstore_client, "names_in", refused)
    dataset = idxio.load(f"s3://{bucket.name}/{folder}", storage_options=bucket.options)
    assert_same(dataset.images[:], images)


@pytest.mark.s3
@pytest.mark.parametrize("name", ["/x", "d//x", "x/", "d/x/"])
def test_slashes_that_obstore_takes_away(bucket, name, tmp_path):
    """An object of another name was read, and written over."""
    bucket.put("x", encode(ARRAY))
    bucket.put("d/x", encode(ARRAY))
    url = f"s3://{bucket.name}/{name}"
    message = "names no object|two slashes in a row"
    for use in (idxio.read, idxio.open, idxio.info, idxio.verify):
        with pytest.raises((OSError, ValueError), match=message) as raised:
            use(url, storage_options=bucket.options)
        assert url in str(raised.value)
    with pytest.raises((OSError, ValueError), match=message):
        idxio.write(url, ARRAY[:1], storage_options=bucket.options)
    for kept in ("x", "d/x"):
        read = idxio.read(f"s3://{bucket.name}/{kept}", storage_options=bucket.options)
        assert_same(read, ARRAY)


@pytest.mark.s3
def test_a_bucket_with_a_name_that_obstore_does_not_list(bucket):
    folder = uuid.uuid4().hex
    images, labels = ARRAY[:50], LABELS[:50]
    bucket.put(f"{folder}/train-images-idx3-ubyte.gz", own(images))
    bucket.put(f"{folder}/train-labels-idx1-ubyte.gz", own(labels))
    pytest.importorskip("s3fs")  # obstore can't put it there
    there = {"key": KEY, "secret": SECRET, "endpoint_url": bucket.endpoint}
    with fsspec.open(f"s3://{bucket.name}/{folder}//odd", "wb", **there) as file:
        file.write(b"odd")
    dataset = idxio.load(f"s3://{bucket.name}/{folder}/", storage_options=bucket.options)
    assert_same(dataset.labels, labels)
    assert idxio.check(f"s3://{bucket.name}/{folder}", storage_options=bucket.options).splits


def test_no_bucket(bucket):
    for function in idxio.read, idxio.load, idxio.check:
        with pytest.raises(FileNotFoundError, match="no such bucket"):
            function("s3://nobucket/x", storage_options=bucket.options)


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_no_credentials(scheme, monkeypatch):
    """What obstore says where it asked the machine and got none."""
    from obstore.exceptions import GenericError

    told = "Error performing PUT http://169.254.169.254/latest/api/token in 1.5s - timed out"
    error = obstore_client.error_of(GenericError(told), f"{scheme}://bucket/x")
    assert isinstance(error, PermissionError)
    assert "no credentials were found" in str(error)
    assert ("AWS_SKIP_SIGNATURE=true" in str(error)) == (scheme == "s3")
    assert "169" not in str(error)
