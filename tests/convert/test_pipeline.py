"""The conversion of pictures: every step against ImageMagick, and what must hold for any picture."""

import shutil
import subprocess

import numpy as np
import pytest
from helpers import missing
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from idxio._native import image_ops
from idxio.convert import pipeline

STEPS = {
    "trim": "-fuzz 5% -trim +repage",
    "sample": "-sample 28x28",
    "sharpen": "-adaptive-sharpen 1x1",
    "extend": "-gravity center -background white -extent 28x28",
    "negate": "-negate",
    "grey": "-colorspace Gray",
}
WHOLE = " ".join(STEPS.values()) + " -depth 8"

shapes = st.tuples(st.integers(1, 40), st.integers(1, 40)) | st.sampled_from(
    [(1, 400), (400, 1), (2, 300), (57, 300)]
)
shapes = st.tuples(shapes, st.sampled_from([(), (3,)])).map(lambda parts: parts[0] + parts[1])


@st.composite
def noise(draw):
    """A picture of a few values."""
    dtype = draw(st.sampled_from([np.uint8, np.uint16]))
    shape = draw(shapes)
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    values = rng.integers(0, np.iinfo(dtype).max, draw(st.integers(1, 200)), dtype, endpoint=True)
    return rng.choice(values, shape)


def drawn(seed, shape=(73, 51, 3)):
    """Something on a nearly even background."""
    rng = np.random.default_rng(seed)
    picture = rng.integers(250, 256, shape, np.uint8)
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = ((y / shape[0] - 0.5) / rng.uniform(0.1, 0.45)) ** 2 + (
        (x / shape[1] - 0.5) / rng.uniform(0.1, 0.4)
    ) ** 2
    shade = rng.integers(0, 200, shape[2:]) + 40 * np.sin(y / rng.uniform(1, 5)).reshape(
        *y.shape, *[1] * len(shape[2:])
    )
    picture[inside < 1] = np.clip(shade, 0, 255)[inside < 1]
    return picture


def imagemagick(picture, options):
    """The uint16 picture that ImageMagick's Q16 build makes of one; (h, w, 3) if it is RGB there."""
    convert = shutil.which("convert-im6.q16") or shutil.which("convert")
    if convert is None:
        missing("ImageMagick is missing: apt-get install imagemagick")
    height, width = picture.shape[:2]
    form = "rgb" if picture.ndim == 3 else "gray"
    command = [
        convert,
        "-size",
        f"{width}x{height}",
        "-depth",
        "8" if picture.dtype == np.uint8 else "16",
    ]
    command += ["-endian", "LSB", f"{form}:-", *options.split(), "-endian", "LSB"]
    if "-depth" not in options:
        command += ["-depth", "16"]
    result = subprocess.run(
        [*command, "pam:-"], input=picture.tobytes(), capture_output=True, check=True
    )
    assert not result.stderr
    head, body = result.stdout.split(b"ENDHDR\n", 1)
    fields = dict(line.split(b" ", 1) for line in head.split(b"\n") if b" " in line)
    width, height, depth, most = (
        int(fields[key]) for key in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL")
    )
    pixels = np.frombuffer(body, ">u2" if most > 255 else np.uint8).astype(np.uint16)
    if most == 255:
        pixels *= 257
    return pixels.reshape((height, width, depth) if depth > 1 else (height, width))


def as_rgb(picture):
    return picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shape", [(73, 51, 3), (73, 51), (20, 90, 3), (11, 9, 3)])
def test_steps_are_imagemagicks(seed, shape):
    picture = drawn(seed, shape).astype(np.uint16) * np.uint16(257)
    for name, options in STEPS.items():
        expected = imagemagick(picture, options)
        picture = getattr(pipeline, name)(picture)
        assert np.array_equal(as_rgb(picture), as_rgb(expected)), name


@pytest.mark.parametrize("seed", range(5))
def test_the_whole_is_imagemagicks(seed):
    shape = [(73, 51, 3), (51, 73, 3), (200, 30, 3), (73, 51), (8, 12, 3)][seed]
    picture = drawn(seed, shape)
    expected = imagemagick(picture, WHOLE)
    assert np.array_equal(pipeline.fashion(picture).astype(np.uint16) * 257, expected)
    assert len(np.unique(expected)) > 10


