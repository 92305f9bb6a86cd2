"""Pictures whose data are fewer or more than their size needs, which Pillow fills up or leaves out
without a word.
"""

import io
import itertools
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from idxio.convert.formats import png
from idxio.convert.images.decode import BadPictureError, decode, quiet
from idxio.errors import FormatError

ADAM7 = (
    (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1),
)  # fmt: skip


def reasons(data, tmp_path):
    """What `build` and `import` say of a picture; None where they take it."""
    path = tmp_path / "picture"
    path.write_bytes(data)
    said = []
    try:
        with quiet():
            decode(str(path))
        said.append(None)
    except BadPictureError as error:
        said.append(str(error))
    try:
        png.decode(data, "picture", "folder")
        said.append(None)
    except FormatError as error:
        said.append(str(error))
    return said


def chunk(name, content):
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png_file(raw, width, height, *, bits=8, colour=0, interlace=0, cuts=()):
    """A PNG of unpacked data, in several IDAT chunks where cuts say so."""
    packed = zlib.compress(raw)
    ends = [0, *cuts, len(packed)]
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"tEXt", b"Title\0IDAT")
        + (chunk(b"PLTE", bytes(768)) if colour == 3 else b"")
        + b"".join(chunk(b"IDAT", packed[a:b]) for a, b in itertools.pairwise(ends))
        + chunk(b"IEND", b"")
    )


