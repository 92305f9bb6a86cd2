"""The shuffle windows of one pass, unpacked into memory."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import numpy as np

from .._util.memory import allocate
from .._util.threads import on_threads
from .._util.types import Array
from ..core.array import IdxArray, expecting
from ..core.selection import ArrayLike
from .gather import RowGatherer
from .row_source import Request, RowSource
from .window_layout import WindowLayout


class WindowBuffer(RowSource):
    """Holds the shuffle window in use, and the next one as far as it is unpacked.

    One thread at a time may call `gather` and `prepare`; any thread may call `leave`.
    """

    # It unpacks the windows in order, on threads of its own.
    is_serial = True

    def __init__(self, images: ArrayLike, layout: WindowLayout, epoch: int, threads: int) -> None:
        self._images = images
        self._layout = layout
        self._epoch = epoch
        self._threads = threads
        # By its number, the memory of each window and the count of its blocks that are unpacked.
        self._windows: dict[int, tuple[Array, int]] = {}
        self._expected: dict[int, ExitStack] = {}
        self._is_left = False

    def gather(self, gatherer: RowGatherer, request: Request) -> None:
        """As `RowSource.gather`; windows that are not there are unpacked."""
        rows, positions, out = request
        numbers = rows // self._layout.window
        needed = np.unique(numbers).tolist()
        for number in needed:
            self._forget(number - 1)
            window = self._unpack(number, self._layout.blocks_per_window)
            mine = numbers == number
            local = rows[mine] - number * self._layout.window
            if len(needed) == 1:
                gatherer.gather(window, local, out, positions)
            else:
                out[mine] = gatherer.gather(window, local, positions=positions[mine])

    def prepare(self, position: int) -> None:
        """Unpack as large a part of the next window as the loop has used of its own."""
        layout = self._layout
        number, used = divmod(position, layout.window)
        self._forget(number)
        if (number + 1) * layout.window < layout.n and number in self._windows:
            self._unpack(number + 1, -(-layout.blocks_per_window * used // layout.window))

    def leave(self) -> None:
        """Unpack no more blocks: a thread that is unpacking some gets an error."""
        self._is_left = True
        for expected in list(self._expected.values()):
            expected.close()

    def _expect(self, number: int) -> None:
        """Have the blocks of a window fetched ahead, if the file is at a URL."""
        if not isinstance(self._images, IdxArray):
            return
        layout = self._layout
        length = layout.length(number)
        starts = np.arange(0, length, layout.block)
        begins = layout.ids(self._epoch, number * layout.window + starts).tolist()
        stops = np.minimum(begins + np.diff(starts, append=length), layout.n).tolist()
        self._expected[number] = ExitStack()
        self._expected[number].enter_context(
            expecting(self._images, [range(a, b) for a, b in zip(begins, stops, strict=True)])
        )

    def _forget(self, number: int) -> None:
        """Drop the windows before this one."""
        self._windows = {k: window for k, window in self._windows.items() if k >= number}
        for k in [k for k in self._expected if k < number]:
            self._expected.pop(k).close()

    def _unpack(self, number: int, blocks: int) -> Array:
        """A window of which at least this many blocks are unpacked."""
        layout = self._layout
        length = layout.length(number)
        if number not in self._windows:
            self._windows[number] = (self._allocate(length), 0)
            self._expect(number)
        window, done = self._windows[number]
        starts = range(done * layout.block, min(blocks * layout.block, length), layout.block)
        on_threads(partial(self._read_block, window, number), starts, self._threads)
        self._windows[number] = (window, max(done, blocks))
        return window

    def _read_block(self, window: Array, number: int, start: int) -> None:
        """Read the block that begins at a record of the window with this number."""
        if self._is_left:
            raise RuntimeError("the loop was left")
        layout = self._layout
        stop = min(start + layout.block, len(window))
        first_row = np.array([number * layout.window + start])
        begin = int(layout.ids(self._epoch, first_row)[0])
        # A block that reaches the last record of the file goes on with the first ones.
        middle = min(stop, start + layout.n - begin)
        window[start:middle] = self._images[begin : begin + middle - start]
        if middle < stop:
            window[middle:stop] = self._images[: stop - middle]

    def _allocate(self, length: int) -> Array:
        """Memory for this many records."""
        shape = (length, *self._images.shape[1:])
        dtype = self._images.dtype
        memory = allocate(0, int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
        return memory.view(dtype).reshape(shape)
