"""How the C library keeps memory that training gives back."""

from __future__ import annotations

import ctypes
import sys

#: Options of glibc's `mallopt`, from malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_MIB = 2**20


def keep_pages() -> bool:
    """Let glibc keep freed memory for the next step instead of returning it to the system; returns whether it does.

    A step's activations are larger than what glibc keeps by itself, so that each step would fault the same pages in
    again: a tenth of the time of a training on two cores.  Systems without glibc are left as they are.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    settings = ((_M_MMAP_THRESHOLD, 32 * _MIB), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 * _MIB))
    return all(mallopt(option, value) == 1 for option, value in settings)
