# SPDX-License-Identifier: GPL-3.0-or-later
"""Which blocks of a file were read or written since its pages were dropped.

A program that opens a large database and writes one node touches a handful of blocks. Those
are in the page cache afterwards, and nothing else is: what they are now can be told without
reading the whole file once more.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from typing import Iterator

#: bytes looked at in one call; the answer has one byte a page
WINDOW = 1 << 30
_RESIDENT = bytes(value & 1 for value in range(256))


def forget(path: str) -> None:
    """Sync a file and drop its pages: what is in memory from now on was touched since."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def touched(path: str, block_size: int) -> Iterator[int]:
    """The numbers of the blocks that have a page in memory, ascending; OSError where none can tell.

    Programs that go past the page cache leave no trace here.
    """
    # Written to never, but mincore's address comes from a writable mapping only.
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        size, last = os.fstat(descriptor).st_size, -1
        for start in range(0, size, WINDOW):
            for page in _pages(descriptor, start, min(WINDOW, size - start)):
                first, end = page // block_size, (page + mmap.PAGESIZE - 1) // block_size
                yield from range(max(first, last + 1), end + 1)
                last = max(last, end)
    finally:
        os.close(descriptor)


def _pages(descriptor: int, start: int, length: int) -> Iterator[int]:
    """Offsets of the pages in memory."""
    found = _residence(descriptor, start, length)
    at = found.find(1)
    while at >= 0:
        yield start + at * mmap.PAGESIZE
        at = found.find(1, at + 1)


def _residence(descriptor: int, start: int, length: int) -> bytes:
    """One byte a page: 1 if it is in memory."""
    pages = -(-length // mmap.PAGESIZE)
    answer = (ctypes.c_ubyte * pages)()
    with mmap.mmap(descriptor, length, offset=start) as mapping:
        view = ctypes.c_char.from_buffer(mapping)
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            address = ctypes.c_void_p(ctypes.addressof(view))
            if libc.mincore(address, ctypes.c_size_t(length), answer) != 0:
                raise OSError(ctypes.get_errno(), "mincore")
        finally:
            del view
    return bytes(answer).translate(_RESIDENT)
