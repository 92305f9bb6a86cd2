"""What real servers do wrong: right data or an error that says what is wrong, and no secret told."""

import gc
import gzip
import io
import logging
import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback

import numpy as np
import pytest
from helpers import assert_same, encode
from s3_servers import KEY, SECRET

import idxio
from idxio.cli.main import main

pytest.importorskip("obstore")

# Longer than what the first request brings, raw and packed, and than one part.
ARRAY = np.random.default_rng(7).integers(0, 2**10, (4200, 16, 20)).astype(np.int32)
OTHER = ARRAY[::-1]
RAW = encode(ARRAY)
STOCK = gzip.compress(RAW, 1, mtime=0)
# A process that forks while obstore's threads run is what is tested.
FORKS = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
# What a hanging test waits; far more than what any of them takes.
LIMIT = 60


def own(array):
    file = io.BytesIO()
    idxio.write(file, array)
    return file.getvalue()


OWN = own(ARRAY)
FILES = pytest.mark.parametrize("data", [RAW, OWN, STOCK], ids=["raw", "own", "stock"])


def read_all(file, **options):
    """Everything, by ranges and in order, which must agree."""
    with idxio.open(file, **options) as f:
        picked = f[[4100, 2, 2000]]
        whole = f[:]
    assert_same(picked, whole[[4100, 2, 2000]])
    return whole


# Servers that say or do something odd, and give what is right.


@FILES
@pytest.mark.parametrize(
    "oddity",
    [
        {"ignores_range": True},
        {"ignores_range": True, "etag": None},
        {"ignores_if_match": True},
        {"etag": None},
        {"etag": 'W/"1"'},
        {"etag": "1"},
        {"refuses_head": True},
        {"closes_at": 1000, "times": 1},
        {"closes_at": 0, "times": 1},
        {"closes_at": 1_000_000, "times": 1},
        {"ignores_range": True, "closes_at": 1000, "times": 1},
        {"status": 503, "times": 2, "headers": {"Retry-After": "1"}},
        {"status": 429, "times": 1, "headers": {"Retry-After": "0"}},
        {"headers": {"Accept-Ranges": "none"}},
        {"headers": {"Content-Type": "text/html"}},
        {"headers": {"Content-Encoding": "gzip"}},
        {"headers": {"Last-Modified": "Sat, 01 Jan 2022 00:00:00 GMT"}},
    ],
    ids=str,
)
def test_an_odd_server_is_read_right(data, oddity, server):
    assert_same(read_all(server.add("/x", data, **oddity)), ARRAY)


@pytest.mark.parametrize("data", [OWN, STOCK], ids=["own", "stock"])
def test_a_gz_that_nginx_calls_encoded(data, nginx_over):
    url, files = nginx_over
    (files / "encoded.gz").write_bytes(data)
    assert_same(read_all(f"{url}/encoded/encoded.gz"), ARRAY)


def test_a_server_that_turns_odd_while_it_is_read(server):
    """As behind a balancer: the same object, from servers that differ."""
    with idxio.open(server.add("/x", RAW)) as f:
        server.add("/x", RAW, ignores_if_match=True, etag='W/"1"')
        assert_same(f[:2000], ARRAY[:2000])
        server.add("/x", RAW, ignores_range=True)
        with pytest.raises(OSError, match=r"ranges .*none any more") as info:
            _ = f[2000:]
        assert server.url in str(info.value)


@pytest.mark.parametrize("size", [0, 1, 11, 16, 4000, 69_632, 69_633, 2 << 20])
def test_short_and_truncated_files(size, server, tmp_path):
    """Each size gives what the file itself gives."""
    path = tmp_path / "x"
    for data in RAW, OWN:
        path.write_bytes(data[:size])
        with pytest.raises(idxio.IdxError) as here:
            idxio.read(path)
        for oddity in {}, {"ignores_range": True}:
            url = server.add("/x", data[:size], **oddity)
            with pytest.raises(type(here.value)) as there:
                idxio.read(url)
            assert str(there.value).replace(url, str(path)) == str(here.value)


