# SPDX-License-Identifier: GPL-3.0-or-later
"""A live dataset becomes a stored one again by rewriting only the blocks that differ.

The order is the promise: compare; verify every block that will be written; make the first
block a mark that no engine opens; rewrite the others; the first block last. A second run
after a crash finds what still differs and finishes it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from itertools import chain, islice
from typing import Callable, Iterable, Iterator, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile, aligned_buffer
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import Summing
from ansible_collections.relmgmt.release.plugins.module_utils._backup.helpers import Crew, Job, share_out
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import SILENT, Progress
from ansible_collections.relmgmt.release.plugins.module_utils._backup.scanning import scan
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Reader, Stored
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stripes import STRIPE, Stripe
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import (
    DIGEST_SIZE,
    Bitmap,
    block_count,
    differing,
    header_blocks,
    runs,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir

MARK = b"RELMGMT RESTORING "
BATCH_BYTES = 512 << 10
#: scattered blocks keep a device busy only together
CREW = Crew(helpers=6, threads=2, alone=12)
#: fewer blocks are done before helpers are
WORTH_BYTES = 16 << 20
#: how a batch was read back when it was written: from the device, or not yet
READ_BACK, WRITTEN = b"1", b"0"
#: how much is asked for ahead at most, up to which share of differing blocks, and by how many stripes ahead
AHEAD_BYTES, AHEAD_SHARE, AHEAD_STRIPES = 1 << 30, 0.25, 8
#: so many stripes say how fast reading is, enough to outlast what a device grants at first; if the same
#: number takes so much longer, no more is asked for
WATCHED, SLOWED = 64, 3.0
Batch = Tuple[int, ...]
DEVICE_CURE = "the device cannot be trusted; restore to another one"


class Changes:
    """What differs between a live file and a stored dataset.

    ``count`` of ``total`` blocks differ; ``body_same``: all blocks but the header's are equal;
    ``body``: the live file's sum without the header's blocks; ``size_now``: its bytes;
    ``missing``: there is no file; ``verified``: blocks of the set that were read and are right;
    ``rate``: bytes a second at which the live file was read.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.body_same, self.body, self.size_now = False, "", 0
        self.missing = False
        self.rate = 0.0
        self.verified = Bitmap(total)
        self._differ = Bitmap(total)

    @property
    def count(self) -> int:
        """How many blocks differ."""
        return self._differ.count

    def blocks(self) -> Iterator[int]:
        """Their numbers, ascending."""
        return iter(self._differ)

    def add(self, numbers: Iterable[int]) -> None:
        """These blocks differ; numbers behind the stored dataset's end are no blocks of it."""
        self._differ.add(one for one in numbers if one < self.total)

    def add_from(self, first: int) -> None:
        """Every block from ``first`` on differs."""
        self._differ.add_all(min(first, self.total))


def compare(path: str, stored: Stored, progress: Progress = SILENT) -> Changes:
    """One read of the live file against the digests."""
    changes = Changes(stored.total)
    if not os.path.isfile(path):
        stored.check()
        changes.missing = True
        changes.add_from(0)
        return changes
    with stored.digests() as known, BlockFile(path) as live, stored.reader(cached=True) as reader:
        _compare(live, known, changes, _Ahead(reader, changes.verified), progress)
    return changes