def nbytes(width, height, pixel, interlace):
    """The bytes of unpacked data, counted row by row."""
    if not interlace:
        return height * (1 + -(-width * pixel // 8))
    total = 0
    for row, column, down, right in ADAM7:
        columns = len(range(column, width, right))
        for _ in range(row, height, down):
            total += (1 + -(-columns * pixel // 8)) if columns else 0
    return total


@pytest.mark.parametrize("interlace", [0, 1])
@pytest.mark.parametrize(
    ("bits", "colour", "channels"),
    [(1, 0, 1), (2, 3, 1), (4, 0, 1), (8, 3, 1), (16, 0, 1), (8, 2, 3), (16, 2, 3), (8, 4, 2), (8, 6, 4)],
)  # fmt: skip
def test_png(tmp_path, bits, colour, channels, interlace):
    for width, height in ((1, 1), (3, 2), (5, 5), (13, 9)):
        size = nbytes(width, height, bits * channels, interlace)

        def said(count, width=width, height=height):
            data = png_file(
                bytes(count), width, height, bits=bits, colour=colour, interlace=interlace, cuts=(3,)
            )  # fmt: skip
            return reasons(data, tmp_path)

        taken, _ = said(size)
        assert taken is None
        for wrong in (size - 1, size + 1, size + 100):
            built, imported = said(wrong)
            assert built is not None
            assert "ends early" in built or "holds more" in built or "truncated" in built
            assert imported is not None


def test_png_that_lacks_rows(tmp_path):
    row = b"\0" + bytes(range(1, 41))
    built, imported = reasons(png_file(24 * row, 40, 40), tmp_path)
    assert built == "ends early: 984 of the 1,640 bytes of its 40 x 40 pixels are there"
    assert imported == f"folder: picture {built}"
    built, _ = reasons(png_file(41 * row, 40, 40), tmp_path)
    assert built == (
        "holds more than its 40 x 40 pixels, of 1,640 bytes: its header tells another size than its"
        " data"
    )


def test_png_whose_checksum_of_pixels_is_wrong(tmp_path):
    packed = bytearray(zlib.compress(40 * (b"\0" + bytes(40))))
    packed[-1] ^= 1
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 40, 40, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", bytes(packed))
        + chunk(b"IEND", b"")
    )
    assert None not in reasons(data, tmp_path)


def saved(pixels, kind, **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def waves(height, width, channels):
    y, x = np.mgrid[:height, :width]
    grey = 128 + 60 * np.sin(x / 5) + 60 * np.cos(y / 7)
    if channels == 1:
        return grey.astype(np.uint8)
    return np.stack([grey, 255 - grey, np.roll(grey, 9, 1)], 2).astype(np.uint8)


JPEGS = [
    {"progressive": progressive, "subsampling": subsampling, "restart_marker_rows": rows}
    for progressive, subsampling, rows in itertools.product((False, True), (0, 2), (0, 1))
]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("options", JPEGS)
def test_whole_jpeg(tmp_path, options, channels):
    for height, width in ((1, 1), (28, 28), (33, 40), (300, 310)):
        grey = np.full((height, width, 3)[: 1 + (channels == 3) + 1], 128, np.uint8)
        for pixels in (waves(height, width, channels), grey):
            assert reasons(saved(pixels, "JPEG", **options), tmp_path) == [None, None]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("options", JPEGS)
@pytest.mark.parametrize("size", [28, 300])
def test_jpeg_that_ends_early(tmp_path, options, channels, size):
    data = saved(waves(size, size, channels), "JPEG", **options)
    begin = data.index(b"\xff\xda")
    for part in (0.2, 0.5, 0.8):
        cut = data[: begin + int(part * (len(data) - begin))].rstrip(b"\xff") + b"\xff\xd9"
        # Pillow itself finds some that are cut in a header
        assert None not in reasons(cut, tmp_path)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("options", JPEGS)
def test_jpeg_whose_header_tells_more_rows(tmp_path, options, channels):
    data = bytearray(saved(waves(288, 288, channels), "JPEG", **options))
    frame = re.search(rb"\xff[\xc0\xc2]\0[\x0b\x11]\x08", data).start()
    data[frame + 5 : frame + 7] = (400).to_bytes(2, "big")
    assert None not in reasons(bytes(data), tmp_path)


def test_jpeg_with_something_behind_it(tmp_path):
    """As cameras put previews and notes of their own there."""
    data = saved(waves(300, 300, 3), "JPEG", progressive=True)
    assert reasons(data + b"\xff\xda\0\x08" + data[:999], tmp_path) == [None, None]


def with_tags(data, **values):
    """A TIFF file of one directory, little-endian, with other values of some tags."""
    data = bytearray(data)
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    for position in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from("<HH", data, position)
        if f"tag{tag}" in values:
            struct.pack_into("<H" if kind == 3 else "<I", data, position + 8, values[f"tag{tag}"])
    return bytes(data)


@pytest.mark.parametrize("channels", [1, 3])
def test_raw_tiff_whose_strip_is_short(tmp_path, channels):
    data = saved(waves(24, 40, channels), "TIFF")
    assert reasons(data, tmp_path) == [None, None]
    taller = with_tags(data, tag257=40, tag278=40) + bytes(3000)
    built, imported = reasons(taller, tmp_path)
    expected = 40 * 40 * channels
    part = 24 * 40 * channels
    assert built == (f"ends early: a part of 40 x 40 pixels has {part:,} of {expected:,} bytes")
    assert imported == f"folder: picture {built}"
    # libtiff too takes 0 for a writer that did not know it
    assert reasons(with_tags(data, tag279=0), tmp_path) == [None, None]


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "I;16", "CMYK"])
@pytest.mark.parametrize("rows", [1, 7, 24, 1000])
def test_raw_tiff_of_any_strips(tmp_path, mode, rows):
    image = Image.new(mode, (37, 24))
    file = io.BytesIO()
    image.save(file, "TIFF", tiffinfo={278: rows})
    path = tmp_path / "picture"
    path.write_bytes(file.getvalue())
    with quiet():
        assert decode(str(path)).pixels.shape[:2] == (24, 37)


def test_tiff_whose_tags_are_cut_off(tmp_path):
    """Of which Pillow takes those before."""
    grey = np.arange(16, dtype=np.uint8).reshape(4, 4)
    data = saved(grey, "TIFF", tiffinfo={339: 1})
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    # the tags behind the pixels, as others write them
    (pixels,) = (i for i in range(8, len(data)) if data[i : i + 16] == grey.tobytes())
    moved = b"II*\0" + struct.pack("<I", 24) + grey.tobytes() + data[start : start + 6 + 12 * count]
    moved = with_tags(moved, tag273=8)
    assert pixels > start
    assert reasons(moved, tmp_path) == [None, None]
    for cut in (5, 12):
        built, imported = reasons(moved[:-cut], tmp_path)
        assert built == "ends early: its tags are cut off"
        assert imported is not None


@pytest.mark.parametrize("mode", ["L", "P"])
def test_pcx_without_its_palette(tmp_path, mode):
    file = io.BytesIO()
    Image.fromarray(np.arange(1600, dtype=np.uint8).reshape(40, 40)).convert(mode).save(file, "PCX")
    data = file.getvalue()
    path = tmp_path / "picture"
    path.write_bytes(data)
    with quiet():
        assert decode(str(path)).pixels.shape[:2] == (40, 40)
    assert None not in reasons(data[:-1], tmp_path)
    assert None not in reasons(data + b"x", tmp_path)
    assert reasons(data[:68] + b"\2" + data[69:-1], tmp_path) == [None, None]  # it says grey


def test_tiff_of_16_bits_whose_white_is_0(tmp_path):
    """Pillow negates those of 8 bits only."""
    grey = np.arange(16, dtype=np.uint16).reshape(4, 4) * 4000
    path = tmp_path / "picture"
    for pixels, most in ((grey, 0xFFFF), ((grey >> 8).astype(np.uint8), 0xFF)):
        path.write_bytes(with_tags(saved(pixels, "TIFF"), tag262=0))
        with quiet():
            assert (decode(str(path)).pixels == most - pixels).all()


def test_tiff_of_bytes_with_a_sign(tmp_path):
    grey = np.arange(16, dtype=np.uint8).reshape(4, 4) * 16
    assert reasons(saved(grey, "TIFF", tiffinfo={339: 1}), tmp_path) == [None, None]
    reason = "holds numbers with a sign, whose black and white nobody knows"
    assert reasons(saved(grey, "TIFF", tiffinfo={339: 2}), tmp_path) == [
        reason,
        f"folder: picture {reason}",
    ]


def test_jpeg_in_tiff(tmp_path):
    data = saved(waves(240, 40, 3), "TIFF", compression="jpeg")
    assert reasons(data, tmp_path) == [None, None]
    with Image.open(io.BytesIO(data)) as image:
        rows = image.tag_v2[278]
    taller = with_tags(data, tag257=400, tag278=rows + 160)
    assert None not in reasons(taller, tmp_path)


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_2000_of_more_than_8_bits(tmp_path, channels, bare):
    """Pillow makes 8 of those of colours."""
    data = bytearray(saved(waves(16, 16, channels), "JPEG2000", no_jp2=bare))
    path = tmp_path / "picture"
    for bits in (8, 12, 16):
        start = data.index(b"\xff\x4f\xff\x51") + 42
        data[start : start + 3 * channels : 3] = bytes([bits - 1] * channels)
        if not bare:
            data[data.index(b"ihdr") + 14] = bits - 1
        path.write_bytes(data)
        with quiet():
            assert decode(str(path)).is_cut == (bits > 8 and channels == 3)
    built, imported = reasons(bytes(data), tmp_path)
    assert built is None
    assert re.search("16 bits for each colour" if channels == 3 else "the mode I;16", imported)
