"""Files that are written to a store: the new object is whole, or the old one is as it was."""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import uuid
import xml.etree.ElementTree

import numpy as np
import pytest
from helpers import zstd
from s3_faults import Between
from s3_servers import KEY, SECRET

import idxio

obstore = pytest.importorskip("obstore")

from idxio.storage.remote import obstore_object  # noqa: E402

# Before 0.12, which Python 3.10 does not have, obstore leaves an upload whose last parts fail.
DROPS_PARTS = tuple(map(int, obstore.__version__.split(".")[:2])) >= (0, 12)
OLD = b"what was there before"
RANDOM = np.random.default_rng(3)
# Three parts of 5 MiB, the least that S3 takes, as no compression makes less of it.
LONG = RANDOM.integers(0, 256, (6000, 50, 40), np.uint8)
SHORT = RANDOM.integers(0, 256, (300, 4, 4), np.uint8)
LABELS = RANDOM.integers(0, 5, len(SHORT)).astype(np.uint8)
NAMES = IMAGES_NAME, LABELS_NAME = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


class Place:
    """A folder of its own in a bucket, reached by way of a server that errs on demand."""

    def __init__(self, bucket, between):
        self.bucket = bucket
        self.between = between
        self.folder = uuid.uuid4().hex
        self.options = {
            "key": KEY,
            "secret": SECRET,
            "client_kwargs": {"endpoint_url": between.endpoint, "region_name": "us-east-1"},
        }

    def environment(self):
        """That of a command, with the keys of the store."""
        return {
            **os.environ,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT": self.between.endpoint,
            "AWS_ALLOW_HTTP": "true",
        }

    def url(self, name):
        return f"s3://{self.bucket.name}/{self.folder}/{name}"

    def put(self, name, data):
        obstore.put(self.bucket.store, f"{self.folder}/{name}", data)

    def get(self, name):
        """The bytes of an object; None if it is not there."""
        try:
            return bytes(obstore.get(self.bucket.store, f"{self.folder}/{name}").bytes())
        except FileNotFoundError:
            return None

    def names(self):
        found = obstore.list(self.bucket.store, self.folder).collect()
        return sorted(os.path.basename(one["path"]) for one in found)

    def begun(self):
        """The uploads that were begun and neither completed nor dropped."""
        root = xml.etree.ElementTree.fromstring(self.bucket.request("GET", "uploads"))
        keys = [one.text for one in root.iter() if one.tag.endswith("Key")]
        return [key for key in keys if key.startswith(self.folder)]

    def requests(self, work):
        """What goes to the store during some work, writing requests alone."""
        self.between.seen.clear()
        work()
        return [one for one in self.between.seen if one.writes]

    def fail(self, at, what, *, dead=False):
        """Let the writing request of this number go wrong, and with dead all behind it."""
        self.between.seen.clear()

        def fault(request, before):
            count = sum(one.writes for one in before)
            if request.writes and count == at:
                return what() if callable(what) else what
            return 403 if dead and count > at else None

        self.between.fault = fault


@pytest.fixture(scope="session")
def between(bucket):
    with Between(bucket.endpoint) as server:
        yield server


@pytest.fixture
def place(bucket, between, monkeypatch):
    monkeypatch.setattr(obstore_object, "PART", 5 << 20)
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    place = Place(bucket, between)
    yield place
    signal.signal(signal.SIGINT, handler)
    between.fault = lambda request, before: None


