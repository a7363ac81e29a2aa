# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that are backed up and restored: made from a seed, the same on every machine.

Blocks of 8 KiB, two fifths of each random and the rest text, so that `zstd -1` makes 2.26 of
it; the last tenth is zeros, written and not left out. Changes replace whole blocks, either
scattered uniformly or in runs of 64.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from .errors import BenchError

BLOCK = 8192
CHUNK = 4 << 20
RUN = 64
#: of a block that is not zeros; 0.399 gives zstd -1 a ratio of 2.26 over the whole file
RANDOM_SHARE = 0.399
ZERO_TAIL = 0.1
SEED = 20261101
SCATTERED, CLUSTERED = "scattered", "clustered"
_POOL = 64 << 20
_WORKERS = 4


class Changes(NamedTuple):
    """Blocks that are replaced: their numbers, ascending, in a file of ``size`` bytes."""

    pattern: str
    share: float
    size: int
    numbers: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """How much is changed."""
        return len(self.numbers) * BLOCK

    @classmethod
    def of(cls, pattern: str, share: float, size: int, seed: int = SEED) -> Changes:
        """``share`` of the blocks of a file, scattered uniformly or in runs of 64."""
        choose = random.Random(f"{seed} {pattern} {share}")
        blocks = size // BLOCK
        count = max(1, round(blocks * share))
        if pattern == SCATTERED:
            return cls(pattern, share, size, tuple(sorted(choose.sample(range(blocks), count))))
        starts = choose.sample(range(max(1, blocks // RUN)), max(1, count // RUN))
        numbers = (start * RUN + step for start in starts for step in range(RUN))
        return cls(pattern, share, size, tuple(sorted(one for one in numbers if one < blocks)))


class Material:
    """What blocks are cut from: a pool of random bytes and one of text."""

    def __init__(self, seed: int = SEED) -> None:
        self.seed = seed
        source = random.Random(seed)
        # randbytes of one large number is slow; many small ones are not.
        self._random = memoryview(b"".join(source.randbytes(1 << 16) for _ in range(_POOL >> 16)))
        self._text = memoryview(_text(source))

    def blocks(self, count: int, kind: str) -> bytes:
        """``count`` blocks, different for every ``kind``."""
        choose = random.Random(f"{self.seed} {kind}")
        noise = int(BLOCK * RANDOM_SHARE)
        parts: list[bytes | memoryview] = []
        for number in range(count):
            head = b"%-16.16s%08d" % (kind.encode(), number)
            at, word = choose.getrandbits(26) % (_POOL - noise), choose.getrandbits(18)
            parts += [head, self._random[at:at + noise], self._text[word:word + BLOCK - noise - len(head)]]
        return b"".join(parts)


def _text(source: random.Random) -> bytes:
    """Half a MiB of what globals of a case register look like."""
    words = ["OPEN", "CLOSED", "PENDING", "REVIEW", "GARCIA", "SMITH", "NGUYEN", "MUELLER", "TRANSFER", "HEARING"]
    lines = [
        f'^CASE({source.randrange(99999)},"STATUS",{source.randrange(9)})="{source.choice(words)}'
        f'^{source.choice(words)}^{source.randrange(1 << 16)}"\n'
        for _ in range(16000)
    ]
    return "".join(lines).encode()


def make_dataset(path: Path, size: int, material: Material) -> None:
    """Write the dataset, synced, unless it is there already."""
    if path.exists() and path.stat().st_size == size:
        return
    filled = int(size * (1 - ZERO_TAIL)) // BLOCK * BLOCK
    aside = path.with_name(path.name + ".part")
    with aside.open("wb", buffering=0) as out:
        for start in range(0, size, CHUNK):
            out.write(_chunk(start, min(CHUNK, size - start), filled, material))
        os.fsync(out.fileno())
    aside.rename(path)


def _chunk(start: int, length: int, filled: int, material: Material) -> bytes:
    full = max(0, min(length, filled - start))
    made = material.blocks(-(-full // BLOCK), f"block {start // BLOCK}")[:full]
    return made + bytes(length - full)


def apply_changes(path: Path, changes: Changes, material: Material) -> None:
    """Replace the blocks in place, synced; doing it twice changes nothing."""
    new = memoryview(material.blocks(len(changes.numbers), f"{changes.pattern} {changes.share}"))
    descriptor = os.open(path, os.O_WRONLY)
    try:
        for index, number in enumerate(changes.numbers):
            os.pwrite(descriptor, new[index * BLOCK:(index + 1) * BLOCK], number * BLOCK)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def copy_dataset(source: Path, target: Path) -> None:
    """A plain copy, synced."""
    with source.open("rb") as stream, target.open("wb") as out:
        while moved := os.copy_file_range(stream.fileno(), out.fileno(), 1 << 30):
            assert moved > 0
        os.fsync(out.fileno())


def fingerprint(path: Path) -> tuple[bytes, ...]:
    """A digest of every 4 MiB, read past the page cache; this module's own code, not the product's."""
    size = path.stat().st_size
    descriptor = _open_direct(path)
    try:
        with ThreadPoolExecutor(_WORKERS) as pool:
            found = list(pool.map(lambda index: dict(_digests(descriptor, size, index)), range(_WORKERS)))
    finally:
        os.close(descriptor)
    merged = {start: digest for one in found for start, digest in one.items()}
    return tuple(merged[start] for start in sorted(merged))


def require_same(path: Path, expected: Sequence[bytes]) -> None:
    """Raise BenchError unless the file has exactly the content of this fingerprint."""
    if not path.exists():
        raise BenchError(f"{path} is not there")
    found = fingerprint(path)
    if found != tuple(expected):
        wrong = [at for at, pair in enumerate(zip(found, expected, strict=False)) if pair[0] != pair[1]]
        where = f"in the 4 MiB at {wrong[0] * CHUNK}" if wrong else f"in its length, {path.stat().st_size}"
        raise BenchError(f"{path} is not what it should be: it differs first {where}")


def _digests(descriptor: int, size: int, index: int) -> Iterator[tuple[int, bytes]]:
    with mmap.mmap(-1, CHUNK) as buffer, memoryview(buffer) as view:
        for start in range(index * CHUNK, size, CHUNK * _WORKERS):
            length = os.preadv(descriptor, [view], start)
            if length != min(CHUNK, size - start):
                raise BenchError(f"{length} bytes were read at {start}")
            yield start, hashlib.sha256(view[:length]).digest()


def _open_direct(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECT)
    except OSError:
        return os.open(path, os.O_RDONLY)