class _Ahead:
    """Asks the kernel for the set's blocks that will be needed, and verifies them, while the live file is being read.

    It ends where that slows the reading down (a device that has to seek for them), and where so
    many differ that copying will be the way. What it did not find right, ``verify_changes`` judges.
    """

    def __init__(self, reader: Reader, verified: Bitmap) -> None:
        self.reader = reader
        self._verified = verified
        self._asked: deque[Sequence[int]] = deque()
        self._buffer = aligned_buffer(STRIPE)
        self._left = AHEAD_BYTES
        self._times = deque([time.monotonic()], WATCHED + 1)
        self._normal = 0.0

    def ask(self, numbers: Sequence[int], share: float) -> None:
        """The next stripe was read, and these blocks differ in it; ``share``: of all so far."""
        self._times.append(time.monotonic())
        lasted = self._times[-1] - self._times[0]
        if len(self._times) <= WATCHED or self._left <= 0:
            return
        self._normal = self._normal or lasted
        self._left -= len(numbers) * self.reader.stored.layout.block_size
        if share > AHEAD_SHARE or lasted > SLOWED * self._normal:
            self._left = 0
        else:
            self.reader.prefetch(numbers)
            self._asked.append(numbers)
            if len(self._asked) > AHEAD_STRIPES:
                self._verify(self._asked.popleft())

    def end(self) -> None:
        """Verify the rest of what was asked for."""
        while self._asked:
            self._verify(self._asked.popleft())

    def _verify(self, numbers: Sequence[int]) -> None:
        with contextlib.suppress(DatasetError):
            self.reader.load(numbers, self._buffer)
            self._verified.add(numbers)


def _compare(live: BlockFile, known: BlockFile, changes: Changes, ahead: _Ahead, progress: Progress) -> None:
    stored = ahead.reader.stored
    layout, summing, header = stored.layout, Summing(stored.layout), header_blocks(stored.layout)
    only_header = True

    def use(stripe: Stripe, found: bytes) -> None:
        nonlocal only_header
        wrong = differing(found, known.peek(stripe.block * DIGEST_SIZE, len(found)))
        numbers = [stripe.block + one for one in wrong]
        changes.add(numbers)
        only_header = only_header and all(one < header for one in numbers)
        summing.add(stripe.length, found)
        ahead.ask([one for one in numbers if one < stored.total], changes.count * layout.block_size / summing.size)
        progress.add(stripe.length)

    progress.begin(f"compare {live.path}", live.size)
    start = time.monotonic()
    scan(live, layout, use)
    changes.rate = max(live.size, 1) / max(time.monotonic() - start, 1e-6)
    ahead.end()
    changes.add_from(block_count(live.size, layout))
    changes.size_now = live.size
    changes.body = summing.result().body
    changes.body_same = only_header and live.size == stored.size


def verify_changes(stored: Stored, changes: Changes, progress: Progress = SILENT) -> None:
    """Read every block that will be written, and the first, and check it (invariant 3)."""
    with stored.reader(cached=True) as reader:
        step = stored.layout.block_size

        def left() -> Iterator[int]:
            # The mark destroys the first block, so that the set's has to be written in any case.
            wanted = chain([0] if stored.total else [], _behind_first(changes))
            return (one for one in wanted if one not in changes.verified)

        def load(numbers: Batch, buffer: memoryview) -> bytes:
            reader.load(numbers, buffer)
            return READ_BACK

        count = _count_behind_first(changes) + 1 - changes.verified.count
        progress.begin(f"verify blocks of {stored.path}", count * step)
        _in_batches(stored, left, load, lambda numbers, _answer: changes.verified.add(numbers), progress, count)


def mark_unopenable(path: str, stored: Stored, set_path: str) -> None:
    """The first block becomes a line that names the set; synced. No engine opens such a file."""
    line = MARK + os.fsencode(set_path) + b"\n"
    buffer = aligned_buffer(max(stored.layout.block_size, len(line)))
    buffer[:len(line)] = line
    with _live(path, stored) as live:
        live.write(buffer, 0)
        live.sync()
    fsync_dir(os.path.dirname(path))
    failpoint("restore:marked-block")


def is_marked(path: str) -> str:
    """The set that an unfinished restore of this file is of, "" if there is none."""
    if not os.path.isfile(path):
        return ""
    with BlockFile(path, cached=True) as live:
        line, end, _rest = live.peek(0, 8192).partition(b"\n")
    return os.fsdecode(line[len(MARK):]) if end and line.startswith(MARK) else ""


