# SPDX-License-Identifier: GPL-3.0-or-later
"""Liberty's messages.log from a recorded place on, across rotation and restarts (T14)."""

from __future__ import annotations

import os
from typing import List, NamedTuple, Optional

_MOST = 16 << 20  # bytes taken in by one reading


class Mark(NamedTuple):
    """A place in the log: inode of the file (0: there was none) and offset in bytes."""

    inode: int
    offset: int


class LibertyLog:
    """Reads whole lines after a mark; a line still being written is left for the next reading."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._mark = self.mark()

    def mark(self) -> Mark:
        """The end of the log now; later readings of this object start here."""
        try:
            status = os.stat(self.path)
            self._mark = Mark(status.st_ino, status.st_size)
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
            self._mark = Mark(inode, self._mark.offset)
            lines += self._read(self.path, whole=False)
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
            if os.fstat(stream.fileno()).st_size < self._mark.offset:
                self._mark = self._mark._replace(offset=0)  # truncated in place
            stream.seek(self._mark.offset)
            data = stream.read(_MOST)
        end = len(data) if whole or len(data) == _MOST else data.rfind(b"\n") + 1
        self._mark = self._mark._replace(offset=self._mark.offset + end)
        return data[:end].decode("utf-8", "replace").split("\n")
