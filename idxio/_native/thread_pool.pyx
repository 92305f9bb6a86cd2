"""Threads that gather rows ahead of a loop, without Python's lock.

When the loop waits, it gathers with them.
"""

cimport cython
from posix.unistd cimport getpid
from libc.string cimport strerror

from .gather cimport Gather, idxio_task

from collections import deque

cdef extern from "thread_pool.h" nogil:
    ctypedef struct idxio_thread_pool:
        int size
    int idxio_thread_pool_start(idxio_thread_pool *, int)
    void idxio_thread_pool_submit(idxio_thread_pool *, idxio_task *)
    void idxio_thread_pool_notify(idxio_thread_pool *)
    void idxio_thread_pool_wait(idxio_thread_pool *, idxio_task *)
    void idxio_thread_pool_shutdown(idxio_thread_pool *)


@cython.no_gc_clear  # the threads use what it holds
cdef class ThreadPool:
    """A line of gathers, done in order by threads.

    It is for one thread of Python, which calls `shutdown` in the end. There are `size` threads, or
    as many as the system gives; RuntimeError where it gives none.
    """

    cdef idxio_thread_pool pool
    cdef object line
    cdef int process  # which has the threads

    def __cinit__(self, int size):
        cdef int error
        if size < 1:
            raise ValueError("size is 1 or more")
        self.line = deque()
        error = idxio_thread_pool_start(&self.pool, size)
        self.process = getpid()
        if self.pool.size == 0:
            raise RuntimeError(f"can't start a thread: {strerror(error).decode()}")

    def __dealloc__(self):
        if self.process == getpid():
            with nogil:
                idxio_thread_pool_shutdown(&self.pool)

    def submit(self, Gather gather not None):
        """Put a gather, which was not done before, at the end of the line."""
        self.check()
        self.line.append(gather)
        idxio_thread_pool_submit(&self.pool, &gather.task)

    def notify(self):
        """Have the threads do what is in the line."""
        self.check()
        idxio_thread_pool_notify(&self.pool)

    def wait(self):
        """Return when the first gather in the line is done, and help with it until then.

        Raises as `Gather.run`.
        """
        cdef Gather gather
        self.check()
        gather = self.line[0]
        with nogil:
            idxio_thread_pool_wait(&self.pool, &gather.task)
        self.line.popleft()
        gather.check()

    def shutdown(self):
        """End the threads; gathers that are still in the line are left as they are."""
        if self.process == getpid():
            self.process = -1
            with nogil:
                idxio_thread_pool_shutdown(&self.pool)
        self.line.clear()

    cdef check(self):
        if self.process != getpid():
            raise RuntimeError(
                "the threads that make batches are not in this process, which forked: start again"
            )
