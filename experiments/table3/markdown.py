"""Paragraphs and tables of a page."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from .rows import Row


def wrapped(text: str) -> str:
    """A paragraph."""
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def pipes(columns: Sequence[str], lines: Sequence[Sequence[str]], words: int = 2) -> str:
    """A table whose first columns are words and whose others are numbers."""
    rule = [*["---"] * words, *["--:"] * (len(columns) - words)]
    return "\n".join("| " + " | ".join(line) + " |" for line in (columns, rule, *lines))


def code(row: Row) -> str:
    """The parameters of a row."""
    return f"`{row.name.partition(':')[2]}`"
