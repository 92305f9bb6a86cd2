"""Dataset: images and labels that belong together."""

import base64
import io
import pickle
import re
import struct
import types
from collections import UserDict
from pathlib import Path

import numpy as np
import pytest
from helpers import encode
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

import idxio
from idxio.core.selection import Selection, as_rows, select
from idxio.datasets import preview

N = 40
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 6, 5), np.uint8)
LABELS = np.random.default_rng(1).integers(0, 4, N).astype(np.uint8)
SORTED = np.sort(LABELS)


@pytest.fixture(params=["array", "raw", "gzip", "selection"])
def images(request, tmp_path):
    """The same images, from memory or from a file, or as some of others."""
    if request.param == "array":
        return IMAGES
    if request.param == "selection":
        return Selection(np.concatenate([IMAGES, IMAGES])[::-1], range(2 * N - 1, N - 1, -1))
    path = tmp_path / ("x.gz" if request.param == "gzip" else "x")
    idxio.write(path, IMAGES)
    return path


def test_at_a_glance(images):
    ds = idxio.Dataset(images, LABELS, class_names=["a", "b", "c", "d"])
    assert len(ds) == N
    assert ds.images.shape == IMAGES.shape
    assert ds.labels.dtype == np.uint8
    assert ds.classes.tolist() == [0, 1, 2, 3]
    assert ds.counts == {k: int((k == LABELS).sum()) for k in range(4)}
    assert ds.class_names == {0: "a", 1: "b", 2: "c", 3: "d"}
    assert not ds.is_sorted
    assert idxio.Dataset(images, SORTED).is_sorted
    assert repr(ds) == "<idxio.Dataset 40 x 6 x 5 uint8, 4 classes>"


def test_samples_and_parts(images):
    ds = idxio.Dataset(images, LABELS)
    for i in (0, 7, -1, np.int64(3)):
        image, label = ds[i]
        assert (image == IMAGES[i]).all()
        assert label == LABELS[i]
    mask = LABELS == 2
    for key in (
        slice(3, 9),
        slice(None, None, -2),
        [5, 1, -1],
        np.array([0]),
        mask,
        [],
        slice(5, 5),
    ):
        part = ds[key]
        assert isinstance(part, idxio.Dataset)
        assert part.labels.tolist() == LABELS[key].tolist()
        assert (np.asarray(part.images) == IMAGES[key]).all()
        assert part.images.shape == IMAGES[key].shape
        for again in (slice(1, None, 2), [0, -1]):
            if len(part) > 1:  # a part of a part
                assert (np.asarray(part[again].images) == IMAGES[key][again]).all()
                assert (part.images[again] == IMAGES[key][again]).all()
    for key in (N, [N], [-N - 1], mask[:-1], [0.5], [[1]], "a"):
        with pytest.raises((IndexError, TypeError)):
            ds[key]


def test_parts_of_arrays_are_views():
    ds = idxio.Dataset(IMAGES, LABELS)
    assert np.shares_memory(ds[3:9].images, IMAGES)
    assert np.shares_memory(ds[[4, 5, 6]].images, IMAGES)
    assert ds[[6, 4]].images.base is IMAGES


@pytest.mark.parametrize("labels", [LABELS, SORTED], ids=["mixed", "sorted"])
def test_classes_are_everything(images, labels):
    ds = idxio.Dataset(images, labels)
    parts = [ds.of_class(k) for k in ds.classes]
    order = np.argsort(labels, kind="stable")
    assert (np.concatenate(parts) == IMAGES[order]).all()
    for k in (4, -1, 1.5):
        with pytest.raises(ValueError, match=r"there is no class .*; there are 0, 1, 2, 3"):
            ds.of_class(k)


def test_a_sorted_class_of_an_array_is_a_view():
    assert np.shares_memory(idxio.Dataset(IMAGES, SORTED).of_class(2), IMAGES)
    assert not np.shares_memory(idxio.Dataset(IMAGES, LABELS).of_class(2), IMAGES)


