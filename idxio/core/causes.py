"""why_wrong_size(): why a file has other bytes than its header promises."""

from __future__ import annotations

import codecs
import math

from ..compression.registry import Compression
from ..storage.signatures import AS_CR_LF, AS_UTF_8, LineEnds
from .header import Header

# How many characters beyond ASCII prove that bytes are text in UTF-8. Other bytes above 127 are
# followed by one that UTF-8 allows there in a quarter of all cases.
_PROOF = 16
_MOST_GROWN = 3  # times as many bytes, where each one became U+FFFD
_BLOCK = 1 << 16
_MOST_READ = 256 << 20  # of unpacked bytes, which are read again to tell the cause


def why_wrong_size(compressed: Compression, header: Header, found: int) -> str | None:
    """What all bytes, or the sizes in the header, agree with: the end of "the likely cause is".

    None if there is no such cause. `found` is the number of unpacked bytes, which is not what the
    header promises.
    """
    data = found - header.size
    if data and header.turned.nbytes == data:
        return f"that its sizes were written little-endian: {header.turned.shape} fits exactly"
    return _other_header(header, data) or _written_as_text(compressed, header, found)


def _other_header(header: Header, data: int) -> str | None:
    """A shape of larger or smaller pictures, or a size of elements, that fits exactly."""
    shape = header.shape
    itemsize = header.dtype.itemsize
    if data <= 0 or not header.nbytes:
        return None
    fits = []
    factor = math.isqrt(max(data, header.nbytes) // min(data, header.nbytes))
    if len(shape) > 2 and data == header.nbytes * factor**2:
        fits.append(f"the shape {(shape[0], *(n * factor for n in shape[1:3]), *shape[3:])}")
    is_whole = not any(n % factor for n in shape[1:3])
    if len(shape) > 2 and is_whole and header.nbytes == data * factor**2:
        fits.append(f"the shape {(shape[0], *(n // factor for n in shape[1:3]), *shape[3:])}")
    if len(shape) == 3 and data in (3 * header.nbytes, 4 * header.nbytes):
        fits.append(f"the shape {(*shape, data // header.nbytes)}")
    fits += [
        f"elements of {other} byte{'s' if other > 1 else ''}, not {itemsize}"
        for other in (1, 2, 4, 8)
        if other != itemsize and header.nbytes // itemsize * other == data
    ]
    return f"a wrong header: the bytes fit {', or '.join(fits)}, exactly" if fits else None


def _written_as_text(compressed: Compression, header: Header, found: int) -> str | None:
    """Whether a program took the file for text and changed its bytes; it is read again for that."""
    most = min(_MOST_READ, _MOST_GROWN * (header.size + header.nbytes))
    if compressed.source.size is None or found > most:
        return None  # a pipe can't be read again
    decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    characters = 0
    ends = LineEnds()
    stream = compressed.stream()
    block = memoryview(bytearray(_BLOCK))
    while n := stream.readinto(block):
        data = block[:n].tobytes()
        if decoder is not None:
            try:
                text = decoder.decode(data)
                characters += len(text) - len(text.encode("ascii", "ignore"))
            except UnicodeDecodeError:
                decoder = None
        ends.add(data)
        if decoder is None and ends.has_lone_feed:
            return None
    if decoder is not None and characters >= _PROOF:
        return AS_UTF_8
    extra = found - header.size - header.nbytes
    if ends.count and ends.count == extra and not ends.has_lone_feed:
        return AS_CR_LF
    return None
