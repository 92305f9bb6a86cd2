"""Text of strangers that is shown to people."""

from __future__ import annotations


def printable(text: str) -> str:
    """Escape what must not reach a terminal or a page as it is: control characters, those that turn
    the direction of what follows, and undecodable bytes.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