def test_a_sorted_class_of_a_file_reads_its_chunks_only(tmp_path):
    path = tmp_path / "x.gz"
    count, size = 3000, 784
    many = np.random.default_rng(2).integers(0, 256, (count, size), np.uint8)
    idxio.write(path, many, level=1)
    data = bytearray(path.read_bytes())
    # Everything in the first third is destroyed: who reads it fails.
    start = 12 + struct.unpack_from("<H", data, 10)[0]
    for i in range(start + 20, start + (len(data) - start) // 3, 100):
        data[i] ^= 0xFF
    path.write_bytes(data)
    ds = idxio.Dataset(path, np.repeat(np.arange(3, dtype=np.uint8), 1000))
    assert (ds.of_class(2) == many[2000:]).all()
    with pytest.raises(idxio.IdxError):
        ds.of_class(0)


@pytest.mark.parametrize(
    ("images", "labels", "error", "what"),
    [
        (IMAGES, LABELS[1:], ValueError, "there are 40 images and 39 labels"),
        (
            IMAGES,
            LABELS.repeat(4).reshape(-1, 4),
            ValueError,
            r"labels of the shape \(40, 4\) that are neither one-hot",
        ),
        (IMAGES, IMAGES, ValueError, r"labels have the shape \(40, "),
        (IMAGES, LABELS.astype(float), ValueError, "labels are float64, expected integers"),
        (IMAGES, LABELS > 1, ValueError, "labels are bool"),
        (np.uint8(1), LABELS, ValueError, r"images of shape \(\) and 40 labels"),
        (3, LABELS, TypeError, "images and labels are arrays or files"),
        (IMAGES, None, TypeError, "images and labels are arrays or files"),
    ],
)
def test_what_does_not_belong_together(images, labels, error, what):
    with pytest.raises(error, match=what):
        idxio.Dataset(images, labels)


def test_a_label_file_with_two_axes_is_named(tmp_path):
    idxio.write(tmp_path / "labels", np.zeros((N, 8), np.int32))
    with pytest.raises(
        ValueError, match=r"labels: has labels of the shape \(40, 8\) that are neither"
    ):
        idxio.Dataset(IMAGES, tmp_path / "labels")


def test_what_may_be_given(tmp_path):
    idxio.write(tmp_path / "labels.gz", LABELS)
    with open(tmp_path / "labels.gz", "rb") as file, idxio.open(tmp_path / "labels.gz") as f:
        for labels in (
            LABELS.tolist(),
            tuple(LABELS),
            encode(LABELS),
            tmp_path / "labels.gz",
            file,
            f,
        ):
            ds = idxio.Dataset(IMAGES.tolist(), labels)
            assert ds.labels.tolist() == LABELS.tolist()
            assert ds.images.tolist() == IMAGES.tolist()


def test_labels_are_in_native_byte_order():
    ds = idxio.Dataset(IMAGES, LABELS.astype(">i4"))
    assert ds.labels.dtype.isnative
    assert ds.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("names", ["abcd", b"abcd", bytearray(b"abcd")])
def test_class_names_are_no_single_text(names):
    with pytest.raises(TypeError, match=f"not one {type(names).__name__}"):
        idxio.Dataset(IMAGES, LABELS, class_names=names)


@pytest.mark.parametrize(
    ("labels", "remedy"),
    [
        ([1.0, 2.0], r"; labels\.astype\('uint8'\) may be them$"),
        ([300.0, 2.0], r"; labels\.astype\('int32'\) may be them$"),
        ([-1.0, 2.0], r"; labels\.astype\('int32'\) may be them$"),
        ([True, False], r"; labels\.astype\('uint8'\) may be them$"),
        (["300", "2"], r"; labels\.astype\('int32'\) may be them$"),
        ([1.5, 2.0], "; these values are none that an IDX file holds$"),
        ([float("nan"), 2.0], "; these values are none that an IDX file holds$"),
        ([1 << 70, 2], "; these values are none that an IDX file holds$"),
        ([1j, 2], "; these values are none that an IDX file holds$"),
    ],
)
def test_the_remedy_for_labels_loses_nothing(labels, remedy):
    with pytest.raises(ValueError, match=remedy):
        idxio.Dataset(np.zeros((2, 2, 2), "u1"), labels)


class Series:
    """What pandas' Series has: its values are iterated, and its items are pairs as a dict's."""

    def __init__(self, names):
        self._names = names

    def __iter__(self):
        return iter(self._names.values())

    def __len__(self):
        return len(self._names)

    def items(self):
        return self._names.items()


@pytest.mark.parametrize("kind", [types.MappingProxyType, UserDict, Series])
def test_class_names_of_any_mapping(kind):
    names = kind({np.int64(7): "a", 8: "b"})
    assert idxio.Dataset(np.zeros((2, 2, 2), "u1"), [7, 8], class_names=names).class_names == {
        7: "a",
        8: "b",
    }


@pytest.mark.parametrize(
    ("names", "error"),
    [
        ({"a", "b"}, TypeError),
        ({0.5: "a", 1.9: "b"}, ValueError),
        (["a", float("nan")], TypeError),
        (["a", b"b"], TypeError),
        (["a", ("b",)], TypeError),
        ({"0": 1, "1": 0}, TypeError),
        ({0: True}, TypeError),
    ],
)
def test_class_names_that_are_none(names, error):
    with pytest.raises(error):
        idxio.Dataset(np.zeros((2, 2, 2), "u1"), [0, 1], class_names=names)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_records_by_an_array_of_a_small_type(dtype):
    ds = idxio.Dataset(np.arange(300, dtype=np.int16), np.arange(300))
    assert ds[np.array([1, 100], dtype)].images[:].tolist() == [1, 100]
    if dtype == np.int8:
        assert ds[np.array([1, -1], dtype)].labels.tolist() == [1, 299]


def test_emnist_upright(tmp_path):
    wide = np.arange(4 * 2 * 3, dtype=np.uint8).reshape(4, 2, 3)
    labels = np.array([1, 1, 26, 26], np.uint8)
    for name, suffix in (("train", ""), ("test", ".gz")):
        idxio.write(tmp_path / f"emnist-letters-{name}-images-idx3-ubyte{suffix}", wide)
        idxio.write(tmp_path / f"emnist-letters-{name}-labels-idx1-ubyte{suffix}", labels)
        ds = idxio.load(tmp_path, name, upright=True)
        expected = wide.swapaxes(1, 2)
        assert ds.images.shape == expected.shape
        assert (ds[1][0] == expected[1]).all()
        assert (np.asarray(ds.images) == expected).all()
        assert (ds.of_class(26) == expected[2:]).all()
        assert (np.asarray(ds[[3, 0]].images) == expected[[3, 0]]).all()
        assert (np.asarray(idxio.load(tmp_path, name).images) == wide).all()


def test_pickle(images):
    ds = idxio.Dataset(images, LABELS, class_names=["a"])
    for one in (ds, ds[[3, 1]], ds[::2]):
        again = pickle.loads(pickle.dumps(one))
        assert (np.asarray(again.images) == np.asarray(one.images)).all()
        assert again.class_names == {0: "a"}


rows = st.one_of(
    st.slices(N),
    st.lists(st.integers(-N, N - 1), max_size=9),
    st.lists(st.booleans(), min_size=N, max_size=N),
)


@example(first=slice(1, None, -1), then=slice(-9, None, -3))  # empty, with a start below 0
@given(first=rows, then=st.one_of(st.slices(12), st.lists(st.integers(0, 3), max_size=5)))
def test_selections_are_what_numpy_picks(first, then):
    for base in (IMAGES, idxio.open(encode(IMAGES))):
        picked = select(Selection(base, range(N)), as_rows(first, N))
        expected = IMAGES[
            first if isinstance(first, slice) else np.array(first, bool if len(first) == N else int)
        ]
        assert (np.asarray(picked) == expected).all()
        if isinstance(then, slice) or len(expected) > 3:
            assert (
                picked[then] == expected[np.array(then, int) if isinstance(then, list) else then]
            ).all()


# Splits


@given(
    labels=st.lists(st.integers(0, 5), min_size=1, max_size=120),
    weights=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    seed=st.integers(0, 2**64 - 1),
    stratified=st.booleans(),
)
def test_splits_share_everything(labels, weights, seed, stratified):
    labels = np.array(labels, np.uint8)
    ids = np.arange(len(labels))
    parts = idxio.Dataset(ids, labels).split(
        [w / sum(weights) for w in weights], seed=seed, stratified=stratified
    )
    assert len(parts) == len(weights)
    everything = np.concatenate([np.asarray(part.images) for part in parts])
    assert np.sort(everything).tolist() == ids.tolist()
    for part, w in zip(parts, weights, strict=True):
        found = np.asarray(part.images)
        assert (np.diff(found) > 0).all()
        assert part.labels.tolist() == labels[found].tolist()
        assert abs(len(part) - len(labels) * w / sum(weights)) < 1
    if stratified:
        for k in np.unique(labels):
            counts = np.array([(part.labels == k).sum() for part in parts])
            sizes = np.array([len(part) for part in parts])
            shares = (labels == k).sum() * sizes / len(labels)
            assert abs(counts[0] - shares[0]) < 1
            assert np.abs(counts.cumsum() - shares.cumsum()).max() < 1.5


def test_split_sizes():
    ds = idxio.Dataset(IMAGES, np.sort(LABELS))
    assert [len(part) for part in ds.split(0.75, seed=0)] == [30, 10]
    assert [len(part) for part in ds.split(30, seed=0)] == [30, 10]
    assert [len(part) for part in ds.split([30, 4, 6], seed=0)] == [30, 4, 6]
    assert [len(part) for part in ds.split(np.array([0.7, 0.2, 0.1]), seed=0)] == [28, 8, 4]
    for size in (
        41,
        -1,
        [30, 9],
        1.5,
        -0.1,
        [0.5, 0.4],
        [-0.5, 1.5],
        float("nan"),
        [0.5, float("nan")],
    ):
        with pytest.raises(ValueError, match=r"add up|parts of 1"):
            ds.split(size, seed=0)
    for seed, error in ((-1, ValueError), (1 << 64, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match="seed is"):
            ds.split(0.5, seed=seed)
    for size in (True, "half", [], [None]):
        with pytest.raises(TypeError, match="a split takes"):
            ds.split(size, seed=0)
    with pytest.raises(TypeError):
        ds.split(0.5)  # a seed is a decision


def test_splits_are_frozen():
    """The same seed means the same parts, in every version."""
    ds = idxio.Dataset(np.arange(20), np.repeat([0, 1], 10))
    for stratified, expected in ((True, [1, 3, 7, 16, 17]), (False, [3, 7, 11, 16, 17])):
        part = ds.split(5, seed=3, stratified=stratified)[0]
        assert np.asarray(part.images).tolist() == expected
    assert np.asarray(ds.split(5, seed=4)[0].images).tolist() != [1, 3, 7, 16, 17]


def test_a_split_of_a_file_reads_nothing(tmp_path, fashion_mnist):
    ds = idxio.load(fashion_mnist, "test")
    train, val = ds.split(0.9, seed=1)
    assert set(train.counts.values()) == {900}
    assert set(val.counts.values()) == {100}
    assert ds.images._decoded is None
    assert len(ds.images._compressed.span_index) == 0
    assert val.class_names[9] == "Ankle boot"


# Notebooks


def pictures(html):
    return [
        Image.open(io.BytesIO(base64.b64decode(data)))
        for data in re.findall(r"base64,([^\"]+)", html)
    ]


def test_html(images):
    html = idxio.Dataset(images, LABELS, class_names=["<b>", "b", "c", "d"])._repr_html_()
    assert "40 x 6 x 5 uint8, 4 classes" in html
    assert "&lt;b&gt;" in html
    strips = pictures(html)
    assert len(strips) == 4
    for k, strip in enumerate(strips):
        pixels = np.asarray(strip)
        members = IMAGES[k == LABELS]
        for i in range(min(10, len(members))):
            assert (pixels[:6, i * 7 : i * 7 + 5] == members[i]).all()
        assert str(len(members)) in html


def test_html_obeys_no_names():
    names = ["a\x1b[31m", "b\u202e", "c\x9b", "d\ud800"]
    html = idxio.Dataset(np.zeros((8, 3, 3), np.uint8), LABELS[:8], class_names=names)
    page = html._repr_html_()
    assert "\\x1b[31m" in page
    assert "\\u202e" in page
    assert all(c.isprintable() for c in page)


@pytest.mark.parametrize(
    ("shape", "dtype", "strips"),
    [
        ((6, 8, 8, 3), np.uint8, 2),
        ((6, 300, 200), np.uint8, 2),
        ((6, 4, 4), np.float32, 2),
        ((6, 7), np.uint8, 0),
        ((6,), np.uint8, 0),
        ((6, 0, 3), np.uint8, 0),
        ((0, 3, 3), np.uint8, 0),
    ],
)
def test_html_of_any_shape(shape, dtype, strips):
    html = idxio.Dataset(np.zeros(shape, dtype), np.arange(shape[0]) % 2)._repr_html_()
    found = pictures(html)
    assert len(found) == strips
    assert all(strip.height <= 60 and strip.width < 700 for strip in found)


def test_html_of_many_classes():
    html = idxio.Dataset(np.zeros((100, 3, 3), np.uint8), np.arange(100))._repr_html_()
    assert len(pictures(html)) == 20
    assert "80 classes more" in html


@settings(max_examples=20)
@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from([(), (3,)]), st.integers(0, 99))
def test_png(height, width, colours, seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, *colours), np.uint8)
    image = Image.open(io.BytesIO(preview.png(pixels)))
    image.load()
    assert (np.asarray(image) == pixels).all()


