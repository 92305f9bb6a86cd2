"""The errors: their kinds, their attributes, and that they travel between processes."""

import copy
import pickle

import pytest

import idxio
from idxio import ChangedError, ChecksumError, FormatError, IdxError, TruncatedError

KINDS = (IdxError, FormatError, TruncatedError, ChecksumError, ChangedError)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind):
    assert issubclass(kind, IdxError)
    assert issubclass(kind, ValueError)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(kind, protocol):
    options = {"found": 7} if kind is TruncatedError else {}
    error = kind("is odd", file="a.gz", offset=12345, **options)
    for other in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is kind
        assert str(other) == str(error) == "a.gz: is odd (byte 12,345)"
        assert other.args == error.args
        assert vars(other) == vars(error)
        assert (other.file, other.offset) == ("a.gz", 12345)
    if kind is TruncatedError:
        assert error.found == 7


def test_text():
    assert str(IdxError("is odd")) == "is odd"
    assert str(IdxError("is odd", offset=0)) == "is odd (byte 0)"
    assert str(IdxError("is odd", file="a")) == "a: is odd"


@pytest.mark.parametrize("data", [b"", b"\0\0\x08\1\0\0\0\5a", b"nonsense", b"\x1f\x8b\x08", b"\0\0\x08\1\0\0\0\1ab"])
def test_raised_errors_pickle(data):
    with pytest.raises(IdxError) as info:
        idxio.read(data)
    other = pickle.loads(pickle.dumps(info.value))
    assert str(other) == str(info.value)
    assert vars(other) == vars(info.value)
