# SPDX-License-Identifier: GPL-3.0-or-later
"""A drop in memory: the fake of the port ``RemoteFiles``, with faults on demand."""

from __future__ import annotations

import posixpath

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError

CUT = "the connection was cut"


class MemoryDrop:
    """Files by path, a log of what changed, and faults on demand.

    ``cut_at``: bytes of a store after which the connection is gone for good. ``room``: bytes
    that fit; ``tells_room``: whether the server says so.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.directories = {"/drop"}
        self.log: list[str] = []
        self.read = 0
        self.cut_at: int | None = None
        self.is_cut = False
        self.room: int | None = None
        self.tells_room = True
        self.corrupt = False
        self.replaces = False
        self.after_store = lambda drop, path: None
        self.before_rename = lambda drop, new: None

    def place(self, path):
        return "memory:" + path

    def size(self, path):
        return len(self.files[path]) if path in self.files else None

    def free(self, directory):
        self._alive()
        return self._left() if self.tells_room else None

    def chunks(self, path, start=0):
        self._must_exist(path)
        for at in range(start, len(self.files[path]), 4):
            chunk = self.files[path][at:at + 4]
            self.read += len(chunk)
            yield chunk

    def names(self, directory):
        return [posixpath.basename(p) for p in self.files if posixpath.dirname(p) == directory]

    def make_directory(self, path):
        assert posixpath.dirname(path) in self.directories
        self.directories.add(path)

    def store(self, path, chunks, start=0):
        assert posixpath.dirname(path) in self.directories
        assert len(self.files.setdefault(path, b"")) == start
        for chunk in chunks:
            if self.cut_at is not None and len(self.files[path]) + len(chunk) > self.cut_at:
                self.is_cut = True
            self._alive()
            if self.room is not None and self._left() < len(chunk):
                raise DeliveryError("Failure", path)
            self.files[path] += chunk + (b"!" if self.corrupt else b"")
        self.log.append("store " + path)
        self.after_store(self, path)

    def rename(self, old, new):
        self.before_rename(self, new)
        self._must_exist(old)
        if new in self.files and not self.replaces:
            raise DeliveryError("Failure", new)
        self.files[new] = self.files.pop(old)
        self.log.append("rename " + new)

    def remove(self, path):
        self._alive()
        self.files.pop(path, None)
        self.log.append("remove " + path)

    def _must_exist(self, path):
        if path not in self.files:
            raise DeliveryError("No such file", path)

    def _left(self):
        return None if self.room is None else self.room - sum(map(len, self.files.values()))

    def _alive(self):
        if self.is_cut:
            raise DeliveryError(CUT, "memory:")


@pytest.fixture
def drop() -> MemoryDrop:
    """An empty drop at /drop."""
    return MemoryDrop()
