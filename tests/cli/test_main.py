"""The command idxio as users run it: in a process of its own, outside the source tree."""

import contextlib
import errno
import fcntl
import gzip
import io
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import idxio
from idxio.__main__ import run
from idxio.cli import terminal
from idxio.cli.main import main
from idxio.datasets import contact_sheet

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
FASHION = Path("/usr/share/datasets/fashion-mnist")
HTML = b"<!DOCTYPE html>\n<html><body>404</body></html>\n"
# stdout as it is by default, whatever the machine that tests has set
BUFFERED = {"PYTHONUNBUFFERED": ""}
ERROR_LINE = re.compile(r"idxio: .+: .+\n")


def idx(array):
    """The bytes of an IDX file, made without idxio."""
    array = np.asarray(array)
    code = CODES[array.dtype.str[1:]]
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def images():
    return np.random.default_rng(3).integers(0, 256, (12, 6, 4)).astype(np.uint8)


@pytest.fixture
def idxio_run(tmp_path):
    """Run the command in tmp_path; text in and out unless text=False is given."""

    def run(*args, env=None, text=True, **options):
        settings = {
            "COLUMNS": "80",
            "LINES": "24",
            "PYTHONIOENCODING": "utf-8",
            **BUFFERED,
            **(env or {}),
        }
        return subprocess.run(
            [sys.executable, "-m", "idxio", *map(str, args)],
            cwd=tmp_path,
            env={**os.environ, **settings},
            stdin=options.pop("stdin", None if "input" in options else subprocess.DEVNULL),
            stdout=options.pop("stdout", subprocess.PIPE),
            stderr=subprocess.PIPE,
            encoding="utf-8" if text else None,
            timeout=120,
            **options,
        )

    return run