def test_what_can_not_be_turned(tmp_path):
    idxio.write(tmp_path / "train-images", np.zeros((4, 9), np.uint8))
    idxio.write(tmp_path / "train-labels", np.zeros(4, np.uint8))
    with pytest.raises(ValueError, match=r"two axes can be turned.*\(9,\)"):
        idxio.load(tmp_path, upright=True)


def test_splits_into_many_parts_keep_the_proportion():
    ds = idxio.Dataset(np.arange(23), np.repeat(range(4), [5, 11, 1, 6]))
    parts = ds.split([1, 2, 1, 1, 1, 1, 14, 2], seed=0)
    assert 6 <= parts[6].counts[1] <= 8  # 6.7 is its share


def test_no_samples():
    for images in (np.zeros((0, 28, 28), np.uint8), []):
        ds = idxio.Dataset(images, [])
        assert len(ds) == 0
        assert ds.counts == {}
        assert list(ds.batches(3)) == []


def test_a_truth_value_is_no_index():
    ds = idxio.Dataset(np.zeros((3, 2)), [0, 1, 2])
    for key in (True, np.True_):
        with pytest.raises(IndexError, match="mask"):
            ds[key]


def test_a_selection_reads_what_it_shows(tmp_path, monkeypatch):
    idxio.write(tmp_path / "x.gz", np.arange(5000, dtype=np.int32))
    images = idxio.Dataset(tmp_path / "x.gz", np.zeros(5000, int))[[5, 3]].images
    monkeypatch.setattr(idxio.IdxArray, "__array__", None)
    assert np.array(images).tolist() == [5, 3]
    assert np.array(images).flags.writeable
    with pytest.raises(ValueError, match="copy"):
        images.__array__(copy=False)
    array = np.arange(10)
    assert np.shares_memory(Selection(array, range(2, 5)).__array__(copy=False), array)
    assert not np.shares_memory(np.array(Selection(array, range(2, 5))), array)


