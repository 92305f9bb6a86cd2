"""A shuffle of compressed files larger than memory: blocks of records, a window of blocks at a time.

1. The records are cut into blocks of consecutive ones, about BLOCK bytes each; where the first block starts is drawn
   anew for each epoch, and the last block goes on with the first records.
2. The blocks stand in the order of a keyed permutation; `per_window` of them make a window.
3. A window is unpacked into memory, each of its blocks by one ranged read, and its records are permuted.
4. So what stands at a position is a pure function of seed, epoch and position, as in memory: ranks take strides of
   it, and a loop resumes anywhere by unpacking one window.
5. Quality: two records share a window with the probability window / n, and are mixed freely there, unless they lie
   within a block of each other in the file, when they mostly do: neighbours stay as near as a window is long.
6. Memory: while one window is used the next is unpacked, little by little; two windows are `buffer` bytes.
Without a seed the blocks and records stand as stored, and the file is read front to back.
"""

from __future__ import annotations

import numpy as np

from .._util.memory import allocate
from .._util.threads import on_threads
from .._util.types import Array, Ids
from ..core.selection import ArrayLike
from .gather import RowGatherer
from .samplers import BalancedSampler, Sampler, Turns, permuted, turns_by_class

# Chunks of our files are 9,719 bytes, spans of an index about 64 KiB: little is unpacked in vain.
BLOCK = 1 << 20

BUFFER = 256 << 20
"""The two windows, unless a caller says otherwise."""

# What the numbers behind seed and epoch choose in a key.
_SHIFT, _BLOCKS, _WITHIN = range(3)


class WindowSampler(Sampler):
    """The order of the samples; a place is a row of a window, counted through all windows."""

    def __init__(self, n: int, record_nbytes: int, buffer: int, seed: int | None, labels: Array | None) -> None:
        """labels, to balance the classes within each window."""
        super().__init__(n)
        self.seed = seed
        self.block = max(1, BLOCK // max(1, record_nbytes))
        """Records in a block."""
        self.per_window = max(1, buffer // 2 // (self.block * max(1, record_nbytes)))
        """Blocks in a window."""
        self.window = self.block * self.per_window
        """Records in a window."""
        self._labels = labels
        self._balanced: tuple[tuple[int, int], BalancedSampler] | None = None  # of the window that was used last

    def places(self, epoch: int, start: int, stop: int) -> Ids:
        parts = [np.empty(0, np.int64)]
        while start < stop:
            number = start // self.window
            first = number * self.window
            end = min(stop, first + self.window)
            parts.append(first + self._within(epoch, number, start - first, end - first))
            start = end
        return np.concatenate(parts)

    def _within(self, epoch: int, number: int, start: int, stop: int) -> Ids:
        """The rows of a window at these positions of it."""
        if self._labels is not None:
            return self._balanced_window(epoch, number).places(epoch, start, stop)
        positions = np.arange(start, stop)
        if self.seed is None:
            return positions
        return permuted(self.length(number), positions, self.seed, epoch, _WITHIN, number)

    def _balanced_window(self, epoch: int, number: int) -> BalancedSampler:
        pair = self._balanced  # two loops may be at different windows
        if pair is None or pair[0] != (epoch, number):
            assert self._labels is not None
            first = number * self.window
            labels = self._labels[self.ids(epoch, np.arange(first, first + self.length(number)))]
            pair = self._balanced = (epoch, number), BalancedSampler(labels, self.seed)
        return pair[1]

    def length(self, number: int) -> int:
        """The records of a window."""
        return min(self.window, self.n - number * self.window)

    def ids(self, epoch: int, places: Ids) -> Ids:
        if self.seed is None or not len(places):
            return places
        blocks = places // self.block
        whole = self.n // self.block
        # A last block that is shorter stays the last; which records it has is chance.
        moved = permuted(whole, np.minimum(blocks, whole - 1), self.seed, epoch, _BLOCKS) if whole else blocks
        blocks = np.where(blocks < whole, moved, blocks)
        return (self._shift(epoch) + blocks * self.block + places % self.block) % self.n

    def _shift(self, epoch: int) -> int:
        """The record with which the first block starts."""
        assert self.seed is not None
        return int(permuted(self.n, np.zeros(1, np.int64), self.seed, epoch, _SHIFT)[0])

    def turns(self, ids: Ids, rank: int, world_size: int, shard: int) -> Turns:
        if self._labels is None:
            return super().turns(ids, rank, world_size, shard)
        return turns_by_class(self._labels[ids], rank, world_size, shard)


class WindowBuffer:
    """The windows of one epoch in memory, as a loop comes by: the one in use, and the next as far as it is unpacked.

    Not shared by threads.
    """

    def __init__(self, images: ArrayLike, order: WindowSampler, epoch: int, threads: int) -> None:
        self._images, self._order, self._epoch, self._threads = images, order, epoch, threads
        self._windows: dict[int, tuple[Array, int]] = {}  # with the blocks that are there
        self._is_left = False

    def gather(self, assembler: RowGatherer, places: Ids, out: Array) -> None:
        """Put the records at these places into out."""
        numbers = places // self._order.window
        needed = np.unique(numbers).tolist()
        for number in needed:
            self._forget(number - 1)
            window = self._unpack(number, self._order.per_window)
            mine = numbers == number
            local = places[mine] - number * self._order.window
            if len(needed) == 1:
                assembler.gather(window, local, out)
            else:
                out[mine] = assembler.gather(window, local)

    def prepare(self, position: int) -> None:
        """Unpack as much of the next window as the loop, now at this position, has used of its own."""
        number, used = divmod(position, self._order.window)
        self._forget(number)
        if (number + 1) * self._order.window < self._order.n and number in self._windows:
            self._unpack(number + 1, -(-self._order.per_window * used // self._order.window))

    def leave(self) -> None:
        """Begin no block any more: whoever unpacks some in another thread gets an error."""
        self._is_left = True

    def _forget(self, number: int) -> None:
        """Drop the windows before this one."""
        self._windows = {k: window for k, window in self._windows.items() if k >= number}

    def _unpack(self, number: int, blocks: int) -> Array:
        """A window with at least this many of its blocks."""
        order, images = self._order, self._images
        length = order.length(number)
        if number not in self._windows:
            shape, dtype = (length, *images.shape[1:]), images.dtype
            memory = allocate(0, int(np.prod(shape, dtype=np.int64)) * dtype.itemsize)
            self._windows[number] = memory.view(dtype).reshape(shape), 0
        window, done = self._windows[number]
        first = number * order.window

        def read(start: int) -> None:
            """A block, in one read or, where it goes on with the first records, in two."""
            if self._is_left:
                raise RuntimeError("the loop was left")
            stop = min(start + order.block, length)
            begin = int(order.ids(self._epoch, np.array([first + start]))[0])
            middle = min(stop, start + order.n - begin)
            window[start:middle] = images[begin : begin + middle - start]
            if middle < stop:
                window[middle:stop] = images[: stop - middle]

        starts = range(done * order.block, min(blocks * order.block, length), order.block)
        on_threads(read, starts, self._threads)
        self._windows[number] = window, max(done, blocks)
        return window
