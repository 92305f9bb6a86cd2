"""The header of an IDX file: two zero bytes, a type, a number of dimensions, the dimensions.

Source: the description of the format beside MNIST (Y. LeCun, C. Cortes, C. Burges,
"The MNIST database of handwritten digits").
"""

from __future__ import annotations

import math
import re
import struct
from typing import Any, NamedTuple

import numpy as np

from .._util.sizes import record_nbytes
from ..compression.registry import likely_cause
from ..errors import FormatError, TruncatedError
from ..storage.signatures import AS_UTF_8, is_utf_8, printable_start

# The third byte of the file names the type of the elements; on disk they are big-endian.
DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
CODES = {dtype: code for code, dtype in DTYPES.items()}
TYPE_NAMES = "uint8, int8, int16, int32, float32 and float64"

# The longest header: the format has one byte for the number of dimensions.
MAX_SIZE = 4 + 4 * 255
START = 4
"""The number of bytes that determine the length of a header."""
_USUAL = 1 << 40  # more bytes than a header means
# The first line of a table: names or numbers between commas, semicolons or tabs.
_TABLE = r"[\w\"' .]+([,;\t][\w\"' .]*){2}"
MAX_NDIM = 64 if int(np.__version__.split(".")[0]) >= 2 else 32


class Header(NamedTuple):
    """The header of an IDX file: element type and shape."""

    dtype: np.dtype[Any]  # as stored: big-endian
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of bytes of the header."""
        return 4 + 4 * len(self.shape)

    @property
    def nbytes(self) -> int:
        """The number of bytes of the elements."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def record_nbytes(self) -> int:
        """The number of bytes of one record."""
        return record_nbytes(self.shape, self.dtype)

    @property
    def native(self) -> np.dtype[Any]:
        """The type of the elements in the byte order of this machine."""
        return self.dtype.newbyteorder("=")

    @property
    def turned(self) -> Header:
        """The header of a file whose sizes alone were written little-endian."""
        sizes = np.array(self.shape, np.uint32).byteswap()
        return Header(self.dtype, tuple(sizes.tolist()))


def rest_of(start: bytes) -> int:
    """The number of bytes that `parse` needs after the first START.

    These are the dimensions of an IDX file; of other files, enough to recognise the format.
    """
    return 4 * start[3] if start[:2] == b"\0\0" and start[2] in DTYPES else MAX_SIZE - START


def parse(head: bytes, *, file: str | None = None, start: int = 0) -> Header:
    """Parse the header at the start of head, which holds all of it or all bytes of a shorter file.

    start is where a file object stood, for messages.

    Raises
    ------
    FormatError, TruncatedError
        With the likely cause. Offsets count in the unpacked file.
    """
    moved = f". The file object stood at byte {start:,}: file.seek(0) first?" if start else ""
    if not head:
        text = f"is empty; an IDX file starts with a header of 4 bytes or more{moved}"
        raise TruncatedError(text, file=file, offset=0)
    cause = likely_cause(head)
    if cause:
        raise FormatError(f"is not an IDX file but {cause}{moved}", file=file, offset=0)
    if head[:2] != b"\0\0"[: len(head)]:
        text = (
            f"is not an IDX file: it starts with {_start_of(head)}, expected 00 00, a type and the"
            " number of dimensions (00 00 08 03 for MNIST images, 00 00 08 01 for labels)"
        )
        raise FormatError(f"{text}{moved}", file=file, offset=0)
    if len(head) < 4:
        raise TruncatedError(
            f"ends after {len(head)} bytes, inside the header",
            file=file,
            offset=len(head),
            found=len(head),
        )
    code = head[2]
    ndim = head[3]
    if code not in DTYPES:
        known = ", ".join(f"{c:02x} {d.name}" for c, d in DTYPES.items())
        raise FormatError(
            f"has elements of the unknown type {code:02x}; IDX has {known}", file=file, offset=2
        )
    if ndim > MAX_NDIM:
        raise FormatError(
            f"has {ndim} dimensions; this numpy holds at most {MAX_NDIM}", file=file, offset=3
        )
    if len(head) < 4 + 4 * ndim:
        raise TruncatedError(
            f"ends after {len(head)} bytes, inside the header of {4 + 4 * ndim} bytes that {ndim}"
            " dimensions take",
            file=file,
            offset=len(head),
            found=len(head),
        )
    header = Header(DTYPES[code], struct.unpack_from(f">{ndim}I", head, 4))
    # Like numpy, check that a shape is addressable without its zeros.
    if math.prod(n for n in header.shape if n) * header.dtype.itemsize >= 2**63:
        hint = ""
        if is_utf_8(head[4 : header.size]):
            hint = f". The likely cause is {AS_UTF_8}"
        elif header.turned.nbytes < _USUAL:
            hint = f"; written little-endian, the sizes would be {header.turned.shape}"
        raise FormatError(
            f"has the shape {header.shape}, more than memory can address{hint}",
            file=file,
            offset=4,
        )
    return header


def _start_of(head: bytes) -> str:
    """The first bytes of a file that is no IDX file, as text if they are some."""
    text = printable_start(head)
    if text is None:
        return head[:4].hex(" ")
    is_table = re.match(_TABLE, text) is not None
    return f"the text {text!r}{' (idxio.import_dataset takes CSV)' if is_table else ''}"


def code_of(dtype: np.dtype[Any]) -> int:
    """The type byte of a dtype of any byte order; KeyError where IDX has none."""
    return CODES[dtype.newbyteorder(">")]


def format_header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """The header of an array of dtype and shape."""
    if len(shape) > MAX_NDIM:
        raise FormatError(f"has {len(shape)} dimensions; this numpy holds at most {MAX_NDIM}")
    for axis, n in enumerate(shape):
        if not 0 <= n <= 0xFFFFFFFF:
            raise FormatError(f"IDX has 32 bits for a dimension; axis {axis} has {n:,} entries")
    return struct.pack(f">BBBB{len(shape)}I", 0, 0, code_of(dtype), len(shape), *shape)
