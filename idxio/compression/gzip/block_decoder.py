"""Decodes block by block with zlib: slower than by spans, exact, and says what is wrong."""

from __future__ import annotations

from ..._native import inflate
from ..._util.types import Bytes
from .input_buffer import InputBuffer

REGION = 1 << 18  # unpacked bytes that zlib decodes, at the least, once it is called in
FAR = 1 << 62


class BlockDecoder:
    """Decodes deflate data from an edge between two blocks on, with stops inside of blocks."""

    def __init__(self, buffer: InputBuffer) -> None:
        self.byte = 0
        """The byte of the file that comes next."""
        self._input = buffer
        self._inflater: inflate.Inflater | None = None
        self._since = 0  # unpacked bytes since an edge

    @property
    def is_inside(self) -> bool:
        """Whether decoding stopped inside a block, so that no other decoder can go on."""
        return self._inflater is not None

    @property
    def bit(self) -> int:
        """The bit of the file that comes next."""
        return 8 * self.byte - (0 if self._inflater is None else self._inflater.unused_bits)

    @property
    def message(self) -> str:
        """What zlib says is wrong."""
        return "" if self._inflater is None else self._inflater.message

    def begin(self, bit: int, window: Bytes) -> None:
        """Go to an edge, behind its window."""
        self.byte, used = divmod(bit, 8)
        self._input.load(self.byte, 1)
        value = 0
        if used:
            value = int(self._input.data[self._input.local(self.byte)]) >> used
            self.byte += 1
        self._inflater = inflate.Inflater(window, (8 - used) % 8, value)

    def end(self) -> None:
        """Leave the data at an edge, or behind them."""
        self._inflater, self._since = None, 0

    def decode(self, out: Bytes, start: int, wanted: int) -> tuple[int | None, int]:
        """Decode into out[start:] until it is full, the data end, or an edge behind about as many
        bytes as wanted; returns a status of `inflate`, None where the file ends, and the length.
        """
        assert self._inflater is not None
        # An edge is told of each region, however long zlib goes on: there a reader can start.
        edge = FAR
        if wanted < FAR:
            edge = min(wanted, max(0, REGION - self._since), (len(out) - start) // 2)
        done = 0
        status: int | None
        while True:
            self._input.load(self.byte, 1)
            status, consumed, produced = self._inflater.inflate(
                self._input.data,
                self._input.local(self.byte),
                out,
                start + done,
                max(0, edge - done),
            )
            self.byte += consumed
            done += produced
            is_full = start + done == len(out)
            if status in (inflate.BAD, inflate.END, inflate.EDGE) or is_full:
                break
            if self._input.ended and self.byte == self._input.stop:
                status = None
                break
        self._since += done
        return status, done
