"""The shuffle windows of one pass, unpacked into memory as far as one rank needs them."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import numpy as np

from .._native.buffer_pool import BufferPool
from .._util.threads import on_threads
from .._util.types import Array, Ids
from ..core.array import IdxArray, expecting, explore, read_into
from ..core.selection import ArrayLike
from .gather import RowGatherer
from .row_source import Request, RowSource
from .window_layout import WindowLayout

# Unpacked bytes of a file that is explored, until it is seen whether the loop was left.
_EXPLORED = 64 << 20


class _Window:
    """A shuffle window, and how far it is unpacked."""

    def __init__(self, records: Array, wanted: range, pieces: list[range]) -> None:
        self.records = records
        """All rows of it; those that nobody asked for hold anything."""
        self.wanted = wanted
        """The rows that are unpacked."""
        self.pieces = pieces
        """The same, as far as they lie in one block."""
        self.done = 0
        """How many of the pieces are here."""
        self.expected = ExitStack()


class WindowBuffer(RowSource):
    """Holds the shuffle window in use, and the next one as far as it is unpacked.

    One thread at a time may call `gather` and `prepare`; any thread may call `leave`.
    """

    # It unpacks the windows in order, on threads of its own.
    is_serial = True

    def __init__(
        self,
        images: ArrayLike,
        layout: WindowLayout,
        epoch: int,
        threads: int,
        groups: range,
        pool: BufferPool,
    ) -> None:
        """groups: those of each window that are unpacked; of others, single records are read.

        pool: of the memory of windows.
        """
        self._images = images
        self._layout = layout
        self._epoch = epoch
        self._threads = threads
        self._groups = groups
        self._windows: dict[int, _Window] = {}  # by number
        self._pool = pool
        self._is_left = False
        self._is_explored = False

    def gather(self, gatherer: RowGatherer, request: Request) -> None:
        """As `RowSource.gather`; windows that are not there are unpacked."""
        rows, positions, out = request
        numbers = rows // self._layout.window
        needed = np.unique(numbers).tolist()
        for number in needed:
            self._forget(number - 1)
            window = self._window(number)
            self._unpack(number, len(window.pieces))
            mine = numbers == number
            local = rows[mine] - number * self._layout.window
            self._read_others(window, number, local)
            if len(needed) == 1:
                gatherer.gather(window.records, local, out, positions)
            else:
                out[mine] = gatherer.gather(window.records, local, positions=positions[mine])

    def prepare(self, position: int) -> None:
        """Unpack as large a part of the next window as the loop has used of its own."""
        layout = self._layout
        number, used = divmod(position, layout.window)
        self._forget(number)
        if (number + 1) * layout.window < layout.n and number in self._windows:
            pieces = len(self._window(number + 1).pieces)
            self._unpack(number + 1, -(-pieces * used // layout.window))

    def leave(self) -> None:
        """Unpack no more blocks: a thread that is unpacking some gets an error."""
        self._is_left = True
        for window in list(self._windows.values()):
            window.expected.close()

    def _window(self, number: int) -> _Window:
        """A window, which may be a new one."""
        if number not in self._windows:
            if not self._is_explored:
                self._explore()
            layout = self._layout
            length = layout.length(number)
            edges = layout.edges(number)
            wanted = range(int(edges[self._groups.start]), int(edges[self._groups.stop]))
            first = number * layout.window
            whole = range(first + wanted.start, first + wanted.stop)
            pieces = [
                range(piece.start - first, piece.stop - first)
                for piece in layout.pieces(self._epoch, whole)
            ]
            shape = (length, *self._images.shape[1:])
            records: Array = np.ndarray(shape, self._images.dtype, self._pool.take())
            self._windows[number] = _Window(records, wanted, pieces)
            self._expect(number)
        return self._windows[number]

    def _explore(self) -> None:
        """Find out where the file can be entered, before there are windows.

        Its blocks would soon lead to the end all the same; until then, memory would be kept to go
        on from each.
        """
        images = self._images
        if isinstance(images, IdxArray) and self._layout.is_shuffled:
            step = max(1, _EXPLORED // max(1, images.nbytes // len(images)))
            for start in range(0, len(images), step):
                self._check_left()
                explore(images, start + step)
        self._is_explored = True

    def _check_left(self) -> None:
        if self._is_left:
            raise RuntimeError("the loop was left")

    def _expect(self, number: int) -> None:
        """Have the pieces of a window fetched ahead, if the file is at a URL."""
        window = self._windows[number]
        if not isinstance(self._images, IdxArray) or not window.pieces:
            return
        begins = self._ids(number, np.array([piece.start for piece in window.pieces])).tolist()
        parts = [
            range(begin, min(begin + len(piece), self._layout.n))
            for begin, piece in zip(begins, window.pieces, strict=True)
        ]
        window.expected.enter_context(expecting(self._images, parts))

    def _forget(self, number: int) -> None:
        """Drop the windows before this one."""
        for k in [k for k in self._windows if k < number]:
            self._windows.pop(k).expected.close()

    def _unpack(self, number: int, count: int) -> None:
        """Unpack at least so many pieces of a window."""
        window = self._windows[number]
        pieces = window.pieces[window.done : count]
        on_threads(partial(self._read_piece, window, number), pieces, self._threads)
        window.done = max(window.done, count)

    def _read_piece(self, window: _Window, number: int, piece: range) -> None:
        """Read consecutive rows of the window with this number, which lie in one block."""
        self._check_left()
        begin = int(self._ids(number, np.array([piece.start]))[0])
        # A block that reaches the last record of the file goes on with the first ones.
        middle = min(piece.stop, piece.start + self._layout.n - begin)
        self._read(begin, window.records[piece.start : middle])
        if middle < piece.stop:
            self._read(0, window.records[middle : piece.stop])

    def _read(self, begin: int, out: Array) -> None:
        """Read consecutive records of the file."""
        if isinstance(self._images, IdxArray):
            read_into(self._images, begin, out)
        else:
            out[...] = self._images[begin : begin + len(out)]

    def _read_others(self, window: _Window, number: int, rows: Ids) -> None:
        """Read those of some rows that are not unpacked with the others: a few in the last step."""
        wanted = window.wanted
        if len(wanted) == len(window.records):
            return
        others = rows[(rows < wanted.start) | (rows >= wanted.stop)]
        if len(others):
            window.records[others] = self._images[self._ids(number, others)]

    def _ids(self, number: int, rows: Ids) -> Ids:
        """The records of the file at some rows of a window."""
        return self._layout.ids(self._epoch, number * self._layout.window + rows)
