"""Open files as other libraries take them: DLPack, Arrow; and what is refused before it is read."""

import builtins
import operator
from unittest.mock import ANY

import numpy as np
import pyarrow as pa
import pytest
from helpers import PACKINGS, TYPES, assert_same, encode, sample

import idxio
from idxio.core.selection import Selection, upright

ARRAY = sample("int16", (7, 3, 2))
CPU = (1, 0)


def stored(kind, array, folder):
    """The same records as a packed file, a raw one and as a selection of either."""
    if kind == "raw":
        path = folder / "x"
        path.write_bytes(encode(array))
        return idxio.open(path)
    packed = idxio.open(PACKINGS["gzip"](encode(array)))
    if kind == "gzip":
        return packed
    base = packed if kind == "selection of a file" else array
    return Selection(base, np.arange(len(array)))


KINDS = pytest.mark.parametrize(
    "kind", ["raw", "gzip", "selection of a file", "selection of an array"]
)


class Consumer:
    """Passes on what it is asked for to a producer, and records with which arguments."""

    def __init__(self, producer):
        self.producer = producer

    def __dlpack_device__(self):
        return self.producer.__dlpack_device__()

    def __dlpack__(self, **options):
        self.options = options
        return self.producer.__dlpack__(**options)


@KINDS
@pytest.mark.parametrize("dtype", TYPES)
def test_from_dlpack(kind, dtype, tmp_path):
    array = sample(dtype, (5, 3, 2))
    f = stored(kind, array, tmp_path)
    assert f.__dlpack_device__() == CPU
    result = np.from_dlpack(f)
    assert_same(result, array)
    assert result.dtype.isnative


@KINDS
def test_from_dlpack_is_a_copy_that_may_be_written(kind, tmp_path):
    array = ARRAY.copy()
    f = stored(kind, array, tmp_path)
    consumer = Consumer(f)
    result = np.from_dlpack(consumer)
    if "max_version" in consumer.options:  # before there is no telling: numpy makes it read-only
        assert result.flags.writeable
        result[...] = -1
    assert_same(np.from_dlpack(f), ARRAY)
    assert_same(f[:], ARRAY)
    assert_same(array, ARRAY)


def test_a_read_only_array_gets_no_writable_alias(tmp_path):
    # torch takes over what DLPack gives and never asks whether it may be written to.
    path = tmp_path / "x"
    path.write_bytes(encode(sample("uint8", (7, 3, 2))))
    with idxio.open(path) as f:
        for view in (Selection(f.array, range(7)), upright(Selection(f.array, [3, 1]))):
            assert not np.may_share_memory(np.from_dlpack(view), f.array)


def test_dlpack_refuses_what_it_can_not_give():
    f = idxio.open(encode(ARRAY))
    with pytest.raises(BufferError, match="copy"):
        f.__dlpack__(copy=False)
    with pytest.raises(BufferError, match="CPU"):
        f.__dlpack__(dl_device=(2, 0))
    assert f.__dlpack__(copy=True, dl_device=CPU, max_version=(1, 0)) is not None


@KINDS
@pytest.mark.parametrize("dtype", TYPES)
def test_arrow_labels(kind, dtype, tmp_path):
    labels = sample(dtype, (9,))
    result = pa.array(stored(kind, labels, tmp_path))
    assert result.type == pa.from_numpy_dtype(labels.dtype)
    assert_same(result.to_numpy(), labels)


@KINDS
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (4, 0, 2), (4, 2, 0), (0, 3, 2)], ids=str)
def test_arrow_records_are_lists_of_their_size(kind, shape, tmp_path):
    array = sample("int32", shape)
    result = pa.array(stored(kind, array, tmp_path))
    kind = pa.int32()
    for n in reversed(shape[1:]):
        kind = pa.list_(kind, n)
    assert result.type == kind
    result.validate(full=True)
    assert result.to_pylist() == array.tolist()