def ctrl_c():
    """What a terminal does, while a request is answered."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


def write_in_batches(file, array, **options):
    with idxio.Writer(file, array.dtype, array.shape[1:], **options) as writer:
        for start in range(0, len(array), 1000):
            writer.append(array[start : start + 1000])


def repack(file, array, **options):
    source = "raw.idx"
    idxio.write(source, array)
    idxio.repack(source, file, **options)


# ---- what is written


@pytest.mark.parametrize("array", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
@pytest.mark.parametrize("write", [idxio.write, write_in_batches, repack])
def test_the_object_is_the_file(place, tmp_path, monkeypatch, write, suffix, array):
    if suffix == ".zst" and zstd is None:
        pytest.skip("no zstd")
    if suffix != ".gz" and write is repack:
        suffix = ".idx.gz"
    monkeypatch.chdir(tmp_path)
    write(f"local{suffix}", array)
    assert write(place.url(f"x{suffix}"), array, storage_options=place.options) is None
    assert place.get(f"x{suffix}") == (tmp_path / f"local{suffix}").read_bytes()
    assert place.begun() == []


def test_a_short_file_is_one_request(place):
    file = place.url("x.gz")
    sent = place.requests(lambda: idxio.write(file, SHORT, storage_options=place.options))
    assert [one.method for one in sent] == ["PUT"]


def test_options_in_the_words_of_obstore(place, bucket):
    options = {**bucket.options, "endpoint": place.between.endpoint}
    idxio.write(place.url("x"), SHORT, storage_options=options)
    assert idxio.read(place.get("x")).tolist() == SHORT.tolist()


def test_file_and_target_of_repack_are_one_object(place):
    idxio.write(place.url("x"), SHORT, storage_options=place.options)
    idxio.repack(idxio_file(place, "x"), place.url("x"), storage_options=place.options)
    assert idxio.info(place.get("x")).packing == "gzip"
    assert idxio.read(place.get("x")).tolist() == SHORT.tolist()


def idxio_file(place, name):
    return place.get(name)


# ---- what goes wrong


def kinds_of(requests):
    return [(one.method, "partNumber" in one.path) for one in requests]


LONG_REQUESTS = [("POST", False), *[("PUT", True)] * 3, ("POST", False)]


@pytest.mark.parametrize("old", [OLD, None], ids=["old", "none"])
@pytest.mark.parametrize("at", range(len(LONG_REQUESTS)))
def test_an_error_of_any_request_leaves_the_old_object(place, at, old):
    if old is not None:
        place.put("x.gz", old)
    place.fail(at, 403)
    with pytest.raises(PermissionError, match="the store refuses it") as caught:
        idxio.write(place.url("x.gz"), LONG, storage_options=place.options)
    assert caught.value.filename == place.url("x.gz")
    assert place.get("x.gz") == old
    if at in (0, 4) or DROPS_PARTS:
        assert place.begun() == []
        sent = [one for one in place.between.seen if one.writes]
        assert ("DELETE" in [one.method for one in sent]) == (at > 0)


@pytest.mark.parametrize("what", [503, "cut"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_part_is_sent_again_after_a_moments_failure(place, at, what):
    place.fail(at, what)
    idxio.write(place.url("x"), LONG, storage_options=place.options)
    assert np.array_equal(idxio.read(place.get("x")), LONG)


def test_an_error_while_it_is_made_tells_the_store_nothing(place):
    place.put("x.gz", OLD)

    def batches():
        yield LONG
        raise RuntimeError("of the loop")

    def write():
        with idxio.Writer(
            place.url("x.gz"), "uint8", LONG.shape[1:], storage_options=place.options
        ) as writer:
            for batch in batches():
                writer.append(batch)

    def work():
        with pytest.raises(RuntimeError, match="of the loop"):
            write()

    assert place.requests(work) == []
    assert place.get("x.gz") == OLD


def test_a_writer_that_is_forgotten_tells_the_store_nothing(place):
    def forget():
        writer = idxio.Writer(place.url("x"), "uint8", (4, 4), storage_options=place.options)
        writer.append(SHORT)
        del writer
        gc.collect()

    def work():
        with pytest.warns(ResourceWarning, match="x: not closed, nothing was written"):
            forget()

    assert place.requests(work) == []
    assert place.get("x") is None


@pytest.mark.parametrize("at", range(len(LONG_REQUESTS)))
def test_an_interrupt_during_any_request(place, monkeypatch, at):
    monkeypatch.setattr(obstore_object, "_IN_FLIGHT", 1)
    stop = obstore_object._Parts.stop
    stopped = threading.Event()

    def noted(parts):
        stop(parts)
        stopped.set()

    def interrupted():
        ctrl_c()
        stopped.wait(20)

    monkeypatch.setattr(obstore_object._Parts, "stop", noted)
    place.put("x", OLD)
    place.fail(at, interrupted)
    with pytest.raises(KeyboardInterrupt):
        idxio.write(place.url("x"), LONG, storage_options=place.options)
    content = place.get("x")
    # With the last part on its way, the store puts the new one together.
    assert content == OLD or (at >= 3 and np.array_equal(idxio.read(content), LONG))
    assert place.begun() == []


WRITE_LONG = """
import sys, json, numpy as np, idxio
from idxio.storage.remote import obstore_object
obstore_object.PART = 5 << 20
array = np.random.default_rng(4).integers(0, 256, (6000, 50, 40), np.uint8)
idxio.write(sys.argv[1], array, storage_options=json.loads(sys.argv[2]))
"""


@pytest.mark.parametrize("at", range(len(LONG_REQUESTS)))
def test_a_kill_during_any_request_leaves_the_old_object(place, at):
    place.put("x", OLD)
    command = [sys.executable, "-c", WRITE_LONG, place.url("x"), json.dumps(place.options)]
    process = None
    started = threading.Event()

    def kill():
        started.wait(60)
        process.kill()
        process.wait()
        return "cut"

    place.fail(at, kill, dead=True)
    process = subprocess.Popen(command)
    started.set()
    assert process.wait(60) == -signal.SIGKILL
    assert place.get("x") == OLD
    place.between.fault = lambda request, before: None
    idxio.write(place.url("x"), SHORT, storage_options=place.options)
    assert idxio.read(place.get("x")).tolist() == SHORT.tolist()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_drops_the_upload_at_a_signal(place, tmp_path, number):
    idxio.write(tmp_path / "x", np.concatenate([LONG, LONG]))  # three parts of 8 MiB
    place.put("x.gz", OLD)
    command = [sys.executable, "-m", "idxio", "repack", str(tmp_path / "x"), place.url("x.gz")]

    def run():
        return subprocess.Popen(
            command,
            env=place.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    started = threading.Event()
    process = None

    def fault(request, before):
        if "partNumber" not in request.path:
            return None
        count = sum("partNumber" in one.path for one in before)
        if count == 0:
            started.wait(60)
            process.send_signal(number)
        return 503 if count < 8 else 403  # so that the signal comes before the error

    place.between.seen.clear()
    place.between.fault = fault
    process = run()
    started.set()
    _, errors = process.communicate(timeout=120)
    assert process.returncode == (130 if number == signal.SIGINT else 143), errors
    assert "Traceback" not in errors
    assert place.get("x.gz") == OLD
    assert place.begun() == [] or not DROPS_PARTS
    place.between.fault = lambda request, before: None
    process = run()
    printed, errors = process.communicate(timeout=120)
    assert printed.startswith(f"{place.url('x.gz')}: written;"), errors
    assert np.array_equal(idxio.read(place.get("x.gz"))[:6000], LONG)


def test_memory_does_not_grow_with_the_file(place):
    code = """