# Servers that can't be read.


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        ({"status": 400}, OSError, "400"),
        ({"status": 401}, PermissionError, "refuse"),
        ({"status": 403}, PermissionError, "refuse"),
        ({"status": 404}, FileNotFoundError, "no such"),
        ({"status": 410}, OSError, "410|no such"),
        ({"status": 416}, (OSError, idxio.ChangedError), "416|replaced"),
        ({"status": 500}, OSError, "500"),
        ({"headers": {"Last-Modified": "yesterday"}}, OSError, "no answer"),
        ({"status": 503, "headers": {"Retry-After": "1"}}, OSError, "503"),
        ({"closes_at": 1000}, OSError, "broke off"),
        ({"closes_at": 0}, OSError, "broke off"),
        ({"cut_by": 5}, OSError, "asked for"),
        ({"headers": {"Content-Range": "bytes 5-69631/1000000"}}, OSError, "asked for|no answer"),
        ({"headers": {"Content-Range": "nonsense"}}, OSError, "no answer|Content-Range"),
        ({"status": 302, "location": "/x"}, OSError, "redirect"),
        ({"status": 302, "location": "/nothing"}, FileNotFoundError, "no such"),
        ({"status": 302}, OSError, "redirect"),
    ],
    ids=str,
)
@pytest.mark.parametrize("is_open", [False, True], ids=["at first", "later"])
def test_a_server_that_fails(fault, kind, words, is_open, server):
    url = server.add("/x", RAW, **({} if is_open else fault))
    if is_open:
        f = idxio.open(url)
        server.add("/x", RAW, **fault)
        with pytest.raises(kind, match=words) as info:
            _ = f[:]
        f.close()
    else:
        with pytest.raises(kind, match=words) as info:
            idxio.read(url)
    assert url in str(info.value)
    if kind in (PermissionError, FileNotFoundError):
        assert info.value.filename == url
        assert info.value.errno


@pytest.mark.parametrize("status", [200, 206])
def test_a_web_page_instead_of_the_file(status, server):
    page = b"<!DOCTYPE html><html><title>Sign in</title><body>" + b"<p>Please</p>" * 20_000
    url = server.add("/x.gz", page, ignores_range=status == 200)
    for function in (idxio.read, idxio.open, idxio.info, idxio.verify):
        with pytest.raises(idxio.IdxError, match="HTML") as info:
            function(url)
        assert info.value.file == url


def test_a_listing_instead_of_a_file(nginx_over):
    url, files = nginx_over
    (files / "a.gz").write_bytes(OWN)
    with pytest.raises(idxio.IdxError, match="HTML"):
        idxio.read(f"{url}/list/")


def test_an_agent_that_is_refused(nginx_over):
    url, files = nginx_over
    (files / "a.gz").write_bytes(OWN)
    with pytest.raises(PermissionError, match="refuse"):
        idxio.read(f"{url}/agent/a.gz", storage_options={"user_agent": "curl/8"})


@pytest.fixture
def dead():
    """A URL whose host takes no connection: nobody there, and nobody who answers."""
    with socket.socket() as nobody, socket.socket() as full:
        nobody.bind(("127.0.0.1", 0))
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        held = []
        for _ in range(4):  # the queue of those who wait to be taken
            held.append(socket.socket())
            held[-1].setblocking(False)
            held[-1].connect_ex(full.getsockname())
        yield [
            f"http://127.0.0.1:{nobody.getsockname()[1]}/x",
            f"http://127.0.0.1:{full.getsockname()[1]}/x",
            "http://nowhere.invalid/x",
        ]
        for waiting in held:
            waiting.close()


def test_a_dead_endpoint(dead):
    for url in dead:
        with pytest.raises(OSError, match="can't be reached") as info:
            idxio.read(url)
        assert url in str(info.value)


def test_a_dead_endpoint_of_s3(dead, bucket):
    endpoint = dead[0].removesuffix("/x")
    with pytest.raises(OSError, match="can't be reached") as info:
        idxio.read("s3://bucket/x", storage_options={**bucket.options, "endpoint": endpoint})
    assert "s3://bucket/x" in str(info.value)


