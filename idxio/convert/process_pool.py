"""Helper processes that decode pictures: most of what Pillow does for a small one holds the GIL.

They are plain subprocesses that get pickled jobs on a pipe. multiprocessing would run the caller's
main module again, or fork a process that has threads. When their pipe ends, because the job is done
or this process has died, so do they.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from .._util.workers import InOrder

Result = TypeVar("Result")
# The paths of some pictures, and what else the function takes.
Job = tuple[Any, ...]

# Helper processes take about this long to start, in seconds: measured 0.2, of one core each.
_WORTH = 0.5
_MAIN = "from idxio.convert.process_pool import serve; serve()"


def run(
    function: Callable[..., Result], jobs: Iterable[Job], threads: int, seconds: float
) -> Iterator[Result]:
    """function(*job) for each job, in their order: by as many helper processes, if it all takes so
    long that this pays.

    The function is one of a module, and what it takes and gives can be pickled. The helpers end
    with the generator.
    """
    if threads == 1 or seconds < _WORTH:
        yield from (function(*job) for job in jobs)
        return
    with ProcessPool(threads) as workers:
        yield from workers.map(function, jobs)


class ProcessPool:
    """Some helper processes; use it in a ``with`` block."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        path = os.pathsep.join(os.path.abspath(folder) for folder in sys.path)
        # Else numpy starts threads that nothing here uses: half of what the start of a helper takes
        # of a core.
        environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            for _ in range(count):
                process = subprocess.Popen(
                    [sys.executable, "-c", _MAIN],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,  # what C libraries have to say about a picture
                    env=environment,
                    start_new_session=True,  # Ctrl-C in a terminal is for this process
                )
                self._processes.append(process)
                self._idle.put(process)
        except BaseException:
            self._stop()
            raise

    def map(self, function: Callable[..., Result], jobs: Iterable[Job]) -> Iterator[Result]:
        """function(*job) for each job, in their order; a few are under way at a time."""
        calls = InOrder(partial(self._call, function), self._count)
        try:
            for job in jobs:
                yield from calls.submit(job)
            yield from calls.rest()
        except BaseException:
            self._stop()  # threads that wait for a process go on
            raise
        finally:
            calls.close()

    def _call(self, function: Callable[..., Result], job: Job) -> Result:
        process = self._idle.get()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            pickle.dump((function, job), process.stdin)
            process.stdin.flush()
            done, result = pickle.load(process.stdout)
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            raise ChildProcessError(
                f"a helper process ended (exit code {process.wait()}) at one of the {len(job[0])}"
                f" pictures from {job[0][0]} on; with threads=1 this process converts them itself"
            ) from None
        finally:
            self._idle.put(process)
        if not done:
            raise result
        answer: Result = result
        return answer

    def _stop(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()
        for process in self._processes:
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with contextlib.suppress(BrokenPipeError):  # something was still to be sent
                    pipe.close()


def serve() -> None:
    """Run in a helper process: read jobs from stdin, write results to stdout, until stdin ends."""
    jobs = sys.stdin.buffer
    results = sys.stdout.buffer
    sys.stdout = sys.stderr  # nothing else may go there
    while True:
        answer: tuple[bool, Any]
        try:
            function, job = pickle.load(jobs)
        except EOFError:
            return
        try:
            answer = True, function(*job)
        except BaseException as error:
            answer = False, error
        pickle.dump(answer, results)
        results.flush()
