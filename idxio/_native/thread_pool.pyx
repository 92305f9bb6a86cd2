"""Threads that gather rows ahead of a loop, without Python's lock, and together with the loop when it waits."""

cimport cython
from posix.unistd cimport getpid
from libc.string cimport strerror

from .gather cimport Gather, idxio_job

from collections import deque

cdef extern from "thread_pool.h" nogil:
    ctypedef struct idxio_crew:
        int size
    int idxio_crew_start(idxio_crew *, int)
    void idxio_crew_add(idxio_crew *, idxio_job *)
    void idxio_crew_wake(idxio_crew *)
    void idxio_crew_finish(idxio_crew *, idxio_job *)
    void idxio_crew_leave(idxio_crew *)


@cython.no_gc_clear  # the threads use what it holds
cdef class Crew:
    """A line of gathers, done in order by threads. For one thread of Python, which calls `leave` in the end.

    There are `size` threads, or as many as the system gives; RuntimeError where it gives none.
    """

    cdef idxio_crew crew
    cdef object line
    cdef int process  # which has the threads

    def __cinit__(self, int size):
        cdef int error
        if size < 1:
            raise ValueError("size is 1 or more")
        self.line = deque()
        error = idxio_crew_start(&self.crew, size)
        self.process = getpid()
        if self.crew.size == 0:
            raise RuntimeError(f"can't start a thread: {strerror(error).decode()}")

    def __dealloc__(self):
        if self.process == getpid():
            with nogil:
                idxio_crew_leave(&self.crew)

    def add(self, Gather gather not None):
        """Put a gather, which was not done before, at the end of the line."""
        self.check()
        self.line.append(gather)
        idxio_crew_add(&self.crew, &gather.job)

    def wake(self):
        """Have the threads do what is in the line."""
        self.check()
        idxio_crew_wake(&self.crew)

    def finish(self):
        """Return when the first gather in the line is done, and help with it until then."""
        cdef Gather gather
        self.check()
        gather = self.line[0]
        with nogil:
            idxio_crew_finish(&self.crew, &gather.job)
        self.line.popleft()

    def leave(self):
        """End the threads; gathers that are still in the line are left as they are."""
        if self.process == getpid():
            self.process = -1
            with nogil:
                idxio_crew_leave(&self.crew)
        self.line.clear()

    cdef check(self):
        if self.process != getpid():
            raise RuntimeError("the threads that make batches are not in this process, which forked: start again")
