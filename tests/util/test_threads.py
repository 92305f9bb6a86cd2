"""A function over items on threads."""

import gc
import weakref

import numpy as np
import pytest

from idxio._util.threads import on_threads


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_keeps_no_memory(threads):
    """What a failed call allocated goes with its error, not only when the garbage collector comes."""

    def fail(item):
        if item == 5:
            raise ValueError(item)

    def call():
        memory = np.empty(1000)
        alive.append(weakref.ref(memory))
        on_threads(fail, range(9), threads)

    alive = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            with pytest.raises(ValueError, match="5"):
                call()
        kept = [ref for ref in alive if ref() is not None]
    finally:
        gc.enable()
    assert len(kept) <= 1  # the last error may still be looked at
