"""Compressed bytes in memory, with the room around them that decoding a span in place needs."""

from __future__ import annotations

from ..._native import inflate
from ..._util.memory import mapped, workspace
from ..._util.types import Bytes
from ...storage.source import Source


class InputBuffer:
    """A part of the compressed file in memory, with the room around it that `inflate_span` asks
    for.
    """

    def __init__(self, source: Source, least: int) -> None:
        """`least` is the smallest number of bytes that a read of the source asks for."""
        self.source = source
        if source.size is not None:
            least = min(least, source.size + 1)  # one more, to see the end
        self._least = least
        self._data: Bytes = workspace(inflate.ROOM + least + inflate.SPARE)
        self.start = 0  # of the bytes that are here, in the file
        self.size = 0
        self.ended = False  # nothing comes behind them
        self.clean = 0  # bytes before this one were overwritten by decoding

    @property
    def stop(self) -> int:
        """The byte of the file behind the last one here."""
        return self.start + self.size

    @property
    def data(self) -> Bytes:
        """The memory up to the last byte that is here."""
        return self._data[: inflate.ROOM + self.size]

    @property
    def roomy(self) -> Bytes:
        """The same with SPARE bytes behind it."""
        return self._data[: inflate.ROOM + self.size + inflate.SPARE]

    def local(self, byte: int) -> int:
        """Where a byte of the file is in `data`."""
        return byte - self.start + inflate.ROOM

    @property
    def offset(self) -> int:
        """What to add to a bit of the file for its place in `data`."""
        return 8 * (inflate.ROOM - self.start)

    def load(self, start: int, size: int) -> None:
        """Have the bytes [start, start + size) of the file here, or as many as there are."""
        here = max(self.start, self.clean) <= start <= self.stop
        if here and (start + size <= self.stop or self.ended):
            self.source.check()  # as reading does
            return
        kept = self.stop - start if here else 0
        memory = self._data
        capacity = len(memory) - inflate.ROOM - inflate.SPARE
        if size > capacity:
            memory = mapped(inflate.ROOM + max(size, 2 * capacity) + inflate.SPARE)
        size = max(size, self._least)
        if kept:
            memory[inflate.ROOM : inflate.ROOM + kept] = self._data[
                self.local(start) : self.local(start) + kept
            ]
        self._data = memory
        n = self.source.read_at(
            start + kept, memory[inflate.ROOM + kept : inflate.ROOM + size].data
        )
        self.ended = n < size - kept
        self.start, self.size, self.clean = start, kept + n, start

    def inflate_span(
        self,
        decoder: inflate.Decoder,
        bit: int,
        stop: int,
        out: Bytes,
        start: int,
        window: int,
        *,
        prove: bool = False,
    ) -> tuple[int, int, int]:
        """`inflate.Decoder.inflate_span` with bits of the file, and for the end a byte of it, 0 for
        an arrival.
        """
        offset = self.offset
        status, end, produced = decoder.inflate_span(
            self.roomy if stop else self.data,
            bit + offset,
            stop + offset if stop else 0,
            out,
            start,
            window,
            prove,
        )
        self.clean = bit >> 3
        return status, end and end - inflate.ROOM + self.start, produced