# --- mean and standard deviation ---

STATS_SHAPES = {
    "grey": ((50, 9, 7), (0, 1, 2), ()),
    "one channel": ((50, 9, 7, 1), (0, 1, 2, 3), ()),
    "rgb": ((50, 9, 7, 3), (0, 1, 2), (3,)),
    "channels first": ((50, 3, 9, 7), (0, 2, 3), (3, 1, 1)),
    "four channels": ((50, 9, 7, 4), (0, 1, 2), (4,)),
    "flat": ((50, 63), (0, 1), ()),
    "either end": ((50, 3, 9, 4), (0, 1, 2, 3), ()),
}


@pytest.mark.parametrize("dtype", ["u1", "i1", ">i2", "i4", ">f4", "f8"])
@pytest.mark.parametrize("case", STATS_SHAPES)
def test_stats(case, dtype, tmp_path, monkeypatch):
    monkeypatch.setattr("idxio.datasets.moments._PIECE", 500)  # many blocks
    shape, axes, expected = STATS_SHAPES[case]
    x = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    y = np.zeros(50, np.uint8)
    idxio.write(tmp_path / "x.gz", x)
    some = np.random.default_rng(1).permutation(50)[:20]
    for ds, images in (
        (idxio.Dataset(x, y), x),
        (idxio.Dataset(tmp_path / "x.gz", y), x),
        (idxio.Dataset(tmp_path / "x.gz", y)[some], x[some]),
    ):
        for scale in (None, 1 / 255, -2):
            mean, std = ds.stats(scale=scale)
            assert np.shape(mean) == np.shape(std) == expected
            scaled = images.astype(np.float64) * (1 if scale is None else scale)
            np.testing.assert_allclose(np.ravel(mean), np.ravel(scaled.mean(axis=axes)))
            np.testing.assert_allclose(np.ravel(std), np.ravel(scaled.std(axis=axes)))
        mean, std = ds.stats(scale=1 / 255)
        batch, _ = next(iter(ds.batches(len(ds), scale=1 / 255, mean=mean, std=std)))
        axes_of_batch = tuple(axes)
        np.testing.assert_allclose(batch.mean(axis=axes_of_batch), 0, atol=1e-4)
        np.testing.assert_allclose(batch.std(axis=axes_of_batch), 1, atol=1e-4)


