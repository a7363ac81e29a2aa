# SPDX-License-Identifier: GPL-3.0-or-later
"""Files read and written past the page cache, in aligned blocks, from many threads.

O_DIRECT shows what the device holds, and leaves the database's pages in the cache. A file
system that refuses it is served through the page cache, whose pages are dropped.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
from types import TracebackType

from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

ALIGNMENT = 4096
DISK_CURE = "see the kernel's log and the free space, then run again"
REFUSED = (errno.EINVAL, errno.ENOTSUP)


def aligned_buffer(size: int) -> memoryview:
    """A zeroed buffer that direct I/O can use; ``size`` is rounded up to whole pages."""
    rounded = -(-max(size, 1) // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, rounded, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    # A device takes fewer, longer requests from huge pages: up to twice the rate. Some kernels have none.
    with contextlib.suppress(OSError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return memoryview(memory)


class BlockFile:
    """One open file; every method may be called from several threads.

    ``flags``: as for ``os.open``. ``cached``: through the page cache, scattered reads expected.
    Errors of the disk are DatasetErrors that name the file and the bytes.
    """

    def __init__(self, path: str, flags: int = os.O_RDONLY, mode: int = 0o640, cached: bool = False) -> None:
        self.path = path
        self._cached = cached
        self._refused = False
        try:
            self._plain = os.open(path, flags | os.O_CLOEXEC, mode)
        except OSError as error:
            raise self._error("the file cannot be opened", error) from error
        self.size = os.fstat(self._plain).st_size
        self._direct = -1 if cached else _open_direct(path, flags & ~(os.O_CREAT | os.O_EXCL | os.O_TRUNC))

    def __enter__(self) -> BlockFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def direct(self) -> bool:
        """Whether reads and writes go past the page cache."""
        return self._direct >= 0 and not self._refused

    def close(self) -> None:
        """Close it; what was written is durable only after ``sync``."""
        for descriptor in (self._plain, self._direct):
            if descriptor >= 0:
                os.close(descriptor)
        self._plain = self._direct = -1

    def scattered(self) -> None:
        """Say that reads will be scattered, so that the kernel reads nothing ahead."""
        os.posix_fadvise(self._plain, 0, 0, os.POSIX_FADV_RANDOM)

    def prefetch(self, offset: int, length: int) -> None:
        """Ask the kernel to have these bytes in the page cache soon."""
        os.posix_fadvise(self._plain, offset, length, os.POSIX_FADV_WILLNEED)

    def read(self, buffer: memoryview, offset: int, length: int) -> memoryview:
        """``length`` bytes from ``offset`` (aligned) at the start of an aligned buffer."""
        done = 0
        try:
            while done < length:
                got = self._read(buffer[done:], offset + done, length - done)
                if not got:
                    raise DatasetError(
                        f"the file ends at byte {offset + done} where {offset + length} are expected",
                        place=self.path, cure="something else writes to the file; run again",
                    )
                done += got
        except OSError as error:
            start, end = self._unreadable(offset + done, offset + length)
            raise self._bytes_error("read", start, end, error) from error
        return buffer[:length]

    def peek(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from anywhere, through the page cache; fewer at the end of the file."""
        try:
            return os.pread(self._plain, length, offset)
        except OSError as error:
            raise self._bytes_error("read", offset, offset + length, error) from error

    def write(self, data: memoryview, offset: int) -> None:
        """All of ``data`` at ``offset`` (aligned); a short last block goes through the page cache."""
        done = 0
        try:
            while done < len(data):
                done += self._write(data[done:], offset + done)
        except OSError as error:
            raise self._bytes_error("written", offset + done, offset + len(data), error) from error

    def truncate(self, size: int) -> None:
        """Give the file this size."""
        try:
            os.ftruncate(self._plain, size)
        except OSError as error:
            raise self._error(f"the file cannot be given {size} bytes", error) from error

    def sync(self) -> None:
        """Make what was written durable."""
        try:
            os.fsync(self._plain)
        except OSError as error:
            raise self._error("the file cannot be made durable", error) from error

    def drop(self, offset: int = 0, length: int = 0) -> None:
        """Forget synced pages, so that the next read comes from the device (all for length 0)."""
        os.posix_fadvise(self._plain, offset, length, os.POSIX_FADV_DONTNEED)

    def _read(self, buffer: memoryview, offset: int, length: int) -> int:
        if self.direct and offset % ALIGNMENT == 0:
            rounded = -(-length // ALIGNMENT) * ALIGNMENT
            try:
                return min(os.preadv(self._direct, [buffer[:rounded]], offset), length)
            except OSError as error:
                self._fall_back(error)
        if self._cached:
            return os.preadv(self._plain, [buffer[:length]], offset)
        self.drop(offset, length)
        got = os.preadv(self._plain, [buffer[:length]], offset)
        self.drop(offset, length)
        return got

    def _write(self, data: memoryview, offset: int) -> int:
        whole = len(data) // ALIGNMENT * ALIGNMENT
        if self.direct and whole and offset % ALIGNMENT == 0:
            try:
                return os.pwritev(self._direct, [data[:whole]], offset)
            except OSError as error:
                self._fall_back(error)
        return os.pwritev(self._plain, [data], offset)

    def _unreadable(self, start: int, end: int) -> tuple[int, int]:
        """The first page of these bytes that cannot be read, or all if each can by itself."""
        for at in range(start, end, ALIGNMENT):
            try:
                os.pread(self._plain, ALIGNMENT, at)
            except OSError:
                return at, min(at + ALIGNMENT, end)
        return start, end

    def _fall_back(self, error: OSError) -> None:
        if error.errno not in REFUSED:
            raise error
        # The descriptor stays open: another thread may be using it.
        self._refused = True

    def _bytes_error(self, what: str, start: int, end: int, error: OSError) -> DatasetError:
        return self._error(f"bytes {start} to {end - 1} cannot be {what}", error)

    def _error(self, what: str, error: OSError) -> DatasetError:
        return DatasetError(f"{what}: {error.strerror or error}", place=self.path, cure=DISK_CURE)


def _open_direct(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC | os.O_DIRECT)
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        return -1