def test_a_body_that_never_comes(server, monkeypatch):
    from datetime import timedelta

    from idxio.storage.remote import obstore_client

    monkeypatch.setattr(obstore_client, "_READ", timedelta(milliseconds=300))
    url = server.add("/x", RAW, is_silent=True)
    with pytest.raises(OSError, match=r"in time|broke off") as info:
        idxio.read(url)
    assert url in str(info.value)


@FILES
@pytest.mark.parametrize("what", ["f[:]", "f[4000]", "idxio.read(sys.argv[1])"])
def test_an_interrupt_while_a_body_does_not_come(data, what, server):
    code = (
        "import sys, idxio\nf = idxio.open(sys.argv[1])\nprint(flush=True)\n"
        "sys.stdin.readline()\n"
        f"try:\n {what}\nexcept KeyboardInterrupt:\n print('interrupted')\n"
    )
    url = server.add("/x", data)
    process = subprocess.Popen(
        [sys.executable, "-c", code, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with process:
        process.stdout.readline()
        server.add("/x", data, is_silent=True)
        before = server.counts.requests
        process.stdin.write("\n")
        process.stdin.flush()
        until = time.monotonic() + LIMIT
        while server.counts.requests == before and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        try:
            assert process.communicate(timeout=20)[0] == "interrupted\n"
        finally:
            process.kill()


@FILES
def test_a_loop_is_left_while_a_body_does_not_come(data, server):
    """The thread that reads ahead is not waited for as long as the server is."""
    interrupted = []

    def interrupt(*_):
        interrupted.append(time.monotonic())
        raise KeyboardInterrupt

    url = server.add("/x", data)
    with idxio.open(url) as f:
        server.add("/x", data, is_silent=True)
        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            with pytest.raises(KeyboardInterrupt):
                list(f.iter_records(10))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert time.monotonic() - interrupted[0] < LIMIT / 3


# Objects that change.

DATES = [{"Last-Modified": f"Sat, 01 Jan 2022 00:00:0{k} GMT"} for k in range(2)]


@FILES
@pytest.mark.parametrize("ignores", [False, True], ids=["If-Match", "without"])
@pytest.mark.parametrize("seen", [1, 3])
def test_an_object_that_changes_between_ranges(data, ignores, seen, server):
    later = {RAW: encode(OTHER), OWN: own(OTHER)}.get(data) or gzip.compress(encode(OTHER), 1)
    url = server.add("/x", data, changes_after=seen, later=later, ignores_if_match=ignores)
    server.add("/x.seek", status=404)
    with pytest.raises(idxio.ChangedError, match="replaced") as info:
        read_all(url)
    assert info.value.file == url


@pytest.mark.parametrize("before", [{}, {"etag": None, "headers": DATES[0]}], ids=["ETag", "date"])
@pytest.mark.parametrize("pickled", [False, True])
def test_an_object_that_loses_its_mark(before, pickled, server):
    """It may be another one of the same size: nothing tells."""
    url = server.add("/x", RAW, **before)
    with idxio.open(url) as f:
        server.add("/x", encode(OTHER), etag=None, ignores_if_match=True)
        with pytest.raises(idxio.ChangedError, match="may be another file now") as info:
            _ = pickle.loads(pickle.dumps(f)) if pickled else f[2000:]
    assert info.value.file == url


def test_an_object_without_etag_that_is_shorter_now(server):
    url = server.add("/x", RAW, changes_after=1, later=RAW[:-500_000], etag=None, later_etag=None)
    with pytest.raises(idxio.ChangedError):
        idxio.read(url)


@pytest.mark.parametrize("ignores", [False, True], ids=["If-Match", "without"])
def test_an_object_that_changes_while_an_answer_is_taken_up_again(ignores, server):
    """The first half of an answer is of one object, the rest would be of another."""
    url = server.add("/x", RAW)
    with idxio.open(url) as f:
        server.add(
            "/x",
            RAW,
            closes_at=100_000,
            changes_after=1,
            later=encode(OTHER),
            ignores_if_match=ignores,
        )
        with pytest.raises((idxio.ChangedError, OSError)):
            _ = f[500:900]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"etag": 'W/"1"'}, {"etag": 'W/"2"'}),
        ({"etag": 'W/"1"'}, {"etag": '"2"'}),
        ({"etag": '"1"'}, {"etag": 'W/"2"'}),
        ({"etag": None, "headers": DATES[0]}, {"etag": None, "headers": DATES[1]}),
        ({"etag": None, "headers": DATES[0]}, {"etag": '"2"', "headers": DATES[1]}),
        ({"etag": '"1"', "headers": DATES[0]}, {"etag": None, "headers": DATES[1]}),
    ],
    ids=str,
)
def test_an_object_that_gets_another_kind_of_mark(before, after, server):
    with idxio.open(server.add("/x", RAW, **before)) as f:
        server.add("/x", encode(OTHER), **after, ignores_if_match=True)
        with pytest.raises(idxio.ChangedError):
            _ = f[2000:]