def python_run(code, cwd, **options):
    """Run Python code that calls main, for what has to be prepared in the process."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        **options,
    )


# --- info and verify ---


def test_info_says_what_the_file_is(idxio_run, tmp_path, images):
    data = idx(images)
    (tmp_path / "images.gz").write_bytes(gzip.compress(data))
    done = idxio_run("info", "images.gz")
    assert (done.returncode, done.stderr) == (0, "")
    packed = (tmp_path / "images.gz").stat().st_size
    assert done.stdout.splitlines() == [
        "images.gz",
        "  shape   12 x 6 x 4",
        "  type    uint8",
        f"  size    {len(data):,} bytes in {packed:,}, gzip",
        f"  CRC-32  {zlib.crc32(data):08x}, as the file states it",
    ]


def test_info_json_is_one_document(idxio_run, tmp_path):
    data = idx(np.arange(5, dtype=np.int32))
    (tmp_path / "labels").write_bytes(data)
    (tmp_path / "labels.gz").write_bytes(gzip.compress(data))
    done = idxio_run("info", "--json", "labels", "labels.gz")
    assert done.returncode == 0
    raw, packed = json.loads(done.stdout)
    assert raw == {
        "file": "labels",
        "shape": [5],
        "dtype": "int32",
        "packing": "raw",
        "packed_size": len(data),
        "size": len(data),
        "crc32": None,
        "known": None,
    }
    assert packed["packing"] == "gzip"
    assert packed["crc32"] == f"{zlib.crc32(data):08x}"


@pytest.mark.parametrize("command", ["info", "verify"])
def test_goes_on_after_a_bad_file(idxio_run, tmp_path, command):
    (tmp_path / "good").write_bytes(idx(np.arange(3, dtype=np.uint8)))
    (tmp_path / "page").write_bytes(HTML)
    done = idxio_run(command, "page", "good")
    assert done.returncode == 1
    assert "good" in done.stdout
    assert done.stderr.startswith("idxio: page: is not an IDX file but an HTML")
    # A file that can't be read counts more than one that is wrong.
    done = idxio_run(command, "missing", "page", "good")
    assert done.returncode == 3
    assert "good" in done.stdout
    assert len(done.stderr.splitlines()) == 2


def test_json_holds_the_errors_too(idxio_run, tmp_path):
    (tmp_path / "good").write_bytes(idx(np.arange(3, dtype=np.uint8)))
    (tmp_path / "cut").write_bytes(idx(np.arange(3, dtype=np.uint8))[:-1])
    done = idxio_run("verify", "--json", "cut", "missing", "good")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 2
    cut, missing, good = json.loads(done.stdout)
    assert (cut["file"], cut["kind"], cut["offset"]) == ("cut", "TruncatedError", 10)
    assert f"idxio: {cut['error']}\n" in done.stderr
    assert (missing["file"], missing["kind"]) == ("missing", "FileNotFoundError")
    assert good["crc32"] == f"{zlib.crc32(idx(np.arange(3, dtype=np.uint8))):08x}"


def test_verify_checks_everything(idxio_run, tmp_path, images):
    data = idx(np.tile(images, (100, 1, 1)))  # more than info unpacks
    packed = bytearray(gzip.compress(data))
    (tmp_path / "good.gz").write_bytes(packed)
    packed[-6] ^= 1  # in the checksum
    (tmp_path / "bad.gz").write_bytes(packed)
    done = idxio_run("verify", "good.gz")
    assert done.returncode == 0
    assert done.stdout == f"good.gz: OK, 1200 x 6 x 4 uint8, CRC-32 {zlib.crc32(data):08x}\n"
    assert idxio_run("info", "bad.gz").returncode == 0
    done = idxio_run("verify", "bad.gz")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("idxio: bad.gz: is damaged")


def test_verify_says_that_a_raw_file_has_no_checksum(idxio_run, tmp_path, images):
    (tmp_path / "raw").write_bytes(idx(images))
    assert "size only" in idxio_run("verify", "raw").stdout


def test_stdin(idxio_run, images):
    done = idxio_run("info", "-", input=gzip.compress(idx(images)), text=False)
    assert done.returncode == 0
    assert b"12 x 6 x 4" in done.stdout
    done = idxio_run("verify", "-", input=HTML, text=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"idxio: <stdin>: is not an IDX file")


# --- bad input: one line on stderr, the right code, never a traceback ---


def bad_files():
    labels = idx(np.arange(10, dtype=np.uint8))
    packed = gzip.compress(
        idx(np.random.default_rng(0).integers(0, 256, (50, 28, 28)).astype(np.uint8))
    )
    return {
        "empty": b"",
        "page.gz": HTML,
        "header": labels[:6],
        "cut": labels[:-1],
        "long": labels + b"x",
        "cut.gz": packed[: len(packed) // 2],
        "garbage.gz": packed + b"garbage",
        "promise": struct.pack(">BBBB3I", 0, 0, 8, 3, 0xFFFFFFFF, 0xFFFF, 0xFFFF),
        "random": bytes(range(17, 60)),
    }


@pytest.mark.parametrize("command", ["verify", "show"])
@pytest.mark.parametrize("name", bad_files())
def test_bad_file(idxio_run, tmp_path, command, name):
    if command == "show" and name == "garbage.gz":
        pytest.skip("show reads the records that it shows, not what lies behind them; verify does")
    (tmp_path / name).write_bytes(bad_files()[name])
    done = idxio_run(command, name)
    assert (done.returncode, done.stdout) == (1, "")
    assert ERROR_LINE.fullmatch(done.stderr)
    assert done.stderr.startswith(f"idxio: {name}: ")


@pytest.mark.parametrize("command", ["info", "verify", "show", "demo"])
def test_unreadable_file(idxio_run, tmp_path, command):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"")
    for name in ("missing", "", "folder" if command != "demo" else "file"):
        done = idxio_run(command, name)
        assert (done.returncode, done.stdout) == (3, "")
        assert ERROR_LINE.fullmatch(done.stderr)
        assert done.stderr.startswith(f"idxio: {name or repr(name)}: ")
        assert "Errno" not in done.stderr


def test_no_permission(idxio_run, tmp_path):
    (tmp_path / "secret").write_bytes(idx(np.arange(3, dtype=np.uint8)))
    (tmp_path / "secret").chmod(0)
    if os.access(tmp_path / "secret", os.R_OK):
        pytest.skip("root may read everything")
    done = idxio_run("info", "secret")
    assert done.returncode == 3
    assert done.stderr == "idxio: secret: Permission denied\n"


def test_a_read_that_fails_names_the_file(monkeypatch, tmp_path, capsys):
    (tmp_path / "labels").write_bytes(idx(np.arange(3, dtype=np.uint8)))

    def fail(*args):
        raise OSError(errno.EIO, "Input/output error")  # as os.preadv does: without a name

    monkeypatch.setattr(os, "preadv", fail, raising=False)
    monkeypatch.setattr(os, "pread", fail)
    for command in ("info", "verify", "show"):
        assert main([command, str(tmp_path / "labels")]) == 3
        assert capsys.readouterr().err == f"idxio: {tmp_path}/labels: Input/output error\n"


def test_no_memory(monkeypatch, tmp_path, capsys):
    (tmp_path / "labels").write_bytes(idx(np.arange(3, dtype=np.uint8)))

    def fail(*args):
        raise MemoryError

    monkeypatch.setattr(idxio.IdxArray, "__getitem__", fail)
    assert main(["show", str(tmp_path / "labels")]) == 3
    assert capsys.readouterr().err == f"idxio: {tmp_path}/labels: not enough memory\n"
    monkeypatch.undo()
    monkeypatch.setattr("idxio.cli.show.number_lines", fail)  # where no file is to blame
    assert main(["show", str(tmp_path / "labels")]) == 3
    assert capsys.readouterr().err == "idxio: not enough memory\n"


@pytest.mark.parametrize("name", [b"a\x1b[31mb", b"undecodable\xff", "größe".encode()])
def test_odd_names_stay_harmless(idxio_run, tmp_path, name):
    path = os.path.join(os.fsencode(tmp_path), name)
    with open(path, "wb") as file:
        file.write(idx(np.arange(3, dtype=np.uint8)))
    for command in ("info", "verify", "show"):
        done = idxio_run(command, os.fsdecode(name), env={"PYTHONIOENCODING": "ascii"})
        assert (done.returncode, done.stderr) == (0, "")
        assert "\x1b" not in done.stdout
    os.truncate(path, 0)
    done = idxio_run("info", os.fsdecode(name), env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 1
    assert "\x1b" not in done.stderr
    assert "is empty" in done.stderr


# --- usage ---


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["info"],
        ["wrong"],
        ["show", "x", "--rows", "a:b"],
        ["show", "x", "--rows", ""],
        ["show", "x", "--rows", "0:5:0"],
        ["show", "x", "--rows", "1:2:3:4"],
        ["show", "x", "-o", "x.jpg"],
        ["demo", "x", "--drawn"],
        ["demo", "x", "--keep", "y"],
    ],
)
def test_usage(args, capsys):
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: idxio")


def test_version_and_help(idxio_run):
    done = idxio_run("--version")
    assert (done.returncode, done.stdout) == (0, idxio.show_config() + "\n")
    done = idxio_run("--help")
    assert done.returncode == 0
    for code in ("0", "1", "2", "3", "130", "141"):
        assert re.search(rf"^  {code} +\w", done.stdout, re.MULTILINE)


def test_every_command_says_what_it_does(capsys):
    main(["--help"])
    commands = re.findall(r"^    (\w+) +\w", capsys.readouterr().out, re.MULTILINE)
    assert {"info", "import", "demo"} < set(commands)
    for command in commands:
        main([command, "--help"])
        description = capsys.readouterr().out.split("\n\n")[1]
        assert re.fullmatch(r"[A-Z].+\.", description, re.DOTALL), command
        assert max(map(len, description.splitlines())) <= 112


def test_main_takes_arguments_and_returns_the_code(tmp_path, capsys):
    (tmp_path / "labels").write_bytes(idx(np.arange(3, dtype=np.uint8)))
    assert main(["verify", str(tmp_path / "labels")]) == 0
    assert main(["verify", str(tmp_path / "missing")]) == 3
    assert main(["--help"]) == 0
    assert "exit codes:" in capsys.readouterr().out


def test_help_imports_only_parsers(tmp_path):
    code = "import idxio.cli.main; idxio.cli.main._parser([]); import sys; print(*sys.modules)"
    done = python_run(code, tmp_path)
    packages = (
        "idxio.convert",
        "idxio.datasets",
        "idxio.loader",
        "PIL",
        "json",
        "idxio.core.disk_cache",
    )
    loaded = done.stdout.split()
    assert "idxio.cli.export" in loaded
    assert not [name for name in loaded if name.startswith(packages)]


def test_only_what_is_used_is_imported(tmp_path):
    (tmp_path / "labels").write_bytes(idx(np.arange(3, dtype=np.uint8)))
    done = python_run(
        "import sys; from idxio.cli.main import main; main(['info', 'labels']);print({'PIL',"
        " 'idxio.cli.show', 'idxio.cli.demo.demo', 'idxio.cli.demo.digits'} & set(sys.modules))",
        tmp_path,
    )
    assert done.stdout.endswith("\nset()\n")
    done = python_run(
        "import sys; from idxio.cli.main import main; main(['show', 'labels']);"
        "print({'PIL', 'idxio.cli.demo.demo', 'idxio.cli.demo.digits'} & set(sys.modules))",
        tmp_path,
    )
    assert done.stdout.endswith("\nset()\n")


# --- show ---


def test_show_labels(idxio_run, tmp_path):
    (tmp_path / "labels").write_bytes(idx((np.arange(1000) % 10).astype(np.uint8)))
    lines = idxio_run("show", "labels").stdout.splitlines()
    assert lines[0] == "labels: 1000 uint8, raw; records 0:200 of 1,000"
    assert lines[1:] == ["0 1 2 3 4 5 6 7 8 9 " * 3 + "0 1 2 3 4 5 6 7 8 9"] * 5
    lines = idxio_run("show", "labels", "--rows", "8:12", env={"COLUMNS": "3"}).stdout.splitlines()
    assert lines == ["labels: 1000 uint8, raw; records 8:12 of 1,000", "8 9", "0 1"]


def test_show_numbers(idxio_run, tmp_path):
    (tmp_path / "scalar").write_bytes(idx(np.float64(2.5)))
    assert idxio_run("show", "scalar").stdout.splitlines()[1:] == ["2.5"]
    (tmp_path / "idx2").write_bytes(idx(np.array([[1, -20], [300, 4]], np.int32)))
    assert idxio_run("show", "idx2").stdout.splitlines()[1:] == ["  1 -20", "300   4"]


@pytest.mark.parametrize(
    "shape", [(0,), (0, 28, 28), (5, 0), (5, 0, 28), (5, 28, 0), (5, 0, 28, 28)]
)
def test_show_nothing(tmp_path, capsys, shape):
    (tmp_path / "none").write_bytes(idx(np.zeros(shape, np.uint8)))
    assert main(["show", str(tmp_path / "none")]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 1
    assert f"none: {' x '.join(map(str, shape))} uint8, raw" in out


@pytest.mark.parametrize(
    ("rows", "picked"),
    [
        ("2:5", [2, 3, 4]),
        ("7", [7]),
        ("-1", [9]),
        ("-2:", [8, 9]),
        (":2", [0, 1]),
        ("::4", [0, 4, 8]),
    ],
)
def test_show_rows(idxio_run, tmp_path, rows, picked):
    (tmp_path / "labels").write_bytes(idx(np.arange(10, dtype=np.uint8)))
    done = idxio_run("show", "labels", f"--rows={rows}")
    assert done.stdout.splitlines()[1].split() == list(map(str, picked))


def test_show_rows_that_are_not_there(idxio_run, tmp_path):
    (tmp_path / "labels").write_bytes(idx(np.arange(10, dtype=np.uint8)))
    done = idxio_run("show", "labels", "--rows", "10:20")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "idxio: labels: --rows picks none of its 10 records\n"


def test_show_draws_images(idxio_run, tmp_path):
    images = np.zeros((2, 4, 3), np.uint8)
    images[0, :2, 0] = 255  # the upper half of the left column
    images[1, 2:] = 130  # the lower half
    (tmp_path / "images").write_bytes(idx(images))
    done = idxio_run("show", "images")
    assert done.stdout.splitlines()[1:] == ["█", "    ▒▒▒", "0   1"]
    done = idxio_run("show", "images", env={"PYTHONIOENCODING": "ascii"})
    assert done.stdout.splitlines()[1:] == ["@", "    +++", "0   1"]
    done = idxio_run("show", "images", env={"TERM": "xterm-256color", "COLORTERM": "truecolor"})
    assert "\x1b" not in done.stdout  # which is a pipe here


def test_show_counts_the_planes_of_a_record(idxio_run, tmp_path):
    (tmp_path / "planes").write_bytes(idx(np.zeros((100, 4, 10, 15), np.uint8)))
    # 5 planes side by side and 3 below each other, over captions, fit 80 columns and 22 lines.
    assert "records 0:3 of 100\n" in idxio_run("show", "planes").stdout


@pytest.mark.parametrize("columns", [20, 80, 133])
@pytest.mark.parametrize(
    "shape", [(40, 28, 28), (3, 300, 1000), (30, 40), (9, 5, 5, 3), (2, 5, 6, 7), (4, 900, 2)]
)
def test_show_fits_the_terminal(monkeypatch, capsys, tmp_path, shape, columns):
    (tmp_path / "images").write_bytes(idx(np.full(shape, 255, np.uint8)))
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", "24")
    assert main(["show", str(tmp_path / "images")]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines
    assert len(lines) <= 24
    assert max(map(len, lines)) <= columns
    # half where a row is missing below; and captions
    assert set("".join(lines)) <= {*"█ ▒[]0123456789"}


def test_show_makes_images_smaller_by_their_means(idxio_run, tmp_path):
    images = np.zeros((10, 28, 28), np.uint8)
    images[:, ::2, ::2] = 255  # a quarter of every block of 2 x 2
    (tmp_path / "images").write_bytes(idx(images))
    lines = idxio_run("show", "images", "--rows", ":10").stdout.splitlines()[1:]
    row = [" ".join(["░" * 14] * 5)] * 7
    captions = [" ".join(f"{i:<14}" for i in some).rstrip() for some in (range(5), range(5, 10))]
    assert lines == [*row, captions[0], *row, captions[1]]


def show_on_terminal(tmp_path, *args, **env):
    """What `idxio show` writes to a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    clean = {k: v for k, v in os.environ.items() if k not in ("COLORTERM", "NO_COLOR", "TERM")}
    done = subprocess.Popen(
        [sys.executable, "-m", "idxio", "show", *args],
        cwd=tmp_path,
        env={**clean, "COLUMNS": "80", "LINES": "24", "PYTHONIOENCODING": "utf-8", **env},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
    )
    os.close(theirs)
    output = b""
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while piece := os.read(ours, 4096):
            output += piece
    os.close(ours)
    assert done.wait(60) == 0
    return output.decode().replace("\r\n", "\n").splitlines()[1:]


