"""Tells a forked child from the process that owns a lock, a thread or a temporary file."""

from __future__ import annotations

import os


class ForkGuard:
    """Remembers the process that created it, and tells a forked child from that process.

    A child must not wait for a lock or thread that stayed in its parent, nor remove what the
    parent still writes.
    """

    def __init__(self) -> None:
        self._process = os.getpid()

    def in_child(self) -> bool:
        """Whether the calling process was forked after this guard was created."""
        return os.getpid() != self._process
