# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of a dataset, block by block.

The database's own block is the grain: 5 % of scattered dirty 8 KiB blocks dirty 34 % of 64 KiB
ones and nearly every 1 MiB chunk. A block's digest has 16 bytes, 0.2 % of an 8 KiB block.
"""

from __future__ import annotations

import hashlib
from typing import Iterable, Iterator, NamedTuple

DIGEST_SIZE = 16
SHA256, BLAKE2B = "sha256/128", "blake2b/128"
BLOCK_SIZES = (4096, 8192, 16384, 32768, 65536)
#: bytes that merely opening a database may change: GT.M's file header, which is longer than a block of 4 KiB
HEADER = 8192


class Layout(NamedTuple):
    """How a dataset is cut into blocks (bytes) and what a block's digest is."""

    block_size: int
    algorithm: str


def grain(database_block_size: int) -> int:
    """The block size of the digests for a database block: the same where direct I/O can move it."""
    if database_block_size in BLOCK_SIZES:
        return database_block_size
    return BLOCK_SIZES[0] if database_block_size in (512, 1024, 2048) else 8192


def _sha256(block: memoryview) -> bytes:
    return hashlib.sha256(block).digest()[:DIGEST_SIZE]


def _blake2b(block: memoryview) -> bytes:
    return hashlib.blake2b(block, digest_size=DIGEST_SIZE).digest()


DIGESTS = {SHA256: _sha256, BLAKE2B: _blake2b}


def block_digests(chunk: bytes | bytearray | memoryview, layout: Layout) -> bytes:
    """The digests of a chunk's blocks, one after the other; only the last may be short."""
    view, step = memoryview(chunk), layout.block_size
    return b"".join(map(DIGESTS[layout.algorithm], [view[at:at + step] for at in range(0, len(view), step)]))


def block_count(size: int, layout: Layout) -> int:
    """How many blocks a file of this size has."""
    return -(-size // layout.block_size)


def header_blocks(layout: Layout) -> int:
    """How many blocks the header lies in."""
    return block_count(HEADER, layout)


def differing(left: bytes, right: bytes) -> list[int]:
    """Which digests differ; a digest that only one side has differs too."""
    if left == right:
        return []
    steps = range(0, max(len(left), len(right)), DIGEST_SIZE)
    return [
        step // DIGEST_SIZE for step in steps
        if left[step:step + DIGEST_SIZE] != right[step:step + DIGEST_SIZE]
    ]


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Ascending block numbers as (first, how many) of neighbours."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and sum(found[-1]) == number:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((number, 1))
    return found


class Root:
    """One digest for a whole dataset: SHA-256 over its blocks' digests and its size."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def update(self, digests: bytes | memoryview) -> None:
        """Add the digests of the blocks that follow."""
        self._digest.update(digests)

    def hexdigest(self, size: int) -> str:
        """64 hexadecimal digits, for a dataset of ``size`` bytes."""
        whole = self._digest.copy()
        whole.update(b"%d" % size)
        return whole.hexdigest()


class Bitmap:
    """A set of block numbers below ``size``, one bit each: 16 MiB for 1 TiB in 8 KiB blocks."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.count = 0
        self._bits = bytearray(-(-size // 8))

    def __contains__(self, number: int) -> bool:
        return bool(self._bits[number >> 3] & 1 << (number & 7))

    def __iter__(self) -> Iterator[int]:
        # In slices: one byte object a bit set, never one a block.
        for start in range(0, len(self._bits), 4096):
            part = self._bits[start:start + 4096]
            if any(part):
                yield from _numbers(part, start * 8)

    def add(self, numbers: Iterable[int]) -> None:
        """Add numbers; what is in already counts once."""
        for number in numbers:
            bit = 1 << (number & 7)
            if not self._bits[number >> 3] & bit:
                self._bits[number >> 3] |= bit
                self.count += 1

    def add_all(self, first: int) -> None:
        """Add every number from ``first`` on."""
        whole = min(-(-first // 8) * 8, self.size)
        self.add(range(first, whole))
        last = self.size // 8 * 8
        if whole < last:
            held = sum(bin(byte).count("1") for byte in self._bits[whole // 8:last // 8])
            self._bits[whole // 8:last // 8] = b"\xff" * ((last - whole) // 8)
            self.count += last - whole - held
        self.add(range(max(whole, last), self.size))


def _numbers(part: bytearray, first: int) -> Iterator[int]:
    for at, byte in enumerate(part):
        while byte:
            low = byte & -byte
            yield first + at * 8 + low.bit_length() - 1
            byte ^= low
