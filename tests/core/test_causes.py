"""The causes of broken files: each is named, with the remedy."""

import base64
import gzip
import io
import pickle
import random
import struct
import zipfile

import numpy as np
import pytest
from helpers import encode, header

import idxio

RAW = struct.pack(">4I", 2051, 60, 28, 28) + bytes(range(256)) * 183 + bytes(192)
PACKED = gzip.compress(RAW, mtime=0)
# Few different bytes, so that gzip does not store them as they are.
LONG = gzip.compress(
    struct.pack(">2I", 2049, 50_000) + bytes(random.Random(0).choices(range(60), k=50_000)), mtime=0
)


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x" * 2000)
    return file.getvalue()


OTHERS = {
    "not found": (b"404: Not Found", "starts with the text '404: Not Found'"),
    "entry": (b"Entry not found", "starts with the text 'Entry not found'"),
    "bom": (b"\xef\xbb\xbfhello\r\nthere", "starts with the text 'hello there'"),
    "accents": (("\u00e9" * 2000).encode(), "starts with the text '\u00e9{60}…'"),
    "csv": (b"label,1x1,1x2\n5,0,0\n", r"'label,1x1,1x2 5,0,0' \(idxio.import_dataset takes CSV"),
    "json": (b'{\n "message": "Not Found"}', "but JSON, as a server sends for an error"),
    "json list": (b' [{"a": 1}]', "but JSON"),
    "html": (b"\n<!DOCTYPE HTML>", "but an HTML or XML page.*download it again"),
    "http": (b"HTTP/1.1 404 Not Found\r\n", "but a server's answer with its headers"),
    "gzip as UTF-8": (PACKED.decode("utf-8", "replace").encode(), "gzip data .* as binary"),
    "gzip as latin 1": (PACKED.decode("latin1").encode(), "gzip data .* as binary"),
    "UTF-16": (b"\xff\xfe" + RAW.decode("latin1").encode("utf-16-le"), "UTF-16, .* as binary"),
    "UTF-16 BE": (b"\xfe\xff" + RAW.decode("latin1").encode("utf-16-be"), "UTF-16"),
    "marked": (b"\xef\xbb\xbf" + RAW, "mark of UTF-8, .* as binary"),
    "base64": (base64.b64encode(RAW), "base64: decode it first"),
    "base64 of gzip": (base64.b64encode(PACKED), "base64: decode it first"),
    "hex": (RAW.hex().encode(), "a hex dump"),
    "zip": (zipped("train.csv", "test.csv"), "a zip archive with train.csv: unpack it first"),
    "empty zip": (zipped(), "an empty zip archive"),
    "npz": (zipped("x_train.npy"), r"of NumPy \(.npz\) with x_train.npy: .*numpy.load"),
    "torch": (zipped("archive/data.pkl"), "torch.load"),
    "xlsx": (zipped("[Content_Types].xml"), "Office"),
    "start of a zip": (b"PK\x03\x04", "a zip archive: unpack it first"),
    **{
        f"pickle {protocol} {type(what).__name__}": (
            pickle.dumps(what, protocol),
            "a Python pickle",
        )
        for protocol in (0, 2, 3, 4, 5)
        for what in ([1], {"a": 1}, np.zeros(3))
    },
    "mat": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64".ljust(128), "scipy.io.loadmat"),
    "mat 7.3": (b"MATLAB 7.3 MAT-file, Platform".ljust(512) + b"\x89HDF\r\n", "h5py"),
    "arrow": (b"ARROW1\0\0", "an Arrow file"),
    "tfrecord": (
        struct.pack("<Q", 790) + b"\x1b\x8d\x0c\x5f\n\x93\x06",
        "a TFRecord file: read it with tensorflow.data",
    ),
    "little-endian": (struct.pack("<4I", 2051, 10, 10, 10), "header was written little-endian"),
    "arff": (b"% MNIST\n%\n@RELATION mnist_784\n", "an ARFF table"),
    "bmp": (b"BM\x36\0\x01\0" + bytes(48), "a BMP picture"),
    "gif": (b"GIF89a" + bytes(30), "a GIF picture"),
    "tiff": (b"II*\0" + bytes(30), "a TIFF picture"),
    "tiff, big-endian": (b"MM\0*" + bytes(30), "a TIFF picture"),
    "webp": (b"RIFF\0\0\0\0WEBP", "a WebP picture"),
    "tar": (b"train".ljust(257, b"\0") + b"ustar\0", "a tar archive"),
    "dvc": (b"outs:\n- md5: 0123\n  size: 9\n", "dvc pull"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
    "binary": (b"\x12\x34\x56\x78\xff", "starts with 12 34 56 78"),
    "line feeds": (LONG.replace(b"\n", b"\r\n"), "each byte 0a has a 0d before it.* as binary"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_is_no_idx_file(case):
    data, what = OTHERS[case]
    with pytest.raises(idxio.IdxError, match=what):
        idxio.read(data)


def pixels(*shape, dtype="u1"):
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


def sized(code, shape, order, data):
    sizes = struct.pack(f"{order}{len(shape)}I", *shape)
    return bytes((0, 0, code, len(shape))) + sizes + data


SIZES = {
    "labels, sizes little-endian": (
        sized(8, (60,), "<", bytes(60)),
        r"likely cause is that its sizes were written little-endian: \(60,\) fits exactly",
    ),
    "images, sizes little-endian": (
        sized(8, (60, 28, 28), "<", bytes(60 * 784)),
        r"written little-endian, the sizes would be \(60, 28, 28\)",
    ),
    "larger pictures": (
        header(8, 8, 56, 56) + bytes(8 * 112 * 112),
        r"fit the shape \(8, 112, 112\)",
    ),
    "smaller pictures": (header(8, 8, 56, 56) + bytes(8 * 28 * 28), r"fit the shape \(8, 28, 28\)"),
    "colour": (header(8, 8, 5, 5) + bytes(8 * 75), r"fit the shape \(8, 5, 5, 3\), exactly"),
    "larger elements": (header(8, 60) + bytes(240), "fit elements of 4 bytes, not 1, exactly"),
    "smaller elements": (header(0x0D, 60) + bytes(60), "fit elements of 1 byte, not 4, exactly"),
    "line feeds": (
        encode(pixels(60, 28, 28)).replace(b"\n", b"\r\n"),
        "each byte 0a has a 0d before it",
    ),
    "UTF-8": (encode(pixels(300)).decode("latin1").encode(), "written as text, in UTF-8"),
    "UTF-8, replaced": (
        encode(pixels(300)).decode("utf-8", "replace").encode(),
        "written as text, in UTF-8",
    ),
    "UTF-8 in the sizes": (
        header(8, 60_000, 28, 28).decode("latin1").encode() + bytes(99),
        "more than memory can address.*as text, in UTF-8",
    ),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("case", SIZES)
def test_why_there_are_other_bytes_than_promised(case, pack):
    data, what = SIZES[case]
    with pytest.raises(idxio.IdxError, match=what):
        idxio.read(pack(data))


@pytest.mark.parametrize("lost", [1, 100, 783, 60 * 784 - 1])
def test_a_file_that_was_cut(lost):
    with pytest.raises(idxio.TruncatedError, match="likely cause is a download or copy that broke"):
        idxio.read(encode(pixels(60, 28, 28))[:-lost])


def test_bytes_behind_without_a_cause():
    for extra in (b"abc", bytes(784), "\u00e9".encode()):
        with pytest.raises(idxio.FormatError, match=r"promises \(byte"):
            idxio.read(encode(pixels(60, 28, 28)) + extra)


def test_a_pipe_is_not_read_again():
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    with pytest.raises(idxio.FormatError, match=r"has \d+ bytes behind .* promises"):
        idxio.read(Pipe(encode(pixels(60, 28, 28)).replace(b"\n", b"\r\n")))


@pytest.mark.parametrize("data", [b"", b"\0\0\x08\1\0\0\0\1\7", b"\0\0\x08\1\0\0\0\1\7text"])
def test_a_file_object_that_was_not_rewound(data):
    file = io.BytesIO(b"1234" + data)
    file.seek(min(13, len(file.getvalue())))
    with pytest.raises(idxio.IdxError, match=r"stood at byte \d+: file.seek\(0\) first\?"):
        idxio.read(file)
