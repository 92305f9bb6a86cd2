"""Dataset.concat: images one behind the other, each with the label of its class's name."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import idxio
from idxio.datasets import concat

WORDS = ["cat", "dog", "emu", "fox", "gnu"]


def of_words(words, order, dtype=np.uint8):
    """A dataset whose pixels say which word its class is called, numbered in this order."""
    tags = np.array([order.index(word) for word in words], dtype)
    pixels = np.array([WORDS.index(word) for word in words], np.uint8)
    return idxio.Dataset(np.repeat(pixels, 4).reshape(-1, 2, 2), tags, class_names=order)


PARTS = st.lists(
    st.tuples(st.lists(st.sampled_from(WORDS), max_size=12), st.permutations(WORDS)),
    min_size=1,
    max_size=4,
)


@given(PARTS)
def test_classes_are_mapped_by_name(parts):
    whole = idxio.Dataset.concat(of_words(words, list(order)) for words, order in parts)
    everything = [word for words, _ in parts for word in words]
    assert [whole.class_names[label] for label in whole.labels.tolist()] == everything
    assert [WORDS[pixel] for pixel in whole.images[:, 0, 0]] == everything
    assert whole.class_names == dict(enumerate(parts[0][1]))  # as in the first


def test_new_classes_come_behind():
    one = idxio.Dataset(np.zeros((2, 1)), [3, 7], class_names={3: "b", 7: "a"})
    two = idxio.Dataset(np.zeros((3, 1)), [0, 1, 2], class_names=["c", " a", "10"])
    whole = idxio.Dataset.concat([one, two])
    assert whole.labels.tolist() == [3, 7, 9, 7, 8]
    assert whole.class_names == {3: "b", 7: "a", 8: "10", 9: "c"}


def test_without_names_labels_stay():
    parts = [
        idxio.Dataset(np.full((2, 3), k), np.array([k, 9], t)) for k, t in ((0, "u1"), (1, "i2"))
    ]
    whole = idxio.Dataset.concat(parts)
    assert whole.class_names is None
    assert whole.labels.tolist() == [0, 9, 1, 9]
    assert whole.labels.dtype == np.int16
    assert whole.images.tolist() == [[0] * 3] * 2 + [[1] * 3] * 2


def test_the_same_names_leave_labels_alone():
    ds = idxio.Dataset(np.arange(5)[:, None], [0, 1, 2, 3, 4], class_names=["a", "b"])
    whole = idxio.Dataset.concat([ds[3:], ds[:3]])
    assert whole.labels.tolist() == [3, 4, 0, 1, 2]
    assert whole.class_names == {0: "a", 1: "b"}


def test_labels_that_a_type_does_not_hold():
    far = idxio.Dataset(np.zeros((1, 1)), np.array([255], np.uint8), class_names={255: "far"})
    near = idxio.Dataset(np.zeros((1, 1)), np.array([0], np.uint8), class_names=["near"])
    assert idxio.Dataset.concat([far, near]).labels.tolist() == [255, 256]


@pytest.mark.parametrize("dtype", ["u1", ">i2", "<f4"])
def test_images_from_everywhere(tmp_path, dtype):
    images = np.arange(24).reshape(4, 2, 3).astype(dtype)
    plain = images.astype(images.dtype.newbyteorder("="))
    packed = io.BytesIO()
    idxio.write(packed, images, compression="gzip")
    idxio.write(tmp_path / "x", images)
    sources = [images, tmp_path / "x", packed.getvalue(), images[:, ::-1], images[:0]]
    parts = [
        idxio.Dataset(source, np.arange(4)[: 0 if source is sources[-1] else 4])
        for source in sources
    ]
    parts.append(parts[1][[3, 0]])
    parts.append(parts[2][::-2])
    whole = idxio.Dataset.concat(parts)
    expected = [plain, plain, plain, plain[:, ::-1], plain[[3, 0]], plain[::-2]]
    assert np.array_equal(whole.images, np.concatenate(expected))
    assert whole.images.dtype == plain.dtype
    assert whole.images.dtype.isnative
    assert not np.shares_memory(whole.images, images)
    assert whole.labels.tolist() == [*range(4)] * 4 + [3, 0, 3, 1]


def test_one_and_none():
    ds = of_words(["dog"], ["cat", "dog"])
    whole = idxio.Dataset.concat((ds,))
    assert (whole.labels.tolist(), whole.class_names) == ([1], {0: "cat", 1: "dog"})
    empty = idxio.Dataset(np.zeros((0, 2, 2), np.uint8), [])
    assert len(idxio.Dataset.concat([empty, empty])) == 0


def small(labels=(0, 1), shape=(2,), dtype=np.uint8, names=None):
    return idxio.Dataset(
        np.zeros((len(labels), *shape), dtype), np.array(labels), class_names=names
    )


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ([], ValueError, "the list is empty"),
        (small(), TypeError, "takes a list of datasets, not one"),
        ([small(), "x"], TypeError, r"datasets\[1\] is no Dataset, but str"),
        (
            [small(), small(shape=(3,))],
            ValueError,
            r"datasets\[1\] has images of shape \(3,\) and type uint8, datasets\[0\] of",
        ),
        ([small(), small(dtype=np.int16)], ValueError, "type int16.*: give them one shape and type"),
        (
            [small(names=["a", "b"]), small()],
            ValueError,
            r"datasets\[1\] has no names of classes, and datasets\[0\] has",
        ),
        ([small(), small(names=["a", "b"])], ValueError, r"datasets\[0\] has no names"),
        (
            [small(names=["a", "b"]), small(names=["b"])],
            ValueError,
            r"datasets\[1\]: has the label 1, which datasets\[1\] does not name; to merge datasets by",
        ),
        (
            [small(names=["a", "b"]), small(names=["c", "c "])],
            ValueError,
            r"datasets\[1\]: has two labels with the name 'c', so that datasets can't be merged",
        ),
        (
            [small(names=["1", "b"]), small(names=["01", "b"])],
            ValueError,
            r"datasets\[1\]: has the class '01', another dataset '1', which is the same number",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit(parts, error, message):
    with pytest.raises(error, match=message):
        idxio.Dataset.concat(parts)


def test_labels_without_a_type_together():
    parts = [
        idxio.Dataset(np.zeros((1, 2)), np.array([1], dtype)) for dtype in (np.uint64, np.int64)
    ]
    with pytest.raises(ValueError, match="no integer type for labels of uint64 and int64 together"):
        idxio.Dataset.concat(parts)


class Interrupted(np.ndarray):
    """Images of which the fifth slice is interrupted."""

    slices = 0

    def __getitem__(self, rows):
        Interrupted.slices += isinstance(rows, slice)
        if Interrupted.slices == 5:
            raise KeyboardInterrupt
        return super().__getitem__(rows)


def test_images_are_copied_in_pieces_between_which_an_interrupt_arrives(monkeypatch):
    monkeypatch.setattr(concat, "_PIECE", 100)
    images = np.arange(300 * 16, dtype=np.int32).reshape(300, 4, 4)
    assert np.array_equal(concat.concat_images([images, images[:7]]), [*images, *images[:7]])
    with pytest.raises(KeyboardInterrupt):
        concat.concat_images([images.view(Interrupted)])