@pytest.mark.parametrize("is_open", [False, True], ids=["at first", "later"])
def test_another_range_by_fsspec(is_open, server):
    """fsspec itself gives whatever bytes come for those that it asked for."""
    fsspec = pytest.importorskip("fsspec")
    pytest.importorskip("aiohttp")
    url = server.add("/x", RAW)
    file = fsspec.open(url)
    with idxio.open(file) as f:
        fault = {"headers": {"Content-Range": f"bytes 5-69636/{len(RAW)}"}}
        server.add("/x", RAW, **fault)
        with pytest.raises(OSError, match="asked for the bytes") as info:
            _ = f[2000:] if is_open else idxio.read(file)
    assert info.value.filename == url


def test_a_late_answer_to_another_thread_by_fsspec():
    """It tells of the old file when this thread has read the new one."""
    from idxio.storage.remote.fsspec_client import FsspecClient

    class FileSystem:
        tag = "old"

        def cat_file(self, path, start, end):
            return b"data"

        def info(self, path):
            return {"size": 100, "ETag": self.tag}

    class Client(FsspecClient):
        def _look(self):
            mine = super()._look()
            file_system.tag = "old"
            super()._look()  # the other thread's
            return mine

    file_system = FileSystem()
    client = Client(file_system, "/x", "x")
    assert client.get(0, 4, None).tag == "old"
    file_system.tag = "new"
    with pytest.raises(idxio.ChangedError):
        client.get(0, 4, None)


def test_a_date_by_fsspec(server):
    fsspec = pytest.importorskip("fsspec")
    with idxio.open(fsspec.open(server.add("/x", RAW, etag=None, headers=DATES[0]))) as f:
        server.add("/x", encode(OTHER), etag=None, headers=DATES[1])
        with pytest.raises(idxio.ChangedError):
            _ = f[2000:]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_by_fsspec(status, server):
    """Also of what may not be seen beside a file."""
    fsspec = pytest.importorskip("fsspec")
    url = server.add("/x.gz", STOCK)
    with idxio.open(fsspec.open(url)) as f:
        server.add("/x.gz", STOCK, status=status)
        with pytest.raises(PermissionError, match="refuse"):
            _ = f[2000:]


def test_an_etag_that_a_proxy_makes_weak(server):
    with idxio.open(server.add("/x", RAW)) as f:
        server.add("/x", RAW, etag='W/"1"', ignores_if_match=True)
        assert_same(f[:], ARRAY)


@pytest.mark.parametrize("listed", ["the folder", "the file"])
def test_an_object_of_a_file_system_that_keeps_listings(listed, bucket):
    """What it keeps tells the old size and the old ETag."""
    pytest.importorskip("s3fs")
    fsspec = pytest.importorskip("fsspec")
    path = f"{bucket.name}/kept/x"
    url = bucket.put("kept/x", RAW)
    options = {"client_kwargs": {"region_name": "us-east-1"}, "key": KEY, "secret": SECRET}
    file = fsspec.open(url, endpoint_url=bucket.endpoint, **options)

    def fill_its_cache():
        file.fs.invalidate_cache()
        # As ls() does; but moto states its name twice in a listing, which aiohttp refuses in Python's
        # development mode.
        key = path if listed == "the file" else path.rpartition("/")[0]
        file.fs.dircache[key] = [file.fs.info(path)]

    fill_its_cache()
    with idxio.open(file) as f:
        fill_its_cache()
        bucket.put("kept/x", encode(OTHER))
        with pytest.raises(idxio.ChangedError):
            _ = f[2000:]
    fill_its_cache()
    longer = np.concatenate([ARRAY, OTHER])
    bucket.put("kept/x", encode(longer))
    assert_same(idxio.read(file), longer)