def test_stats_are_the_same_on_any_threads():
    x = np.random.default_rng(0).random((3000, 30, 30)).astype(np.float32)
    ds = idxio.Dataset(x, np.zeros(3000, np.uint8))
    assert ds.stats(threads=1) == ds.stats(threads=3)
    with pytest.raises(ValueError, match="threads is 1 or more"):
        ds.stats(threads=0)


def test_stats_of_a_file_that_is_too_large_to_hold(tmp_path, monkeypatch):
    monkeypatch.setattr("idxio.loader.materialize.IN_MEMORY", 100)
    monkeypatch.setattr("idxio.datasets.moments._PIECE", 500)
    idxio.write(tmp_path / "x.gz", IMAGES)
    ds = idxio.Dataset(tmp_path / "x.gz", LABELS)
    for some, images in ((ds, IMAGES), (ds[3:30], IMAGES[3:30]), (ds[::-2], IMAGES[::-2])):
        np.testing.assert_allclose(some.stats(), (images.mean(), images.std()))
        assert some._held._held is None


def test_stats_of_nothing_and_of_nan():
    empty = idxio.Dataset(np.zeros((0, 4, 4), np.uint8), [])
    assert np.isnan(empty.stats()).all()
    assert np.isnan(idxio.Dataset(np.zeros((0, 4, 4), np.float32), []).stats()).all()
    assert np.isnan(idxio.Dataset(np.full((2, 4, 4), np.nan), [0, 0]).stats()).all()