def test_show_in_colour(tmp_path):
    image = np.array(
        [[[[255, 0, 0], [255, 0, 0]], [[0, 0, 255], [1, 2, 3]], [[0, 255, 0], [9, 9, 9]]]], np.uint8
    )
    (tmp_path / "rgb").write_bytes(idx(image))
    assert show_on_terminal(tmp_path, "rgb", TERM="xterm", COLORTERM="truecolor") == [
        "\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[38;2;255;0;0;48;2;1;2;3m▀\x1b[0m",
        "\x1b[38;2;0;255;0;48;2;0;0;0m▀\x1b[38;2;9;9;9;48;2;0;0;0m▀\x1b[0m",
        "0",
    ]
    assert show_on_terminal(tmp_path, "rgb", TERM="screen-256color") == [
        "\x1b[38;5;196;48;5;21m▀\x1b[38;5;196;48;5;16m▀\x1b[0m",
        "\x1b[38;5;46;48;5;16m▀▀\x1b[0m".replace("▀▀", "▀\x1b[38;5;16;48;5;16m▀"),
        "0",
    ]


def test_show_grey_in_256_colours(tmp_path):
    (tmp_path / "grey").write_bytes(idx(np.array([[[0, 0, 128, 255], [0, 0, 8, 238]]], np.uint8)))
    assert show_on_terminal(tmp_path, "grey", TERM="xterm-256color") == [
        "\x1b[38;5;16;48;5;16m▀▀\x1b[38;5;244;48;5;232m▀\x1b[38;5;231;48;5;255m▀\x1b[0m",
        "0",
    ]


