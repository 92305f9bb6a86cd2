"""The layout of help: paragraphs as wide as the terminal, examples and tables as they stand."""

from __future__ import annotations

import argparse
import textwrap
from typing import Any

# Longer lines are hard to read; argparse takes the width of the terminal.
_WIDEST = 100


class HelpFormatter(argparse.HelpFormatter):
    """argparse's layout, in one width, but for paragraphs with indented lines."""

    def __init__(self, prog: str, **options: Any) -> None:  # of Python 3.14: color, prefix_chars
        super().__init__(prog, **options)
        self._width = min(self._width, _WIDEST)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        paragraphs = []
        for paragraph in text.strip().split("\n\n"):
            if "\n  " in paragraph:
                paragraphs.append(textwrap.indent(paragraph, indent))
            else:
                paragraphs.append(super()._fill_text(paragraph, width, indent))
        return "\n\n".join(paragraphs)
