"""Complaints of one kind in one line, with their number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from .text import first_few

# The number of files named for one kind of complaint.
_NAMED = 5


def lines(complaints: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a line for each kind of complaint, given as file (or "") and reason. Those of one kind
    differ in numbers only.
    """
    kinds: dict[str, list[tuple[str, str]]] = {}
    for file, reason in complaints:
        kinds.setdefault(re.sub(r"\d[\d,.]*", "0", reason), []).append((file, reason))
    for alike in kinds.values():
        file, reason = alike[0]
        line = f"{file}: {reason}" if file else reason
        others = [other for other, _ in alike[1:] if other != file]
        if others:
            line = f"{len(alike):,} alike, as {line}; {first_few(others, _NAMED - 1)}"
        elif len(alike) > 1:
            line = f"{line} ({len(alike):,} times)"
        yield line