def test_an_object_of_a_bucket_that_changes(bucket):
    url = bucket.put("changing.gz", OWN)
    with idxio.open(url, storage_options=bucket.options) as f:
        bucket.put("changing.gz", own(OTHER))
        with pytest.raises(idxio.ChangedError, match="replaced"):
            _ = f[:]


def test_a_bucket_that_refuses_or_lacks(bucket):
    with pytest.raises(FileNotFoundError):
        idxio.read(f"s3://{bucket.name}/nothing", storage_options=bucket.options)
    with pytest.raises(FileNotFoundError):
        idxio.read("s3://nobucket/nothing", storage_options=bucket.options)


def test_a_pickle_of_another_object(server):
    url = server.add("/x.gz", OWN)
    with idxio.open(url) as f:
        pickled = pickle.dumps(f)
    server.add("/x.gz", own(OTHER), etag='"2"')
    with pytest.raises(idxio.ChangedError, match="replaced"):
        pickle.loads(pickled)
    server.add("/x.gz", own(OTHER), etag='"2"', ignores_if_match=True)
    with pytest.raises(idxio.ChangedError, match="replaced"):
        pickle.loads(pickled)


# Secrets.

QUERY = "X-Amz-Signature=c0ffee5ecre7&X-Amz-Credential=AKIA5ecre7&sig=t0p5ecre7%2B"
SECRETS = ["5ecre7", "hunter2", SECRET, KEY]


def told(text):
    return [secret for secret in SECRETS if secret in text]


def everything_of(error):
    """All that a handler of errors may show or send on."""
    return "\n".join(
        [
            *traceback.format_exception(error),
            repr(error),
            repr(error.__dict__),
            repr(error.args),
            repr(error.__cause__),
            repr(getattr(error, "filename", "")),
            repr(pickle.dumps(error)),
        ]
    )


def signed(url):
    return f"{url.replace('://', '://user:hunter2@')}?{QUERY}"


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 400},
        {"status": 403},
        {"status": 404},
        {"status": 416},
        {"status": 500},
        {"closes_at": 5},
        {"cut_by": 5},
        {"headers": {"Content-Range": "nonsense"}},
        {"status": 302, "location": f"/x?{QUERY}"},
        {"changes_after": 1, "later": RAW[:-9]},
        {"data": b"<html>"},
        {"data": RAW[:-9]},
        {"data": OWN[:-900_000]},
        {"data": b""},
    ],
    ids=lambda fault: "-".join(fault),
)
def test_no_error_tells_a_secret(fault, server, caplog):
    url = signed(server.add("/x", **{"data": RAW, **fault}))
    with caplog.at_level(logging.DEBUG), pytest.raises((OSError, ValueError)) as info:
        idxio.read(url)
    assert told(everything_of(info.value)) == []
    assert told(caplog.text) == []
    assert f"{server.url}/x" in str(info.value)


def test_no_error_of_a_dead_host_tells_a_secret(dead):
    for url in dead:
        with pytest.raises(OSError) as info:
            idxio.read(signed(url))
        assert told(everything_of(info.value)) == []


def test_no_error_of_a_bucket_tells_a_secret(bucket, dead):
    url = bucket.put("refused.gz", OWN)
    dead_endpoint = {"endpoint": dead[0].removesuffix("/x")}
    for name, more in (
        (f"{url}x", {}),
        (url, dead_endpoint),
        (url, {"nonsense": SECRET}),
        (url, {"region": ["a", SECRET]}),
        (url, {"endpoint": f"http://user:hunter2@{dead[0][7:]}"}),
        (url, {"endpoint": "hunter2"}),
    ):
        with pytest.raises((OSError, ValueError, TypeError)) as info:
            idxio.read(name, storage_options={**bucket.options, **more})
        assert told(everything_of(info.value)) == []