@pytest.mark.parametrize(
    "env", [{"TERM": "dumb"}, {"TERM": "xterm"}, {"TERM": "xterm-256color", "NO_COLOR": "1"}, {}]
)
def test_show_without_colour(tmp_path, env):
    (tmp_path / "grey").write_bytes(idx(np.full((1, 2, 2), 255, np.uint8)))
    assert show_on_terminal(tmp_path, "grey", **env) == ["██", "0"]


def test_colours_of_the_256_palette_are_the_nearest():
    levels = np.array([0, 95, 135, 175, 215, 255])
    values = np.arange(256)
    palette = {16: 0, 231: 255, **{232 + i: 8 + 10 * i for i in range(24)}}
    for value, (code,) in zip(
        values, terminal._codes_256(values.astype(np.uint8)[:, None]), strict=True
    ):
        shown = palette[int(code.removeprefix("5;"))]
        assert abs(shown - value) == min(abs(shade - value) for shade in palette.values())
    red = np.zeros((256, 1, 3), np.uint8)
    red[:, 0, 0] = values
    for value, (code,) in zip(values, terminal._codes_256(red), strict=True):
        step = (int(code.removeprefix("5;")) - 16) // 36
        assert abs(levels[step] - value) == min(abs(levels - value))


def test_other_types_are_scaled():
    values = np.array(
        [[[-100.0, 0.0], [50.0, 155.0]], [[np.nan, np.inf], [-np.inf, 27.5]]], np.float32
    )
    assert contact_sheet.as_images(values).tolist() == [
        [[0, 100], [150, 255]],
        [[0, 255], [0, 128]],
    ]
    assert contact_sheet.as_images(np.full((1, 2, 2), 7, np.int16)).max() == 0
    assert contact_sheet.as_images(np.full((1, 2, 2), np.nan)).max() == 0
    assert contact_sheet.as_images(np.array([[[-1e308, 1e308]]])).tolist() == [[[0, 255]]]
    small = np.array([[[3, 250]]], np.uint8)
    assert contact_sheet.as_images(small).tolist() == small.tolist()


