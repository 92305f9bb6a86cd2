"""PNG files that are read without Pillow, with Pillow as the oracle."""

import io
import itertools
import struct
import zlib

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from idxio._native import image_ops
from idxio.convert.formats import png
from idxio.convert.images import plain_png
from idxio.convert.images.decode import BadPictureError, decode_bytes, quiet

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name, content):
    size, crc = len(content), zlib.crc32(name + content)
    return struct.pack(">I", size) + name + content + struct.pack(">I", crc)


def plain(rows, width, height, colour=0, cuts=()):
    """A PNG of filtered rows, in several IDAT chunks where cuts say so."""
    packed = zlib.compress(rows)
    ends = [0, *cuts, len(packed)]
    parts = [packed[a:b] for a, b in itertools.pairwise(ends)]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    data = b"".join(chunk(b"IDAT", part) for part in parts)
    return SIGNATURE + header + data + chunk(b"IEND", b"")


def by_pillow(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@st.composite
def plain_files(draw):
    """PNG files whose rows have any filters, not those that an encoder would choose."""
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    channels = draw(st.sampled_from([1, 3]))
    filters = draw(st.lists(st.integers(0, 4), min_size=height, max_size=height))
    random = np.random.default_rng(draw(st.integers(0, 999)))
    pixels = random.integers(0, 256, (height, width * channels), np.uint8)
    rows = np.column_stack([np.array(filters, np.uint8), pixels]).tobytes()
    cuts = draw(st.sampled_from([(), (1,), (2, 2, 5)]))
    return plain(rows, width, height, 2 if channels == 3 else 0, cuts)


@hypothesis.given(plain_files())
def test_any_filters(data):
    pixels = plain_png.pixels(data)
    assert pixels is not None
    assert pixels.tobytes() == by_pillow(data).tobytes()
    assert pixels.shape == by_pillow(data).shape
    assert np.array_equal(decode_bytes(data).pixels, pixels)
    assert np.array_equal(png.decode(data, "picture", "folder"), pixels)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_files_of_pillow(mode):
    y, x = np.mgrid[:40, :53]
    waves = Image.fromarray((128 + 100 * np.sin(x / 5) * np.cos(y / 7)).astype(np.uint8))
    for options in ({}, {"optimize": True}, {"compress_level": 0}):
        file = io.BytesIO()
        waves.convert(mode).save(file, "PNG", **options)
        assert np.array_equal(plain_png.pixels(file.getvalue()), by_pillow(file.getvalue()))


def test_another_shape_is_left_to_pillow():
    data = plain(bytes(3 * 5), 4, 3)
    assert plain_png.pixels(data, (3, 4)).shape == (3, 4)
    assert plain_png.pixels(data, (4, 3, 3)).shape == (3, 4)
    assert plain_png.pixels(data, (3, 5)) is None


def test_any_change_of_a_byte_or_end_is_left_to_pillow():
    """Each is under a checksum, or a size or name that no plain file has."""
    data = plain(bytes(range(1, 5)) * 5, 3, 5, cuts=(4,))
    for i in range(len(data)):
        for changed in (data[i] ^ 1, data[i] ^ 0x80, 255 - data[i]):
            assert plain_png.pixels(data[:i] + bytes([changed]) + data[i + 1 :]) is None
        assert plain_png.pixels(data[:i]) is None
    assert plain_png.pixels(data + b"\0") is None


def test_what_is_not_plain_is_left_to_pillow():
    header = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(6)))
    end = chunk(b"IEND", b"")
    whole = [SIGNATURE, chunk(b"IHDR", header), data, end]
    assert plain_png.pixels(b"".join(whole)) is not None
    for place in (2, 3):
        for other in (chunk(b"tRNS", b"\0\0"), chunk(b"gAMA", b"\0\0\0\1"), chunk(b"IHDR", header)):
            assert plain_png.pixels(b"".join([*whole[:place], other, *whole[place:]])) is None
    for fields in ((0, 2, 8, 0, 0), (2, 0, 8, 0, 0), (2, 2, 4, 0, 0), (2, 2, 8, 3, 0), (2, 2, 8, 0, 1)):  # fmt: skip
        width, height, bits, colour, interlace = fields
        other = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
        assert plain_png.pixels(b"".join([SIGNATURE, chunk(b"IHDR", other), data, end])) is None


@pytest.mark.parametrize("rows", [bytes(5), bytes(7), b"\5" + bytes(5), b"\0\0\0\xff\0\0"])
def test_wrong_data_are_an_error(rows):
    data = plain(rows, 2, 2)
    assert plain_png.pixels(data) is None
    with quiet(), pytest.raises(BadPictureError):
        decode_bytes(data)


def test_suspiciously_large(monkeypatch):
    data = plain(bytes(4 * 5), 4, 4)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 15)
    assert plain_png.pixels(data) is None
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert plain_png.pixels(data) is not None


def test_rows_of_another_size():
    for rows, shape in ((4, (2, 4)), (10, (2, 4)), (0, (1, 4)), (1, (2, 0))):
        with pytest.raises(ValueError, match="pixels of each row"):
            image_ops.unfilter(bytes(rows), np.zeros(shape, np.uint8), 1)
    with pytest.raises(ValueError, match="pixels of each row"):
        image_ops.unfilter(bytes(5), np.zeros((2, 4), np.uint8), 0)
