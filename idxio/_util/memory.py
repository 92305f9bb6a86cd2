"""Memory for arrays: aligned, in huge pages where possible, populated by a helper thread."""

from __future__ import annotations

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import numpy as np

from .._native import pages
from .helper_thread import HelperThread
from .types import Bytes

ALIGNMENT = 64  # a cache line, and the widest vector
_SMALL = 1 << 12  # below this, alignment takes measurable time in a loop over records
_LARGE = 4 << 20  # numpy asks for huge pages from this size on
_HUGE_PAGE = 2 << 20  # on x86-64, and on arm64 where pages have 4 KiB
# Below this a helper thread costs more than the page faults that it saves.
_WORTH_A_THREAD = 8 << 20
_WORTH_MAPPING = 1 << 20  # below this the system calls cost too much
_PAGES_A_CALL = 512  # 2 MiB: one huge page
_STEP = 32 << 20  # populated before the helper looks whether the body has ended


def allocate(before: int, nbytes: int) -> Bytes:
    """Allocate before + nbytes uninitialised bytes; the last nbytes start on a cache line.

    Less than 4 KiB is aligned for any dtype only; 4 MiB or more fill whole huge pages. Memory that
    starts and ends inside huge pages has some 700 small pages there, whose faults took 2.8 ms of
    the 83 ms of processor time for the Fashion-MNIST train images.
    """
    size = before + nbytes
    if before == 0 and nbytes < _SMALL:
        return np.empty(nbytes, np.uint8)
    unit = ALIGNMENT if size < _LARGE else _HUGE_PAGE
    start = -before % ALIGNMENT
    buffer = np.empty(-(-(start + size) // unit) * unit + unit, np.uint8)
    start += -pages.address(buffer) % unit
    return buffer[start : start + size]


def mapped(nbytes: int) -> Bytes:
    """Allocate nbytes whose pages the system gets back as soon as nobody looks at them any more.

    What malloc gives it may keep for later, once for each thread.
    """
    if nbytes < _WORTH_MAPPING:
        return allocate(0, nbytes)
    flags = {}
    if hasattr(mmap, "MAP_PRIVATE"):  # by default, the memory is one with that of a forked process
        flags = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS}
    try:
        memory = mmap.mmap(-1, nbytes, **flags)
    except OSError as error:
        raise MemoryError(f"there is no memory for {nbytes:,} bytes") from error
    if hasattr(memory, "madvise") and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, np.uint8)


def workspace(nbytes: int) -> Bytes:
    """Allocate nbytes of uninitialised scratch memory, in huge pages from half a page on."""
    if nbytes < _HUGE_PAGE // 2:
        return np.empty(nbytes, np.uint8)
    return allocate(0, max(nbytes, _LARGE))[:nbytes]


@contextmanager
def populating(buffer: memoryview, size: int) -> Iterator[None]:
    """Populate the pages of buffer[:size] in a helper thread while the block fills them in order.

    Measured on the Fashion-MNIST train images: fresh pages of 4 KiB 86 ms, huge pages 73 ms,
    populated ahead 70 ms.
    """
    if size < _WORTH_A_THREAD:
        yield
        return
    left = threading.Event()

    def populate() -> None:
        for start in range(0, min(size, len(buffer)), _STEP):
            if left.is_set():
                return
            step = buffer[start : min(start + _STEP, size)]
            if not pages.populate(step, _PAGES_A_CALL):
                return

    helper = HelperThread(populate)
    started = False
    try:
        with suppress(RuntimeError):  # without a thread, each page is populated at its first write
            helper.start()
            started = True
        yield
    finally:
        left.set()
        if started:
            helper.join()
