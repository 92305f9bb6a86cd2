"""A span index that grows while its file is decoded, and takes no more memory than a bound."""

from __future__ import annotations

from .span_index import SpanColumns, SpanIndex

# Windows kept in memory at most; past this every other point is dropped and the spans grow.
MOST_WINDOWS = 192


class GrowingIndex(SpanIndex):
    """The spans of a file that have been decoded, to its end once it is `complete`.

    Each time that there are more than MOST_WINDOWS windows, spans are joined two and two, and from
    then on twice as many decoded spans make one of the index. Only what one decoder can go through
    is joined: inside a member, where one span ends and the next begins.
    """

    def __init__(self) -> None:
        super().__init__(SpanColumns([], [], [], [], []), 0, 0, complete=False)
        self._kept = 0  # windows that are not empty
        self._every = 1  # how many decoded spans make one here
        self._since = 0  # of these, in the last one

    def add(self, bit: int, stop: int, length: int, window: bytes, limit: int) -> None:
        """Append the span that follows on the last one; limit is the byte of the file where the
        next one may start.
        """
        bits, stops, starts, windows, needs_window = self._columns
        assert isinstance(windows, list)
        if length == 0 and stop == 0 and not window:
            self.limit = limit  # an empty member
            return
        goes_on = bool(bits) and bool(window) and stops[-1] == bit
        if goes_on and self._since < self._every:
            stops[-1] = stop
        else:
            bits.append(bit)
            stops.append(stop)
            starts.append(self.end)
            windows.append(window)
            needs_window.append(bool(window))
            self._kept += bool(window)
            self._since = 0
        self._since += 1
        self.end += length
        self.limit = limit
        if self._kept > MOST_WINDOWS:
            self._thin()

    def snapshot(self) -> SpanIndex:
        """A copy of the index as it is now, for a reader while another thread adds spans."""
        columns = SpanColumns(*(column[:] for column in self._columns))
        return SpanIndex(columns, self.end, self.limit, complete=self.complete)

    def copy(self) -> GrowingIndex:
        """A copy of the index as it is now."""
        index = GrowingIndex()
        index._columns = SpanColumns(*(column[:] for column in self._columns))
        index.end, index.limit, index.complete = self.end, self.limit, self.complete
        return index

    def thinned(self) -> GrowingIndex | None:
        """A copy with every other point dropped; None if all points must stay."""
        index = self.copy()
        index._thin()
        return index if len(index) < len(self) else None

    def _thin(self) -> None:
        """Join pairs of spans that one decoder can go through in one go."""
        bits, stops, _, _, needs_window = self._columns
        kept: list[int] = []
        for i in range(len(bits)):
            is_second = bool(kept) and kept[-1] == i - 1
            if is_second and needs_window[i] and stops[i - 1] == bits[i]:
                stops[i - 1] = stops[i]
            else:
                kept.append(i)
        self._columns = SpanColumns(*([column[i] for i in kept] for column in self._columns))
        self._kept = sum(self._columns.needs_window)
        self._every *= 2
