"""JPEG files that are read without Image.open(), with that and the check of their ends as the
oracle.
"""

import io

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from PIL import Image

from idxio.convert.images import plain_jpeg
from idxio.convert.images.complete import fault
from idxio.convert.images.decode import decode_bytes, plain_pixels, quiet

KINDS = [
    {},
    {"progressive": True},
    {"restart_marker_rows": 1},
    {"subsampling": 0, "optimize": True, "comment": b"a word"},
]


def saved(mode, width, height, **options):
    y, x = np.mgrid[:height, :width]
    grey = (128 + 60 * np.sin(x / 5) + 60 * np.cos(y / 7)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def by_pillow(data):
    """What Pillow makes of a file; None if that fails, or the check of its end does."""
    try:
        with quiet(), Image.open(io.BytesIO(data)) as image:
            image.load()
            return np.asarray(image) if fault(data, image) is None else None
    except Exception:
        return None


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_whole_files(mode, options):
    for width, height in ((1, 1), (28, 28), (33, 40), (300, 20)):
        data = saved(mode, width, height, **options)
        assert np.array_equal(plain_jpeg.pixels(data), by_pillow(data))
        assert plain_jpeg.pixels(data, (width, height)) is not None
        assert plain_jpeg.pixels(data, (width + 1, height)) is None


@hypothesis.given(
    mode=st.sampled_from(["L", "RGB"]),
    options=st.sampled_from(KINDS),
    changes=st.lists(st.tuples(st.integers(2, 700), st.binary(max_size=2)), max_size=2),
    end=st.integers(0, 40),
)
def test_changed_files_are_those_of_pillow_or_left_to_it(mode, options, changes, end):
    data = bytearray(saved(mode, 20, 17, **options))
    for place, other in changes:
        place %= len(data)
        data[place : place + 1] = other
    data[len(data) - end : len(data) - 2] = b""
    found = plain_pixels(bytes(data))
    assert found is None or np.array_equal(found, by_pillow(bytes(data)))


def test_what_is_not_plain_is_left_to_pillow(monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter of a turn
    turned = saved("L", 30, 20, exif=exif)
    assert plain_jpeg.pixels(turned) is None
    assert decode_bytes(turned).pixels.shape == (30, 20)
    assert plain_jpeg.pixels(saved("CMYK", 30, 20)) is None
    assert plain_jpeg.pixels(saved("L", 30, 20)[:-2]) is None
    data = saved("L", 30, 20)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 599)
    assert plain_jpeg.pixels(data) is None
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert plain_jpeg.pixels(data) is not None