@pytest.mark.parametrize(
    ("shape", "images"),
    [
        ((5, 20), (1, 5, 20)),
        ((5, 7, 8), (5, 7, 8)),
        ((5, 7, 8, 3), (5, 7, 8, 3)),
        ((5, 7, 8, 1), (5, 7, 8)),
        ((5, 3, 7, 8), (15, 7, 8)),
        ((5, 2, 7, 8, 3), (10, 7, 8, 3)),
        ((5, 8, 3), (5, 8, 3)),
    ],
)
def test_which_axes_are_an_image(shape, images):
    assert contact_sheet.as_images(np.zeros(shape, np.uint8)).shape == images


def test_show_reads_only_what_it_shows(tmp_path):
    # 64 GB of which nothing is on disk, and 16 GB of address space to read it in.
    data = struct.pack(">BBBB3I", 0, 0, 8, 3, 1_000_000, 256, 256)
    with open(tmp_path / "large", "wb") as file:
        file.write(data)
        try:
            file.truncate(len(data) + 1_000_000 * 256 * 256)
        except OSError as error:
            pytest.skip(f"no large files here: {error}")
    done = python_run(
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**34, 2**34));from"
        " idxio.cli.main import main; raise SystemExit(main(['show', 'large', '--rows',"
        " '999990:999995']))",
        tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "records 999990:999995 of 1,000,000" in done.stdout


