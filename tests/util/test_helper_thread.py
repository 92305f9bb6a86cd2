"""A thread for which there is no memory: whoever starts it goes on without it."""

import subprocess
import sys

import pytest

from idxio._util.helper_thread import HelperThread

# A hang must not take the whole run along, so each case is a process of its own.
_PATIENCE = 100
_PREPARED = """
import sys, threading
def out_of_memory(thread): raise MemoryError  # as CPython finds none for the first call of a thread
threading.Thread._bootstrap = out_of_memory
sys.unraisablehook = lambda about: None
"""


def without_memory(code):
    """Run code where no new thread finds memory."""
    subprocess.run([sys.executable, "-c", _PREPARED + code], check=True, timeout=_PATIENCE)


def test_it_works_as_a_thread_does():
    done = []
    thread = HelperThread(done.append, (7,), name="some")
    assert thread.daemon
    assert thread.name == "some"
    assert not thread.is_alive()
    thread.start()
    thread.join()
    assert done == [7]
    assert not thread.is_alive()
    with pytest.raises(RuntimeError, match="once"):
        thread.start()


def test_one_without_memory_is_refused():
    without_memory(
        "from idxio._util.helper_thread import HelperThread\n"
        "thread = HelperThread(print)\n"
        "try: thread.start()\n"
        "except RuntimeError as error: assert 'no memory' in str(error)\n"
        "else: raise SystemExit('it started')\n"
        "assert not thread.is_alive()\n"
        "assert threading.enumerate() == [threading.main_thread()]\n"
    )


def test_all_that_has_threads_does_without():
    without_memory(
        "import io, numpy as np, idxio\n"
        "from idxio._util.threads import aside, on_threads\n"
        "x = np.arange(1 << 19, dtype='i4').reshape(-1, 64)\n"
        "y = (np.arange(len(x)) % 7).astype('u1')\n"
        "file = io.BytesIO()\n"
        "idxio.write(file, x, compression='gzip', threads=3)\n"
        "data = file.getvalue()\n"
        "assert (idxio.read(data, threads=3) == x).all()\n"
        "blocks = [*idxio.open(data).iter_records(1000)]\n"
        "assert (np.concatenate(blocks) == x).all()\n"
        "batches = idxio.Dataset(x, y).batches(512, shuffle=True, threads=3)\n"
        "assert sum(len(a) for a, _ in batches) == len(x)\n"
        "assert aside(lambda: 5) == 5\n"
        "done = []\n"
        "on_threads(done.append, range(9), 3)\n"
        "assert sorted(done) == [*range(9)]\n"
    )
