"""KeyboardInterrupt before any instruction of a call, and calls that must end."""

import _weakrefset
import gc
import sys
import threading
import weakref


def is_spared(frame):
    """Whether a frame belongs to Thread.start, which leaves a thread that never runs, or to a
    callback of a weak reference: Python only prints what is raised there.
    """
    while frame is not None:
        if frame.f_code is threading.Thread.start.__code__:
            return True
        if frame.f_code.co_filename in (weakref.__file__, _weakrefset.__file__):
            return True
        frame = frame.f_back
    return False


def interrupted(function, at):
    """Call a function and raise KeyboardInterrupt before the instruction of that number; return
    how many were executed.
    """
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        if event == "call" and is_spared(frame):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            count += 1
            if count == at:
                raise KeyboardInterrupt
        return trace

    gc.disable()  # what is raised in a collection, as in hypothesis' callback of it, is only printed
    sys.settrace(trace)
    try:
        function()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
        gc.enable()
    return count


def interrupt_everywhere(steps, least, stride=1):
    """Call steps(at) for the instructions of a test, each stride-th, of which there are more than
    `least`. It returns how many were executed; steps(0) interrupts none.
    """
    everything = steps(0)
    assert everything > least
    for at in range(1, everything, stride):
        steps(at)


def assert_ends(function):
    """Call a function on another thread, so that a test of it fails and does not hang."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