import sys, json, resource, numpy as np, idxio
options = json.loads(sys.argv[2])
def most(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)
block = np.random.default_rng(5).integers(0, 256, (1 << 10, 1 << 10), np.uint8)
def write(n):
    with idxio.Writer(sys.argv[1], "uint8", (1 << 10,), storage_options=options) as writer:
        for _ in range(n):
            writer.append(block)
    return most()
print(write(96), write(288))
"""
    result = subprocess.run(
        [sys.executable, "-c", code, place.url("x"), json.dumps(place.options)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    some, more = map(int, result.stdout.split())
    assert more < some + 48  # MiB, of 192 more


# ---- pairs


def write_pair(place, images, labels, **options):
    return idxio.write_sorted(
        place.url(IMAGES_NAME),
        place.url(LABELS_NAME),
        images,
        labels,
        storage_options=place.options,
        **options,
    )


def state_of(place):
    """Which images and labels there are: "old", "new", or None for none."""

    def which(name, old, new):
        found = place.get(name)
        if found is None:
            return None
        values = idxio.read(found).tolist()
        return "new" if values == new.tolist() else "old" if values == old.tolist() else "wrong"

    order, new_order = np.argsort(LABELS, kind="stable"), np.argsort(NEW_LABELS, kind="stable")
    return (
        which(IMAGES_NAME, SHORT[order], NEW_IMAGES[new_order]),
        which(LABELS_NAME, LABELS[order], NEW_LABELS[new_order]),
    )


NEW_IMAGES = SHORT[::-1].copy()
NEW_LABELS = RANDOM.integers(0, 5, len(SHORT)).astype(np.uint8)
FINE = [("old", "old"), ("new", "new"), ("old", None), ("new", None)]


def test_a_pair_is_that_of_a_folder(place, tmp_path):
    order = write_pair(place, SHORT, LABELS, order_file=place.url("order.gz"))
    local = tmp_path / IMAGES_NAME, tmp_path / LABELS_NAME
    expected = idxio.write_sorted(*local, SHORT, LABELS, order_file=tmp_path / "order.gz")
    assert order.tolist() == expected.tolist()
    assert place.names() == sorted(os.listdir(tmp_path))
    for name in place.names():
        assert place.get(name) == (tmp_path / name).read_bytes()


def test_images_come_first_and_labels_last(place):
    write_pair(place, SHORT, LABELS)
    sent = place.requests(
        lambda: write_pair(place, NEW_IMAGES, NEW_LABELS, order_file=place.url("order"))
    )
    puts = [os.path.basename(one.path) for one in sent if one.method == "PUT"]
    aside = [f".{LABELS_NAME}.old", ".order.old"]  # of the order there is no old one
    assert puts == [*aside, IMAGES_NAME, "order", LABELS_NAME]
    assert place.names() == sorted([IMAGES_NAME, LABELS_NAME, "order"])
    assert state_of(place) == ("new", "new")


def requests_of_a_pair():
    """Copy aside and remove the old labels; images; labels; remove the copy."""
    return range(5)


@pytest.mark.parametrize("dead", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("at", requests_of_a_pair())
def test_no_error_mixes_old_and_new(place, at, dead):
    write_pair(place, SHORT, LABELS)
    place.fail(at, 403, dead=dead)
    if at == 4:
        write_pair(place, NEW_IMAGES, NEW_LABELS)
        assert state_of(place) == ("new", "new")
        return
    with pytest.raises(OSError) as caught:
        write_pair(place, NEW_IMAGES, NEW_LABELS)
    assert SECRET not in str(caught.value)
    expected = ("old", "old")
    if at == 3:
        expected = ("new", None)
    if at == 2 and dead:
        expected = ("old", None)
    assert state_of(place) == expected
    if None in expected:
        assert place.get(f".{LABELS_NAME}.old") is not None
        assert ".NAME.old" in str(caught.value)
    place.between.fault = lambda request, before: None
    write_pair(place, NEW_IMAGES, NEW_LABELS)
    assert state_of(place) == ("new", "new")
    assert place.names() == sorted([IMAGES_NAME, LABELS_NAME])


@pytest.mark.parametrize("at", requests_of_a_pair())
def test_no_interrupt_mixes_old_and_new(place, at):
    write_pair(place, SHORT, LABELS)
    place.fail(at, ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        write_pair(place, NEW_IMAGES, NEW_LABELS)
    assert state_of(place) in [("old", "old"), ("new", "new")]


@pytest.mark.parametrize("at", range(9))
def test_no_interrupt_mixes_old_and_new_in_parts(place, at):
    write_pair(place, SHORT, LABELS)
    place.fail(at, ctrl_c)
    old_labels = place.get(LABELS_NAME)
    labels = np.zeros(len(LONG), np.uint8)
    with pytest.raises(KeyboardInterrupt):
        write_pair(place, LONG, labels)
    images = idxio.read(place.get(IMAGES_NAME))
    if len(images) == len(LONG):
        assert idxio.read(place.get(LABELS_NAME)).tolist() == labels.tolist()
    else:
        assert place.get(LABELS_NAME) == old_labels
    assert place.begun() == []


def test_an_old_copy_of_an_earlier_failure_is_not_put_back(place):
    write_pair(place, SHORT, LABELS)
    place.fail(3, 403)
    with pytest.raises(PermissionError):
        write_pair(place, NEW_IMAGES, NEW_LABELS)
    assert state_of(place) == ("new", None)
    place.fail(1, 403)  # the images; before them, no labels were there to be copied
    with pytest.raises(PermissionError):
        write_pair(place, SHORT, LABELS)
    assert state_of(place) == ("new", None)


def test_images_of_which_nobody_knows_whether_they_are_new(place):
    write_pair(place, SHORT, LABELS)
    place.fail(2, "lost")
    with pytest.raises(OSError, match=r"may or may not have been replaced.*NAME.old") as caught:
        write_pair(place, NEW_IMAGES, NEW_LABELS)
    assert caught.value.filename == place.url(IMAGES_NAME)
    assert state_of(place) == ("new", None)


def test_the_description_in_the_store_is_brought_up_to_date(place, tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    source = tmp_path / "source"
    source.mkdir()
    for folder, split, labels in ((there, "t10k", LABELS[:50]), (source, "train", LABELS)):
        idxio.write(folder / f"{split}-images-idx3-ubyte.gz", SHORT[: len(labels)])
        idxio.write(folder / f"{split}-labels-idx1-ubyte.gz", labels)
        (folder / "dataset.json").write_text('{"class_names": ["a", "b", "c", "d", "e"]}')
    for path in there.iterdir():
        place.put(path.name, path.read_bytes())
    images, labels = source / IMAGES_NAME, source / LABELS_NAME
    write_pair(place, images, labels)
    idxio.write_sorted(there / IMAGES_NAME, there / LABELS_NAME, images, labels)
    assert place.names() == sorted(os.listdir(there))
    for name in place.names():
        assert place.get(name) == (there / name).read_bytes()


def test_inputs_at_urls_are_described_there(place, tmp_path):
    for name, classes in (("one", "a b c d e"), ("two", "e d c b a")):
        folder = tmp_path / name
        folder.mkdir()
        idxio.write(folder / IMAGES_NAME, SHORT)
        idxio.write(folder / LABELS_NAME, LABELS)
        (folder / "dataset.json").write_text(json.dumps({"class_names": classes.split()}))
        for path in folder.iterdir():
            place.put(f"{name}/{path.name}", path.read_bytes())

    def merged(root, target, **options):
        images, labels = ([f"{root}/{one}/{name}" for one in ("one", "two")] for name in NAMES)
        target.mkdir()
        paths = (target / name for name in NAMES)
        return idxio.write_sorted(*paths, images, labels, **options)

    order = merged(tmp_path, tmp_path / "local")
    root = place.url("x").rpartition("/")[0]
    assert merged(root, tmp_path / "remote", storage_options=place.options).tolist() == (
        order.tolist()
    )
    for path in (tmp_path / "local").iterdir():
        assert (tmp_path / "remote" / path.name).read_bytes() == path.read_bytes()
    assert (tmp_path / "local" / "dataset.json").exists()


@pytest.mark.parametrize("kind", ["UPath", "URL"])
@pytest.mark.parametrize("where", ["", "train/"])
def test_inputs_of_fsspec_are_described_there(memory, tmp_path, kind, where):
    """A dataset.json lies beside them, or above the folder of the split."""
    upath = pytest.importorskip("upath")
    given = upath.UPath if kind == "UPath" else str
    idxio.write(f"memory://d/{where}{IMAGES_NAME}", SHORT)
    idxio.write(f"memory://d/{where}{LABELS_NAME}", LABELS)
    description = json.dumps({"class_names": [f"c{k}" for k in range(5)]})
    memory.pipe("/d/dataset.json", description.encode())
    idxio.write_sorted(
        tmp_path / IMAGES_NAME,
        tmp_path / LABELS_NAME,
        given(f"memory://d/{where}{IMAGES_NAME}"),
        given(f"memory://d/{where}{LABELS_NAME}"),
    )
    assert idxio.load(tmp_path).class_names[4] == "c4"


def test_labels_at_a_url_that_are_not_there(place, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        idxio.write_sorted(
            tmp_path / "x", tmp_path / "y", SHORT, place.url("z"), storage_options=place.options
        )
    assert caught.value.filename == place.url("z")


def test_a_pair_becomes_its_sorted_self(place):
    for name, array in zip(NAMES, (SHORT, LABELS), strict=True):
        idxio.write(place.url(name), array, storage_options=place.options)
    write_pair(place, place.url(IMAGES_NAME), place.url(LABELS_NAME))
    assert state_of(place) == ("old", "old")


def test_a_description_that_contradicts_is_named_where_it_lies(place, tmp_path):
    place.put("dataset.json", b'{"class_names": ["x", "y", "z", "v", "w"]}')
    idxio.write(tmp_path / "t10k-labels-idx1-ubyte", LABELS)
    place.put("t10k-labels-idx1-ubyte", (tmp_path / "t10k-labels-idx1-ubyte").read_bytes())
    idxio.write(tmp_path / IMAGES_NAME, SHORT)
    idxio.write(tmp_path / LABELS_NAME, LABELS)
    (tmp_path / "dataset.json").write_text('{"class_names": ["a", "b", "c", "d", "e"]}')

    def work():
        with pytest.raises(idxio.IdxError, match="in another way") as caught:
            write_pair(place, tmp_path / IMAGES_NAME, tmp_path / LABELS_NAME)
        assert caught.value.file == place.url("dataset.json")

    assert place.requests(work) == []


def test_a_description_that_another_process_changes(place, tmp_path):
    place.put("dataset.json", b'{"license": "CC0"}')
    idxio.write(tmp_path / IMAGES_NAME, SHORT)
    idxio.write(tmp_path / LABELS_NAME, LABELS)
    (tmp_path / "dataset.json").write_text('{"class_names": ["a", "b", "c", "d", "e"]}')

    def change(done, of):
        place.put("dataset.json", b'{"license": "CC-BY"}')

    def work():
        with pytest.raises(idxio.ChangedError) as caught:
            write_pair(place, tmp_path / IMAGES_NAME, tmp_path / LABELS_NAME, progress=change)
        assert caught.value.file == place.url("dataset.json")

    assert place.requests(work) == []


def test_a_copy_in_the_store_that_would_stay(place):
    place.put("train-labels-idx1-ubyte", OLD)
    with pytest.raises(idxio.IdxError, match="would stay as it is") as caught:
        write_pair(place, SHORT, LABELS)
    assert caught.value.file == place.url("train-labels-idx1-ubyte")
    assert place.names() == ["train-labels-idx1-ubyte"]


def test_the_command_sorts_into_a_store(place, tmp_path):
    idxio.write(tmp_path / IMAGES_NAME, SHORT)
    idxio.write(tmp_path / LABELS_NAME, LABELS)
    files = [tmp_path / IMAGES_NAME, tmp_path / LABELS_NAME]
    command = [sys.executable, "-m", "idxio", "sort", *files]
    command += [place.url(IMAGES_NAME), place.url(LABELS_NAME)]
    result = subprocess.run(
        command, env=place.environment(), capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines()[1] == f"{place.url(LABELS_NAME)}: written"
    assert state_of(place) == ("old", "old")


# ---- what is refused


def test_a_web_server_is_no_target():
    with pytest.raises(OSError, match="takes no uploads; write to the bucket") as caught:
        idxio.write("https://user:secret@example.org/x.gz?signature=secret", SHORT)
    assert "secret" not in str(caught.value)


def test_no_folder_is_written_at_a_url(tmp_path, monkeypatch):
    idxio.write_sorted(tmp_path / IMAGES_NAME, tmp_path / LABELS_NAME, SHORT, LABELS)
    before = os.listdir(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match="at which no folder is written") as caught:
        idxio.export_dataset(tmp_path, "s3://bucket/folder", to="csv")
    assert caught.value.filename == "s3://bucket/folder"
    assert os.listdir(tmp_path) == before


def test_options_without_a_url(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="storage_options are for URLs"):
        idxio.write("x", SHORT, storage_options={"anon": True})
    with pytest.raises(ValueError, match="storage_options are for URLs"):
        idxio.write_sorted("x", "y", SHORT, LABELS, storage_options={"anon": True})
    assert os.listdir(tmp_path) == []


def test_a_pair_half_in_a_store(tmp_path):
    with pytest.raises(ValueError, match="give URLs for all of them, or for none"):
        idxio.write_sorted("s3://bucket/x", tmp_path / "y", SHORT, LABELS)


def test_two_targets_are_one_object(place):
    with pytest.raises(ValueError, match="different files") as caught:
        idxio.write_sorted(
            place.url("x"), place.url("x"), SHORT, LABELS, storage_options=place.options
        )
    assert str(caught.value).startswith(place.url("x"))


def test_a_bucket_that_is_not_there(place):
    with pytest.raises(FileNotFoundError, match="no such bucket") as caught:
        idxio.write("s3://nobody-has-this/x", SHORT, storage_options=place.options)
    assert caught.value.filename == "s3://nobody-has-this/x"


def test_a_url_without_a_name(place):
    with pytest.raises(IsADirectoryError, match="names no object"):
        idxio.write(place.url(""), SHORT, storage_options=place.options)


def test_a_store_that_is_not_there(place):
    options = {**place.options, "client_kwargs": {"endpoint_url": "http://127.0.0.1:9"}}
    with pytest.raises(OSError, match="can't be reached") as caught:
        idxio.Writer(place.url("x"), "uint8", (4, 4), storage_options=options)
    assert SECRET not in str(caught.value)


def test_nothing_is_installed(place, monkeypatch):
    for name in ("obstore", "fsspec"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "idxio\[remote\]"'):
        idxio.write(place.url("x"), SHORT, storage_options=place.options)


# ---- fsspec


@pytest.fixture
def memory():
    fsspec = pytest.importorskip("fsspec")
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    yield fs
    fs.store.clear()


def test_any_file_system_of_fsspec(memory):
    import fsspec

    for target in ("memory://a/x.gz", fsspec.open("memory://a/x.gz", "wb")):
        idxio.write(target, SHORT)
        assert idxio.read(memory.cat_file("/a/x.gz")).tolist() == SHORT.tolist()
        idxio.write(target, SHORT[:1])


def test_a_upath(memory):
    upath = pytest.importorskip("upath")
    idxio.write(upath.UPath("memory://a/x"), SHORT)
    assert idxio.read(memory.cat_file("/a/x")).tolist() == SHORT.tolist()


def test_an_open_file_of_this_machine(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    idxio.write(fsspec.open(str(tmp_path / "x"), "wb"), SHORT)
    assert idxio.read(tmp_path / "x").tolist() == SHORT.tolist()


def test_a_file_of_fsspec_that_takes_a_part_of_what_is_written(memory, monkeypatch):
    from fsspec.implementations.memory import MemoryFile

    real = MemoryFile.write
    monkeypatch.setattr(MemoryFile, "write", lambda file, data: real(file, data[:1000]))
    idxio.write("memory://a/x", SHORT)
    assert idxio.read(memory.cat_file("/a/x")).tolist() == SHORT.tolist()


def test_a_pair_by_fsspec(memory):
    urls = [f"memory://a/{name}" for name in (IMAGES_NAME, LABELS_NAME)]
    for images, labels in ((SHORT, LABELS), (NEW_IMAGES, NEW_LABELS)):
        order = idxio.write_sorted(*urls, images, labels)
        assert idxio.read(memory.cat_file(f"/a/{LABELS_NAME}")).tolist() == labels[order].tolist()
    assert sorted(memory.find("/a")) == [f"/a/{IMAGES_NAME}", f"/a/{LABELS_NAME}"]


def test_an_error_by_fsspec_leaves_the_old_pair(memory, monkeypatch):
    urls = [f"memory://a/{name}" for name in (IMAGES_NAME, LABELS_NAME)]
    idxio.write_sorted(*urls, SHORT, LABELS)
    before = {path: memory.cat_file(path) for path in memory.find("/a")}

    def commit(file):
        raise ConnectionError("with a secret")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFile.commit", commit)
    with pytest.raises(OSError, match="can't write: ConnectionError") as caught:
        idxio.write_sorted(*urls, NEW_IMAGES, NEW_LABELS)
    assert "secret" not in str(caught.value)
    assert {path: memory.cat_file(path) for path in memory.find("/a")} == before