def test_arrow_type():
    labels = idxio.open(encode(np.arange(3, dtype=np.uint8)))
    assert pa.array(labels, pa.int64()).equals(pa.array([0, 1, 2], pa.int64()))
    with pytest.raises(pa.ArrowInvalid):
        pa.array(idxio.open(encode(np.array([300], np.int16))), pa.uint8())


class Capsules:
    """What polars asks an object for."""

    def __init__(self, f):
        self._f = f

    def __arrow_c_array__(self, requested_schema=None):
        return self._f.__arrow_c_array__(requested_schema)


def test_arrow_capsules():
    result = pa.array(Capsules(idxio.open(encode(ARRAY))))
    assert result.to_pylist() == ARRAY.tolist()


def test_arrow_without_pyarrow(monkeypatch):
    real = builtins.__import__

    def fake(name, *rest):
        if name == "pyarrow":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", fake)
    with pytest.raises(ImportError, match=r"pyarrow.*f\[:\]"):
        idxio.open(encode(ARRAY)).__arrow_c_array__()


def test_no_protocol_reads_record_by_record(monkeypatch):
    f = idxio.open(encode(ARRAY))
    for name in ("__getitem__", "__iter__", "__len__"):
        monkeypatch.setattr(idxio.IdxArray, name, None)
    assert_same(np.from_dlpack(f), ARRAY)
    assert len(pa.array(f)) == 7


# What is not there before the records are read

UNREAD = pytest.mark.parametrize(
    "f",
    [idxio.open(encode(ARRAY)), Selection(ARRAY, np.arange(7))],
    ids=lambda f: type(f).__name__,
)


@UNREAD
@pytest.mark.parametrize(
    "name", ["mean", "sum", "max", "min", "reshape", "astype", "flatten", "T", "flags", "tolist"]
)
def test_attributes_of_arrays_say_how_to_read(f, name):
    assert not hasattr(f, name)
    assert getattr(f, name, None) is None
    with pytest.raises(AttributeError, match=rf"f\[:\]\.{name}.*ds\.images\[:\]\.{name}"):
        getattr(f, name)


@UNREAD
def test_other_attributes_do_not(f):
    for name in ("meen", "__array_interface__", "_mean", "__deepcopy__"):
        with pytest.raises(AttributeError) as error:
            getattr(f, name)
        assert str(error.value) == f"{type(f).__name__!r} object has no attribute {name!r}"


@UNREAD
def test_functions_of_numpy_read(f):
    assert np.mean(f) == ARRAY.mean()
    assert np.sum(f) == ARRAY.sum()
    assert_same(np.reshape(f, (7, 6)), ARRAY.reshape(7, 6))
    assert_same(ARRAY + f, ARRAY + ARRAY)
    assert_same(np.equal(ARRAY, f), np.ones(ARRAY.shape, bool))
    assert_same(operator.eq(ARRAY, f), np.ones(ARRAY.shape, bool))


@UNREAD
@pytest.mark.parametrize("other", [9, 0.5, True, np.uint8(9), ARRAY, [1, 2], (1, 2), range(7)])
@pytest.mark.parametrize(
    "name", ["eq", "ne", "lt", "le", "gt", "ge", "add", "sub", "mul", "truediv", "floordiv", "mod"]
)
def test_operators_say_how_to_read(f, other, name):
    with pytest.raises(TypeError, match=r"f\[:\] == 9"):
        getattr(operator, name)(f, other)
    if not hasattr(other, "__array__") and name in ("eq", "ne"):
        with pytest.raises(TypeError, match=r"f\[:\] == 9"):
            getattr(operator, name)(other, f)


@UNREAD
def test_equal_is_who_is_the_same(f):
    other = idxio.open(encode(ARRAY))
    assert f == f
    assert f != other
    assert not operator.eq(f, other)
    assert f != "x"
    assert f != None  # noqa: E711
    assert [other, f].index(f) == 1
    assert f in {f: 1}
    assert len({f, other}) == 2
    assert f == ANY


@UNREAD
def test_operators_with_others_are_refused_by_python(f):
    with pytest.raises(TypeError, match="unsupported operand"):
        f + "x"
    with pytest.raises(TypeError, match="not supported between"):
        f < None  # noqa: B015