@pytest.mark.parametrize("name", ["sample", "sharpen", "negate", "grey"])
@pytest.mark.parametrize(
    "shape", [(1, 1, 3), (1, 1), (1, 90, 3), (90, 2), (3, 3, 3), (28, 28), (56, 57, 3)]
)
def test_steps_on_odd_shapes_are_imagemagicks(name, shape):
    picture = np.random.default_rng(len(shape)).integers(0, 65536, shape, np.uint16)
    expected = imagemagick(picture, STEPS[name])
    assert np.array_equal(as_rgb(getattr(pipeline, name)(picture)), as_rgb(expected))


@pytest.mark.parametrize("seed", range(12))
def test_trim_of_corners_that_differ_is_imagemagicks(seed):
    rng = np.random.default_rng(seed)
    picture = np.full((9, 12, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(4):
        picture[rng.integers(9), rng.integers(12)] = rng.integers(0, 256, 3)
    # something inside: ImageMagick can't trim to the first row or column alone
    picture[4, 5] ^= 128
    picture = np.clip(picture.astype(int) + rng.integers(-12, 13, picture.shape), 0, 255).astype(
        np.uint8
    )
    expected = imagemagick(picture, STEPS["trim"])
    assert np.array_equal(as_rgb(pipeline.trim(picture)).astype(np.uint16) * 257, as_rgb(expected))


@pytest.mark.parametrize("value", [12, 13, 21, 22, 23, 37, 38, 39])
@pytest.mark.parametrize("channels", [[0], [0, 1], [0, 1, 2]])
def test_how_close_is_close(value, channels):
    # A distance of 5 % in RGB space, as the mean square of its channels: 3 (0.05 * 65536 / 257)^2 =
    # 487.7.
    picture = np.zeros((5, 5, 3), np.uint8)
    picture[2, 2, channels] = value
    is_close = len(channels) * value * value < 487.7
    assert pipeline.trim(picture).shape == ((5, 5, 3) if is_close else (1, 1, 3))


@given(noise(), st.sampled_from([0.0, 0.05, 0.4]))
@example(np.zeros((1, 1), np.uint8), 0.05)
def test_trim_keeps_what_differs(picture, fuzz):
    trimmed = pipeline.trim(picture, fuzz=fuzz)
    assert trimmed.size
    assert np.shares_memory(trimmed, picture)
    # The plain way to say it.
    values = as_rgb(picture).astype(float) / np.iinfo(picture.dtype).max
    apart = [
        np.sqrt(((values - values[at]) ** 2).mean(axis=2)) > fuzz * 65536 / 65535
        for at in ((0, 0), (0, -1), (-1, 0))
    ]
    columns, rows = np.flatnonzero(apart[0].any(axis=0)), np.flatnonzero(apart[0].any(axis=1))
    to_right, to_bottom = np.flatnonzero(apart[1].any(axis=0)), np.flatnonzero(apart[2].any(axis=1))
    expected = picture
    if (
        len(columns)
        and len(to_right)
        and len(to_bottom)
        and columns[0] <= to_right[-1]
        and rows[0] <= to_bottom[-1]
    ):
        expected = picture[rows[0] : to_bottom[-1] + 1, columns[0] : to_right[-1] + 1]
    assert np.array_equal(trimmed, expected)


@given(shapes, st.integers(0, 255))
def test_a_uniform_picture_stays_so(shape, value):
    picture = np.full(shape, value, np.uint8)
    assert pipeline.trim(picture).shape == shape
    whole = pipeline.fashion(picture)
    height, width = pipeline.scaled(*shape[:2], 28)
    assert np.count_nonzero(whole == 255 - value) >= height * width
    assert set(np.unique(whole)) <= {255 - value, 0}
    assert np.array_equal(pipeline.sharpen(picture), picture)


@given(noise(), st.integers(1, 60))
def test_sample_mixes_nothing(picture, size):
    sampled = pipeline.sample(picture, size)
    assert max(sampled.shape[:2]) == size
    assert sampled.dtype == picture.dtype
    colours = as_rgb(picture).reshape(-1, 3)
    assert set(map(tuple, as_rgb(sampled).reshape(-1, 3).tolist())) <= set(
        map(tuple, colours.tolist())
    )
    if max(picture.shape[:2]) == size:
        assert np.array_equal(sampled, picture)


@given(noise())
def test_sharpen_leaves_flat_parts(picture):
    sharp = pipeline.sharpen(picture)
    assert (sharp.shape, sharp.dtype) == (picture.shape, picture.dtype)
    assert not np.shares_memory(sharp, picture)
    # A transposed picture is sharpened alike, but for the rounding between the two passes of the
    # blur.
    turned = np.swapaxes(pipeline.sharpen(np.swapaxes(picture, 0, 1)), 0, 1)
    assert np.mean(turned != sharp) < 0.1


@given(noise())
def test_extend_centres(picture):
    size = max(picture.shape[:2])
    square = pipeline.extend(picture, size)
    assert square.shape == (size, size, *picture.shape[2:])
    top, left = size // 2 - picture.shape[0] // 2, size // 2 - picture.shape[1] // 2
    inside = (slice(top, top + picture.shape[0]), slice(left, left + picture.shape[1]))
    assert np.array_equal(square[inside], picture)
    square[inside] = np.iinfo(picture.dtype).max
    assert (square == np.iinfo(picture.dtype).max).all()
    assert np.array_equal(pipeline.negate(pipeline.negate(picture)), picture)
    with pytest.raises(ValueError, match=f"does not fit into {size - 1} x {size - 1}"):
        pipeline.extend(picture, size - 1)


@settings(max_examples=20)
@given(
    st.lists(hnp.arrays(np.uint8, shapes), max_size=5),
    st.sampled_from(["fashion"]),
    st.sampled_from([1, 2]),
)
def test_apply_is_each_alone(many, name, threads):
    out = pipeline.apply(many, name, threads=threads)
    assert (out.shape, out.dtype) == ((len(many), 28, 28), np.uint8)
    for picture, converted in zip(many, out, strict=True):
        assert np.array_equal(converted, pipeline.fashion(picture))


def test_apply_on_threads_keeps_the_order():
    many = [drawn(seed, (20, 15, 3)) for seed in range(300)]
    assert np.array_equal(
        pipeline.apply(many, "fashion", threads=3), [pipeline.fashion(p) for p in many]
    )


def test_fit():
    picture = np.full((10, 40, 3), 200, np.uint8)
    square = pipeline.fit(picture, 20)
    assert square.shape == (20, 20, 3)
    assert (square[8:13] == 200).all()  # 20 x 5, in the middle: 10 - 2 to 10 + 3
    assert not square[:8].any()
    assert not square[13:].any()
    assert pipeline.fit(np.full((1, 500), 9, np.uint8), 28).shape == (28, 28)


def test_none_takes_one_shape():
    assert np.array_equal(
        pipeline.apply([np.full((2, 3), 513, np.uint16)], "none"), np.full((1, 2, 3), 1)
    )
    with pytest.raises(ValueError, match=r"picture 1 becomes \(2, 2\)"):
        pipeline.apply([np.zeros((2, 3), np.uint8), np.zeros((2, 2), np.uint8)], "none")


def test_wrong_arguments():
    for wrong in (np.zeros((2, 2), np.float32), np.zeros((2, 2), np.int16)):
        with pytest.raises(TypeError, match="uint8 or uint16"):
            pipeline.trim(wrong)
    for shape in ((0, 2), (2, 2, 4), (4,), (2, 2, 2, 3)):
        with pytest.raises(ValueError, match="a picture is"):
            pipeline.sharpen(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="fashion, fit, none"):
        pipeline.apply([], "mnist")
    with pytest.raises(ValueError, match="size"):
        pipeline.apply([], "fit", size=0)


def test_native_preconditions():
    picture = np.zeros((3, 4, 3), np.uint16)
    scratch = np.zeros((2, 3, 4, 3), np.uint16)
    for wrong in (
        np.zeros((3, 5, 3), np.uint16),
        np.zeros((2, 4, 3), np.uint16),
        np.zeros((3, 4, 1), np.uint16),
    ):
        with pytest.raises(ValueError, match="differ in shape"):
            image_ops.sharpen(picture, wrong, scratch)
    with pytest.raises(ValueError, match="two of them"):
        image_ops.sharpen(picture, picture.copy(), scratch[:1])
    with pytest.raises(ValueError, match="not empty"):
        image_ops.inner_box(np.zeros((0, 4, 3), np.uint8), 0)
    with pytest.raises(ValueError, match="1 or 3"):
        image_ops.inner_box(np.zeros((2, 4, 2), np.uint8), 0)
    for contiguous in (image_ops.inner_box,):
        with pytest.raises(ValueError, match="contiguous"):
            contiguous(picture[:, ::2], 0)
