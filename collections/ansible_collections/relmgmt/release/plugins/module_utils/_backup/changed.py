# SPDX-License-Identifier: GPL-3.0-or-later
"""The index of a second point's blocks: which dataset block lies in which slot.

``<file>.blocks`` holds the blocks that differ from the base, slot after slot, each padded to
the block size; ``<file>.index`` holds their numbers, 8 bytes little endian each, in the slots'
order. The numbers ascend; a second pass under the freeze appends a second ascending run.
"""

from __future__ import annotations

import os
import struct
from contextlib import ExitStack
from types import TracebackType

from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import Layout
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

ENTRY = 8
CHUNK_ENTRIES = 4096
MAX_RUNS = 16
OTHER_COPY = "use another copy of the set, or another point; nothing was written"


def packed(numbers: list[int]) -> bytes:
    """Block numbers as the index holds them."""
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def unpacked(data: bytes) -> tuple[int, ...]:
    """The block numbers in a part of an index."""
    return struct.unpack(f"<{len(data) // ENTRY}Q", data)


class Index:
    """An open index; looked up on disk, so that memory stays flat. Thread safe.

    ``total``: how many blocks the dataset has. A damaged index is a DatasetError.
    """

    def __init__(self, path: str, total: int) -> None:
        self.path = path
        self._total = total
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise self._error(f"the index cannot be read: {error.strerror}") from error
        try:
            self.count = self._entries()
            self._runs = self._find_runs()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)

    def slots(self, first: int, end: int) -> dict[int, int]:
        """The slot of every stored block from ``first`` up to but not including ``end``."""
        found: dict[int, int] = {}
        for start, stop in self._runs:
            at = self._bisect(start, stop, first)
            numbers = self.entries(at, min(stop - at, end - first))
            found.update((one, at + step) for step, one in enumerate(numbers) if first <= one < end)
        return found

    def entries(self, at: int, count: int) -> tuple[int, ...]:
        """The numbers in ``count`` slots from ``at`` on."""
        return unpacked(os.pread(self._descriptor, max(count, 0) * ENTRY, at * ENTRY))

    def _entries(self) -> int:
        size = os.fstat(self._descriptor).st_size
        if size % ENTRY:
            raise self._error(f"the index has {size} bytes, which is no multiple of {ENTRY}")
        return size // ENTRY

    def _find_runs(self) -> list[tuple[int, int]]:
        starts, last = [0], -1
        for at in range(0, self.count, CHUNK_ENTRIES):
            for step, number in enumerate(self.entries(at, CHUNK_ENTRIES)):
                if number >= self._total:
                    raise self._error(f"the index names block {number} of {self._total}")
                if number <= last:
                    starts.append(at + step)
                last = number
            if len(starts) > MAX_RUNS:
                raise self._error("the index is not in order")
        return list(zip(starts, [*starts[1:], self.count]))

    def _bisect(self, start: int, stop: int, number: int) -> int:
        while start < stop:
            middle = (start + stop) // 2
            if self.entries(middle, 1)[0] < number:
                start = middle + 1
            else:
                stop = middle
        return start

    def _error(self, message: str) -> DatasetError:
        return DatasetError(message, place=self.path, cure=OTHER_COPY)


class SlotWriter:
    """Writes blocks of a dataset into slots. ``again``: of an earlier pass, whose slots are reused.

    Not thread safe: slots are given in the order of the calls.
    """

    def __init__(self, target: str, layout: Layout, total: int, again: bool = False) -> None:
        self._step = layout.block_size
        with ExitStack() as opened:
            self._earlier = opened.enter_context(Index(target + ".index", total)) if again else None
            self._slots = self._earlier.count if self._earlier else 0
            flags = os.O_RDWR | (0 if again else os.O_CREAT | os.O_TRUNC)
            self._blocks = opened.enter_context(BlockFile(target + ".blocks", flags))
            self._index = opened.enter_context(BlockFile(target + ".index", flags, cached=True))
            self._opened = opened.pop_all()

    def __enter__(self) -> SlotWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def write(self, first: int, changed: list[int], data: memoryview, length: int) -> None:
        """Keep the blocks ``changed`` (counted from block ``first``) of ``length`` bytes; moves ``data`` about."""
        data[length:-(-length // self._step) * self._step] = bytes(-length % self._step)
        known = self._earlier.slots(first, first + len(data) // self._step) if self._earlier and changed else {}
        for one in changed:
            if first + one in known:
                self._blocks.write(self._block(data, one), known[first + one] * self._step)
        self._append(first, [one for one in changed if first + one not in known], data)

    def finish(self) -> None:
        """Make it durable."""
        self._index.sync()
        self._blocks.sync()

    def _append(self, first: int, fresh: list[int], data: memoryview) -> None:
        # Moved together in place: one write, and no second buffer.
        for at, one in enumerate(fresh):
            if at != one:
                self._block(data, at)[:] = self._block(data, one)
        if fresh:
            self._blocks.write(data[:len(fresh) * self._step], self._slots * self._step)
            self._index.write(memoryview(packed([first + one for one in fresh])), self._slots * ENTRY)
            self._slots += len(fresh)

    def _block(self, data: memoryview, one: int) -> memoryview:
        return data[one * self._step:(one + 1) * self._step]