# --- show -o ---


def read_png(data):
    with Image.open(io.BytesIO(data)) as png:
        assert png.format == "PNG"
        return np.asarray(png)


def test_png_holds_the_pixels(idxio_run, tmp_path, images):
    (tmp_path / "images").write_bytes(idx(images))
    done = idxio_run("show", "images", "--rows", "1:6", "-o", "out.png")
    size = (tmp_path / "out.png").stat().st_size
    assert (done.returncode, done.stdout, done.stderr) == (0, f"out.png: {size:,} bytes\n", "")
    png = read_png((tmp_path / "out.png").read_bytes())
    # 3 + 2 images, 19 x as large, over 14 pixels of caption, 4 pixels between them
    assert png.shape == (2 * (6 * 19 + 14) + 4, 3 * 4 * 19 + 2 * 4)
    for i in range(5):
        y, x = 132 * (i // 3), 80 * (i % 3)
        large = images[1 + i].repeat(19, axis=0).repeat(19, axis=1)
        np.testing.assert_array_equal(png[y : y + 114, x : x + 76], large)
        caption = png[y + 114 : y + 128, x : x + 76]
        assert caption.min() == 60
        assert caption.max() > 200
    assert set(png[128:132].ravel()) == set(png[:, 76:80].ravel()) == {60}


def test_png_of_rgb(idxio_run, tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (1, 5, 4, 3)).astype(np.uint8)
    (tmp_path / "rgb.gz").write_bytes(gzip.compress(idx(rgb)))
    assert idxio_run("show", "rgb.gz", "-o", "out.png").returncode == 0
    np.testing.assert_array_equal(read_png((tmp_path / "out.png").read_bytes()), rgb[0])


def test_png_shows_a_hundred_unasked(idxio_run, tmp_path):
    (tmp_path / "images").write_bytes(idx(np.zeros((250, 3, 3), np.uint8)))
    assert idxio_run("show", "images", "-o", "out.png").returncode == 0
    png = read_png((tmp_path / "out.png").read_bytes())
    assert png.shape == (10 * (3 * 37 + 14 + 4) - 4, 10 * (3 * 37 + 4) - 4)
    assert not png[-125:-14, -111:].any()  # the hundredth, where the sheet would be grey


def test_png_that_cannot_be(idxio_run, tmp_path, images):
    (tmp_path / "images").write_bytes(idx(images))
    (tmp_path / "labels").write_bytes(idx(np.arange(3, dtype=np.uint8)))
    done = idxio_run("show", "labels", "-o", "out.png")
    assert (done.returncode, done.stderr) == (2, "idxio: labels: holds no images to draw (3)\n")
    done = idxio_run("show", "images", "-o", "missing/out.png")
    assert (done.returncode, done.stderr) == (
        3,
        "idxio: missing/out.png: No such file or directory\n",
    )
    assert sorted(os.listdir(tmp_path)) == ["images", "labels"]


# --- the output side ---


@pytest.mark.parametrize("args", [("show", "images", "--rows", ":"), ("info", *["images"] * 3000)])
def test_a_closed_pipe_is_quiet(tmp_path, args):
    (tmp_path / "images").write_bytes(idx(np.full((20000, 4, 4), 200, np.uint8)))
    with subprocess.Popen(
        [sys.executable, "-m", "idxio", *args],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **BUFFERED},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline().startswith(b"images")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_disk_is_said_once(idxio_run, tmp_path, images):
    (tmp_path / "images").write_bytes(idx(images))
    with open("/dev/full", "w") as full:
        for args in (
            ("info", "images"),
            ("show", "images", "--rows", ":"),
            ("info", *["images"] * 500),
        ):
            done = idxio_run(*args, stdout=full)
            assert done.returncode == 3
            assert done.stderr == "idxio: standard output: No space left on device\n"


def test_stdout_may_be_closed(idxio_run, tmp_path, images):
    (tmp_path / "images").write_bytes(idx(images))
    done = idxio_run("info", "images", preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")


def test_stdin_may_be_closed(idxio_run):
    done = idxio_run("info", "-", preexec_fn=lambda: os.close(0))
    assert (done.returncode, done.stderr) == (3, "idxio: -: Bad file descriptor\n")


def test_repack_of_a_pipe(idxio_run, tmp_path, images):
    idxio.write(tmp_path / "images", images)
    with open(tmp_path / "images", "rb") as file:
        done = idxio_run("repack", "/dev/stdin", "out.gz", stdin=file)
    assert (done.returncode, done.stderr) == (0, "")
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cp", "images", "pipe"], cwd=tmp_path):
        done = idxio_run("repack", "pipe", "again.gz")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    assert (idxio.read(tmp_path / "again.gz") == images).all()


@pytest.mark.parametrize("target", ["nodir/x.gz", "dir"])
def test_repack_names_the_file_that_can_not_be_written(idxio_run, tmp_path, images, target):
    idxio.write(tmp_path / "images", images)
    (tmp_path / "dir").mkdir()
    done = idxio_run("repack", "images", target)
    assert (done.returncode, done.stderr.split(": ")[:2]) == (3, ["idxio", target])


def test_interrupt(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(
        [sys.executable, "-m", "idxio", "verify", "pipe"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A shell's background job inherits that SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        end = time.monotonic() + 60
        writer = None
        while writer is None and time.monotonic() < end:
            with contextlib.suppress(OSError):  # ENXIO: nobody reads yet
                writer = os.open(tmp_path / "pipe", os.O_WRONLY | os.O_NONBLOCK)
            time.sleep(0.01)
        os.write(writer, b"\0")
        while any(fcntl.ioctl(writer, termios.FIONREAD, bytes(4))) and time.monotonic() < end:
            time.sleep(0.01)  # until the byte is taken, and the process waits for the next
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        os.close(writer)
        assert process.stdout.read() == process.stderr.read() == b""


# --- the real thing ---


@pytest.mark.skipif(not FASHION.is_dir(), reason="Debian's dataset-fashion-mnist is not here")
def test_fashion_mnist(idxio_run, tmp_path):
    files = sorted(FASHION.glob("*.gz"))
    done = idxio_run("verify", "--json", *files)
    assert done.returncode == 0
    assert [(about["known"], about["shape"]) for about in json.loads(done.stdout)] == [
        ("Fashion-MNIST t10k images", [10000, 28, 28]),
        ("Fashion-MNIST t10k labels", [10000]),
        ("Fashion-MNIST train images", [60000, 28, 28]),
        ("Fashion-MNIST train labels", [60000]),
    ]
    done = idxio_run("show", files[0])
    # two rows of three at 20 x 20, over captions: as many as fit 80 x 24 and can be recognised
    assert len(done.stdout.splitlines()) == 1 + 2 * 11
    assert "0: Ankle boot" in done.stdout
    assert idxio_run("show", files[0], "--rows", "9999", "-o", "last.png").returncode == 0
    last = np.frombuffer(gzip.decompress(files[0].read_bytes())[-784:], np.uint8).reshape(28, 28)
    np.testing.assert_array_equal(read_png((tmp_path / "last.png").read_bytes()), last)


def test_ctrl_c_while_the_modules_are_imported(monkeypatch, capsys):
    class Interrupted:
        def find_spec(self, name, *where):
            if name == "idxio.cli.main":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "idxio.cli.main")
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    assert run() == 130
    assert capsys.readouterr() == ("", "")