def test_a_class_by_its_name():
    names = {0: "cat", 1: "Dog", 2: "bag", 3: "BAG"}
    ds = idxio.Dataset(IMAGES, LABELS, class_names=names)
    for name, k in (("cat", 0), ("Dog", 1), ("dog", 1), ("bag", 2), ("BAG", 3)):
        assert (ds.of_class(name) == IMAGES[k == LABELS]).all()
    with pytest.raises(ValueError, match="there is no class 'bird'; there are cat, Dog, bag, BAG"):
        ds.of_class("bird")
    with pytest.raises(ValueError, match="'Bag' is the name of the classes 2, 3"):
        ds.of_class("Bag")
    with pytest.raises(ValueError, match="'cat': the names of the classes are not known"):
        idxio.Dataset(IMAGES, LABELS).of_class("cat")
    with pytest.raises(ValueError, match="there is no class 9; there are"):
        idxio.Dataset(IMAGES, LABELS, class_names={9: "x"}).of_class("x")


TEXTS = "names, labels = numpy.unique\\(labels, return_inverse=True\\) makes some, and class_names="


@pytest.mark.parametrize(
    ("labels", "remedy"),
    [
        (np.zeros((40, 28, 28), np.uint8), "are images and labels exchanged?"),
        (np.zeros((40, 28, 28, 3), np.float32), "are images and labels exchanged?"),
        (["cat", "dog"] * 20, TEXTS),
        (np.array([b"cat", b"dog"] * 20), TEXTS),
        (np.array(["cat", 3] * 20, object), TEXTS),
        (["1", "2"] * 20, r"labels.astype\('uint8'\) may be them"),
        (np.array(["cat", None] * 20, object), "label 1 is None, which is none"),
        (np.array([1, 2.0, np.nan, 3] * 10, object), "label 2 is nan, which is none"),
        (np.eye(40), r"of one-hot rows labels.argmax\(axis=1\) are the classes"),
        (np.eye(40, dtype=bool), r"labels.argmax\(axis=1\)"),
        (np.arange(40) + 0.5, "these values are none that an IDX file holds"),
        (np.arange(40.0), r"labels.astype\('uint8'\) may be them"),
        (np.arange(40) > 3, r"labels.astype\('uint8'\) may be them"),
    ],
)
def test_labels_that_are_none_name_the_remedy(labels, remedy):
    with pytest.raises(ValueError, match=f"labels .* expected .*{remedy}"):
        idxio.Dataset(IMAGES, labels)


def test_the_remedies_of_labels_work():
    texts = ["dog", "cat"] * 20
    names, labels = np.unique(texts, return_inverse=True)
    ds = idxio.Dataset(IMAGES, labels, class_names=names)
    assert [ds.class_names[k] for k in ds.labels.tolist()] == texts
    assert idxio.Dataset(IMAGES, np.eye(40).argmax(axis=1)).labels.tolist() == [*range(40)]


@pytest.mark.parametrize("array", ["train-images", Path("train-images")])
def test_file_and_array_exchanged(array, tmp_path):
    for file in (np.zeros(3, np.uint8), tmp_path / "x"):
        with pytest.raises(TypeError, match=r"the file comes first: idxio.write\(file, array\)"):
            idxio.write(file, array)


def test_a_part_larger_than_the_dataset():
    dataset = idxio.Dataset(np.zeros((3, 2, 2), np.uint8), [0, 0, 0])
    assert repr(dataset) == "<idxio.Dataset 3 x 2 x 2 uint8, 1 class, sorted by label>"
    with pytest.raises(ValueError, match="first part of 800 and a rest can't add up to 3"):
        dataset.split(800, seed=0)