def rewrite(path: str, stored: Stored, changes: Changes, progress: Progress = SILENT) -> None:
    """Write every differing block but the first; synced, read back from the device and compared."""
    with stored.reader(cached=True) as reader, _live(path, stored) as live:
        live.truncate(stored.size)
        step = stored.layout.block_size
        progress.begin(f"rewrite {path}", _count_behind_first(changes) * step)

        def put(numbers: Batch, buffer: memoryview) -> bytes:
            half = len(buffer) // 2
            data = reader.load(numbers, buffer[:half])
            _write_blocks(live, numbers, data, step)
            if not live.direct:
                return WRITTEN
            _read_back(live, numbers, data, buffer[half:], step)
            return READ_BACK

        def after(_numbers: Batch, answer: bytes) -> None:
            answers.add(answer)
            failpoint("restore:rewriting")

        answers: set[bytes] = set()
        count = _count_behind_first(changes)
        _in_batches(stored, lambda: _behind_first(changes), put, after, progress, count, halves=2)
        live.sync()
        if WRITTEN in answers:
            _read_all_back(live, reader, changes)
    failpoint("restore:rewritten")


def rewrite_header(path: str, stored: Stored) -> None:
    """Write the first block, synced and read back: the dataset can be opened again."""
    if not stored.total:
        return
    step = stored.layout.block_size
    buffer = aligned_buffer(2 * step)
    with stored.reader(cached=True) as reader, _live(path, stored) as live:
        data = reader.load([0], buffer[:step])
        live.write(data, 0)
        live.truncate(stored.size)
        live.sync()
        _read_back(live, [0], data, buffer[step:], step)
    failpoint("restore:header")


def _live(path: str, stored: Stored) -> BlockFile:
    fresh = not os.path.exists(path)
    live = BlockFile(path, os.O_RDWR | (os.O_CREAT if fresh else 0), 0o600)
    if fresh:
        os.chmod(path, stored.copy.mode)
        if os.geteuid() == 0:
            os.chown(path, stored.copy.uid, stored.copy.gid)
    return live


def _behind_first(changes: Changes) -> Iterator[int]:
    return (one for one in changes.blocks() if one)


def _count_behind_first(changes: Changes) -> int:
    return changes.count - (next(changes.blocks(), None) == 0)


def _in_batches(
    stored: Stored, numbers: Callable[[], Iterator[int]], work: Callable[[Batch, memoryview], bytes],
    after: Callable[[Batch, bytes], None], progress: Progress, count: int, halves: int = 1,
) -> None:
    """``work`` on batches of ``numbers``, about ``count`` blocks; ``after``: in order, with the answer, one byte."""
    step = stored.layout.block_size
    many = max(1, BATCH_BYTES // step)

    def batches() -> Iterator[Batch]:
        left = numbers()
        return iter(lambda: tuple(islice(left, many)), ())

    def use(batch: Batch, answer: bytes) -> None:
        progress.add(len(batch) * step)
        after(batch, answer)

    job = Job(batches, work, lambda _batch: 1, halves * many * step)
    share_out(job, CREW, use, worth=count * step >= WORTH_BYTES)


def _write_blocks(live: BlockFile, numbers: Sequence[int], data: memoryview, step: int) -> None:
    at = 0
    for first, count in runs(numbers):
        live.write(data[at:at + count * step], first * step)
        at += count * step


def _read_back(live: BlockFile, numbers: Sequence[int], data: memoryview, buffer: memoryview, step: int) -> None:
    at = 0
    for first, count in runs(numbers):
        written = data[at:at + count * step]
        # Views are compared byte by byte under the interpreter's lock, bytes at once.
        if bytes(live.read(buffer, first * step, len(written))) != bytes(written):
            raise DatasetError(
                f"blocks {first} to {first + count - 1} read back otherwise than written", place=live.path,
                cure=DEVICE_CURE, block=first,
            )
        at += count * step


def _read_all_back(live: BlockFile, reader: Reader, changes: Changes) -> None:
    stored = reader.stored

    def work(numbers: Batch, buffer: memoryview) -> bytes:
        half = len(buffer) // 2
        _read_back(live, numbers, reader.load(numbers, buffer[:half]), buffer[half:], stored.layout.block_size)
        return READ_BACK

    _in_batches(
        stored, lambda: _behind_first(changes), work, lambda _numbers, _answer: None, SILENT,
        _count_behind_first(changes), halves=2,
    )
