# cython: boundscheck=False, wraparound=False, initializedcheck=False
"""Fresh memory: ask the system to populate its pages before they are written."""

from libc.stdint cimport uint8_t, uintptr_t

cdef extern from *:
    """
    #include <sys/mman.h>
    #include <unistd.h>

    /* Populates whole pages for writing; 0 where the system can't (Linux < 5.14, macOS). */
    static int idxio_populate(uintptr_t start, size_t size) {
    #if defined(__linux__)
    #ifndef MADV_POPULATE_WRITE
    #define MADV_POPULATE_WRITE 23 /* linux/mman.h; older C libraries lack the name */
    #endif
        return madvise((void *)start, size, MADV_POPULATE_WRITE) == 0;
    #else
        (void)start;
        (void)size;
        return 0;
    #endif
    }

    static uintptr_t idxio_page_size(void) { return (uintptr_t)sysconf(_SC_PAGESIZE); }
    """
    int idxio_populate(uintptr_t, size_t) noexcept nogil
    uintptr_t idxio_page_size() noexcept nogil


def populate(uint8_t[::1] memory not None, size_t pages):
    """Populate the pages that lie wholly in memory, some at a time, without changing a byte of it.

    Safe while another thread writes there. False where the system has no such call.
    """
    cdef uintptr_t page = idxio_page_size(), start, end
    cdef bint done = True
    if pages == 0:
        raise ValueError("pages is 1 or more")
    if memory.shape[0] == 0:
        return True
    start = (<uintptr_t>&memory[0] + page - 1) // page * page
    end = (<uintptr_t>&memory[0] + <size_t>memory.shape[0]) // page * page
    with nogil:
        while start < end and done:
            done = idxio_populate(start, min(pages * page, end - start))
            start += pages * page
    return done


def address(const uint8_t[::1] memory not None):
    """Where memory starts, for alignment; 0 for no memory."""
    return <uintptr_t>&memory[0] if memory.shape[0] else 0
