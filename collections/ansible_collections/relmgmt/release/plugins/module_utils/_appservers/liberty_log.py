# SPDX-License-Identifier: GPL-3.0-or-later
"""Liberty's messages.log from a recorded place on, across rotation and restarts (T14)."""

from __future__ import annotations

import os
from typing import BinaryIO, List, NamedTuple, Optional

_MOST = 16 << 20  # bytes taken in by one reading
_TAIL = 256  # bytes before a mark that tell the same file from one that was begun again


class Mark(NamedTuple):
    """A place in the log: inode of the file (0: there was none), offset in bytes, and the bytes before it."""

    inode: int
    offset: int
    tail: bytes = b""


class LibertyLog:
    """Reads whole lines after a mark; a line still being written is left for the next reading."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._mark = self.mark()

    def mark(self) -> Mark:
        """The end of the log now; later readings of this object start here."""
        try:
            with open(self.path, "rb") as stream:
                status = os.fstat(stream.fileno())
                self._mark = Mark(status.st_ino, status.st_size, _before(stream, status.st_size))
        except FileNotFoundError:
            self._mark = Mark(0, 0)
        return self._mark

    def new_lines(self) -> List[str]:
        """Lines written since the mark or the last reading, those of a rotated file first."""
        lines: List[str] = []
        inode = self._inode()
        if self._mark.inode and inode != self._mark.inode:
            rotated = self._rotated()
            if rotated is not None:
                lines += self._read(rotated, whole=True)
            self._mark = Mark(inode, 0)
        if inode:
            self._mark = self._mark._replace(inode=inode)
            lines += self._read(self.path, whole=False)
        return lines

    def whole(self) -> List[str]:
        """The lines since the server's launch, or since its log was last rotated for its size."""
        self._mark = Mark(self._inode(), 0)
        lines, more = [], self.new_lines()
        while any(more):
            lines += more
            more = self.new_lines()
        return lines

    def _inode(self) -> int:
        try:
            return os.stat(self.path).st_ino
        except FileNotFoundError:
            return 0

    def _rotated(self) -> Optional[str]:
        """The file that the log was renamed to, told by its inode."""
        with os.scandir(os.path.dirname(self.path)) as entries:
            return next((entry.path for entry in entries if entry.inode() == self._mark.inode), None)

    def _read(self, path: str, whole: bool) -> List[str]:
        with open(path, "rb") as stream:
            if _before(stream, self._mark.offset) != self._mark.tail:
                self._mark = self._mark._replace(offset=0)  # begun again in place, perhaps longer by now
            stream.seek(self._mark.offset)
            data = stream.read(_MOST)
            end = len(data) if whole or len(data) == _MOST else data.rfind(b"\n") + 1
            offset = self._mark.offset + end
            self._mark = self._mark._replace(offset=offset, tail=_before(stream, offset))
        return data[:end].decode("utf-8", "replace").split("\n")


def _before(stream: BinaryIO, offset: int) -> bytes:
    """Up to _TAIL bytes that end at an offset; fewer when the file is shorter than that."""
    start = max(0, offset - _TAIL)
    stream.seek(start)
    return stream.read(offset - start)
