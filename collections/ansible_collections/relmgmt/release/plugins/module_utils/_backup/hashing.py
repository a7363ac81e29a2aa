# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums of datasets, and which digest this host computes fastest."""

from __future__ import annotations

import functools
import os
import threading
import time
from typing import NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import (
    BLAKE2B,
    DIGEST_SIZE,
    SHA256,
    Layout,
    Root,
    block_digests,
    grain,
    header_blocks,
)

#: more threads than processors that hash at a time only fight for the interpreter
_processors = threading.BoundedSemaphore(len(os.sched_getaffinity(0)))
PROBE_BLOCKS, PROBE_ROUNDS = 64, 5


class Sum(NamedTuple):
    """A file's digests in short. ``body``: the root without the blocks of the header.

    Merely opening a GT.M database changes the file header, the first 8 KiB, and nothing
    else (T43): ``body`` is what stays equal as long as nobody writes.
    """

    size: int
    root: str
    body: str


def digests_of(chunk: memoryview, layout: Layout) -> bytes:
    """``block_digests`` for work in threads."""
    with _processors:
        return block_digests(chunk, layout)


def share_processors(processes: int) -> None:
    """This process is one of several that hash."""
    global _processors
    _processors = threading.BoundedSemaphore(max(1, len(os.sched_getaffinity(0)) // processes))


class Summing:
    """Adds digests up, in the order of their blocks."""

    def __init__(self, layout: Layout) -> None:
        self.size = 0
        self._header = header_blocks(layout) * DIGEST_SIZE
        self._root, self._body = Root(), Root()

    def add(self, length: int, digests: bytes) -> None:
        """The digests of the next ``length`` bytes."""
        self._root.update(digests)
        # Pieces are longer than the header, so only the first one holds it.
        self._body.update(digests if self.size else digests[self._header:])
        self.size += length

    def result(self) -> Sum:
        """The sum of what was added."""
        return Sum(self.size, self._root.hexdigest(self.size), self._body.hexdigest(self.size))


@functools.lru_cache(maxsize=None)
def fastest_algorithm() -> str:
    """The faster digest on this processor; some 10 ms, once a process.

    With SHA instructions SHA-256 is nearly twice as fast as BLAKE2b, without them half as fast.
    """
    return min((SHA256, BLAKE2B), key=_seconds)


def _seconds(algorithm: str) -> float:
    layout = Layout(8192, algorithm)
    chunk = bytes(PROBE_BLOCKS * layout.block_size)
    times = []
    for _round in range(PROBE_ROUNDS):
        start = time.perf_counter()
        block_digests(chunk, layout)
        times.append(time.perf_counter() - start)
    return min(times)


def layout_for(database_block_size: int) -> Layout:
    """How to digest a dataset with this database block, on this host."""
    return Layout(grain(database_block_size), fastest_algorithm())