def test_nothing_that_is_shown_has_a_secret(server, bucket, tmp_path, monkeypatch, caplog, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    server.add("/x.gz", OWN)
    for url, options in (
        (signed(f"{server.url}/x.gz"), None),
        (bucket.put("x.gz", OWN), bucket.options),
    ):
        with (
            caplog.at_level(logging.DEBUG),
            idxio.open(url, storage_options=options) as f,
        ):
            assert_same(f[1], ARRAY[1])
            source = f._source
            shown = [repr(f), f.name, repr(source), str(source.key), repr(source.identity)]
            shown += [repr(vars(source)), repr(idxio.info(url, storage_options=options))]
            shown.append(repr(idxio.Dataset(f, np.zeros(len(f), np.uint8))))
            assert told("".join(shown)) == []
            with pytest.raises(TypeError, match="can't be pickled") as info:
                pickle.dumps(f)
            assert told(everything_of(info.value)) == []
        idxio.read(url, cache=True, storage_options=options)
    cached = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert cached
    for path in cached:
        assert told(f"{path}{path.read_bytes()[:100_000]!r}") == []
    assert told(caplog.text) == []
    for command in "info", "verify":
        main([command, signed(f"{server.url}/x.gz")])
        main([command, signed(f"{server.url}/nothing")])
    printed = capsys.readouterr()
    assert told(printed.out + printed.err) == []


def test_no_pickle_has_a_secret_of_fsspec_s_url(server):
    fsspec = pytest.importorskip("fsspec")
    url = server.add("/x", RAW)
    for secret in (signed(url), f"{url}?{QUERY}"):
        with (
            idxio.open(fsspec.open(secret)) as f,
            pytest.raises(TypeError, match="can't be pickled") as info,
        ):
            pickle.dumps(f)
        assert told(everything_of(info.value)) == []
    with idxio.open(fsspec.open(url)) as f:
        assert_same(pickle.loads(pickle.dumps(f))[4000], ARRAY[4000])


def test_no_pickle_has_a_password_of_an_endpoint(server):
    url = "s3://bucket/endpoint"
    server.add("/bucket/endpoint", RAW)
    endpoint = server.url.replace("://", "://user:hunter2@")
    for options in {"endpoint": endpoint}, {"client_kwargs": {"endpoint_url": endpoint}}:
        store = {"skip_signature": True, "region": "us-east-1", **options}
        with idxio.open(url, storage_options=store) as f, pytest.raises(TypeError):
            pickle.dumps(f)


def test_a_plain_url_has_nothing_secret_to_refuse(server):
    server.add("/x.gz", OWN)
    with idxio.open(f"{server.url}/x.gz?download=1") as f:
        assert_same(pickle.loads(pickle.dumps(f))[1], ARRAY[1])


def test_a_password_is_sent(server):
    """As browsers do; here the server asks for none, and counts."""
    server.add("/x.gz", OWN)
    assert_same(read_all(signed(f"{server.url}/x.gz")), ARRAY)


# Forks, threads and ends.


def forked(function):
    """What a function makes of a forked process: 0 if it returned True within LIMIT."""
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(LIMIT)
            os._exit(0 if function() else 1)
        except BaseException:
            traceback.print_exc()
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@FORKS
def test_a_forked_process_reads(server):
    url = server.add("/x.gz", OWN)
    f = idxio.open(url)
    assert_same(f[3000], ARRAY[3000])
    assert forked(lambda: (f[4000] == ARRAY[4000]).all()) == 0
    assert forked(lambda: (f[:] == ARRAY).all()) == 0
    assert forked(lambda: (idxio.read(url) == ARRAY).all()) == 0
    assert_same(f[:], ARRAY)
    f.close()


@FORKS
def test_a_forked_process_reads_a_bucket(bucket):
    """By s3fs, which has other words for the options than obstore."""
    pytest.importorskip("s3fs")
    url = bucket.put("forked.gz", OWN)
    with idxio.open(url, storage_options=bucket.options) as f:
        assert_same(f[3000], ARRAY[3000])
        assert forked(lambda: (f[:] == ARRAY).all()) == 0


@FORKS
def test_a_forked_process_notices_a_change(server):
    url = server.add("/x.gz", OWN)

    def is_noticed():
        with pytest.raises(idxio.ChangedError):
            _ = f[:]
        return True

    with idxio.open(url) as f:
        server.add("/x.gz", own(OTHER), etag='"2"')
        assert forked(is_noticed) == 0


@FORKS
def test_a_forked_process_that_can_not_read_says_so(server, monkeypatch):
    url = server.add("/x.gz", OWN)
    f = idxio.open(url)

    def is_refused():
        monkeypatch.setitem(sys.modules, "fsspec", None)
        start = time.monotonic()
        for read in (lambda: f[4000], lambda: idxio.read(url)):
            with pytest.raises(RuntimeError, match=r"after a fork.*spawn.*fsspec") as info:
                read()
            assert url in str(info.value)
        return time.monotonic() - start < LIMIT / 2

    assert forked(is_refused) == 0
    f.close()


@FORKS
def test_workers_of_a_pool(server):
    url = server.add("/x.gz", OWN)
    with idxio.open(url) as f:
        assert_same(f[1], ARRAY[1])
        for method in "fork", "spawn", "forkserver":
            with multiprocessing.get_context(method).Pool(2) as pool:
                sums = pool.map_async(f.__getitem__, [5, 4000, 2000, 6]).get(LIMIT)
            assert [x.tolist() for x in sums] == ARRAY[[5, 4000, 2000, 6]].tolist()


@FORKS
def test_workers_of_torch(server):
    torch_data = pytest.importorskip("torch.utils.data")
    from idxio.adapters.torch import Samples

    labels = np.arange(len(ARRAY)) % 5
    server.add("/train-images-idx3-int.gz", OWN)
    with idxio.open(f"{server.url}/train-images-idx3-int.gz") as f:
        assert_same(f[1], ARRAY[1])
        dataset = Samples(idxio.Dataset(f, labels))
        loader = torch_data.DataLoader(
            dataset, batch_size=700, num_workers=2, multiprocessing_context="fork"
        )
        images = np.concatenate([np.asarray(batch[0]) for batch in loader])
        assert (images.reshape(ARRAY.shape) == ARRAY).all()


@pytest.mark.parametrize("data", [RAW, OWN], ids=["raw", "own"])
def test_a_closed_file_can_not_be_read(data, server):
    url = server.add("/x", data)
    f = idxio.open(url)
    _ = f[4000]
    f.close()
    f.close()
    with pytest.raises(ValueError, match=r"file is closed") as info:
        _ = f[100:3900]
    assert url in str(info.value)


@FILES
def test_threads_end_with_their_file(data, server):
    url = server.add("/x", data)
    before = set(threading.enumerate())

    def new():
        threads = set(threading.enumerate()) - before
        return [thread for thread in threads if "process_request_thread" not in thread.name]

    assert_same(idxio.read(url), ARRAY)
    for _ in range(3):
        f = idxio.open(url)
        next(iter(f.iter_records(10)))
        _ = f[:]
        del f
        gc.collect()
    until = time.monotonic() + LIMIT / 3
    while new() and time.monotonic() < until:
        time.sleep(0.01)
    assert new() == []


def test_options_are_for_urls(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(RAW)
    for file in (path, str(path), RAW, io.BytesIO(RAW)):
        with pytest.raises(ValueError, match="storage_options are for URLs"):
            idxio.read(file, storage_options={"anon": True})


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("http://", ValueError, "http:.*no URL"),
        ("http:///x", OSError, "http:///x"),
        ("http://user:hunter2@[::1/x", ValueError, r"http://\.\.\.: no URL"),
        ("http://127.0.0.1:99999/x", ValueError, "99999/x: is no URL of"),
        ("nosuch://x/y", ValueError, "nosuch"),
        ("s3://", ValueError, "s3.*no URL"),
    ],
)
def test_a_url_that_is_none(url, kind, words):
    with pytest.raises(kind, match=words):
        idxio.read(url)
