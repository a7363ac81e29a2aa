# SPDX-License-Identifier: GPL-3.0-or-later
"""A dataset as a backup set holds it: whole, or as blocks on top of an earlier point.

Nothing is handed out that was not compared with its digest, and no digest is used before the
manifest's root was found to be theirs.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from types import TracebackType
from typing import Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._backup.changed import OTHER_COPY, Index
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copy import require_space
from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import digests_of
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import SILENT, Progress
from ansible_collections.relmgmt.release.plugins.module_utils._backup.scanning import scan
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stripes import (
    STRIPE,
    Stripe,
    in_order,
    stripes,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import (
    PLAIN,
    DatasetCopy,
    Manifest,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import (
    DIGEST_SIZE,
    Layout,
    Root,
    block_count,
    differing,
    runs,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir

#: blocks as close to each other as that have their digests and slots looked up together
NEAR = 16384
MODE = 0o640


class Stored:
    """One dataset of a set. ``base``: what its missing blocks are taken from, None if it is whole."""

    def __init__(self, set_path: str, copy: DatasetCopy, base: Stored | None = None) -> None:
        self.copy = copy
        self.base = base
        self.path = os.path.join(set_path, copy.file)
        self.digests_path = os.path.join(set_path, copy.digests)
        self.size, self.root = copy.size, copy.root
        self.layout = Layout(copy.block_size, copy.algorithm)
        self.total = block_count(copy.size, self.layout)
        self._checked = False

    @classmethod
    def of(cls, set_path: str, copy: DatasetCopy, manifest: Manifest) -> Stored:
        """The dataset ``copy`` of the set at ``set_path``; follows the manifest's base."""
        if copy.stored == PLAIN:
            return cls(set_path, copy)
        return cls(set_path, copy, _base(set_path, copy, manifest))

    @property
    def plain_path(self) -> str | None:
        """The file, if it is stored whole."""
        return None if self.base else self.path

    @property
    def blocks_path(self) -> str:
        """Where the blocks lie that the base has not."""
        return self.path + ".blocks"

    @property
    def index_path(self) -> str:
        """Where their numbers lie."""
        return self.path + ".index"

    def check(self) -> None:
        """The files have their sizes, and the digests are those of the manifest; once an object."""
        if self._checked:
            return
        if self.base:
            self.base.check()
        else:
            _require_size(self.path, self.size)
        _require_size(self.digests_path, self.total * DIGEST_SIZE)
        if self._digests_root() != self.root:
            raise DatasetError("the digests are not those of the manifest", place=self.digests_path, cure=OTHER_COPY)
        self._checked = True

    def digests(self) -> BlockFile:
        """The digests, checked and open."""
        self.check()
        return BlockFile(self.digests_path, cached=True)

    def reader(self, cached: bool = False) -> Reader:
        """Its blocks, for several threads; ``cached``: scattered, through the page cache."""
        self.check()
        return Reader(self, cached)

    def verify(self, progress: Progress = SILENT) -> None:
        """Every block that this set itself holds, from the device; DatasetError at the first wrong one."""
        for path in [self.digests_path, *([self.index_path] if self.base else [])]:
            with BlockFile(path, cached=True) as small:
                small.drop()
        self._checked = False
        with self.reader() as reader:
            reader.verify(progress)

    def extract(self, target: str, progress: Progress = SILENT) -> None:
        """Write the whole plain file: verified, synced, read back. It is gone again if that fails."""
        require_space(os.path.dirname(target), self.size, 0)
        try:
            with self.reader() as reader, BlockFile(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC, MODE) as out:
                progress.begin(f"extract {self.path}", self.size)
                _extract(reader, out, progress)
            fsync_dir(os.path.dirname(target))
        except BaseException:
            if os.path.exists(target):
                os.unlink(target)
            raise

    def _digests_root(self) -> str:
        root = Root()
        with BlockFile(self.digests_path, cached=True) as known:
            for at in range(0, known.size, STRIPE // 8):
                root.update(known.peek(at, STRIPE // 8))
        return root.hexdigest(self.size)


class Reader:
    """Open files of a stored dataset. Thread safe; what it loads is verified."""

    def __init__(self, stored: Stored, cached: bool) -> None:
        self.stored = stored
        self._index: Index | None = None
        with ExitStack() as opened:
            self._known = opened.enter_context(BlockFile(stored.digests_path, cached=True))
            whole = stored.base or stored
            self._whole = opened.enter_context(_open(whole.path, cached))
            if stored.base:
                self._index = opened.enter_context(Index(stored.index_path, stored.total))
                _require_size(stored.blocks_path, self._index.count * stored.layout.block_size)
                self._slots = opened.enter_context(_open(stored.blocks_path, cached))
            self._opened = opened.pop_all()

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def load(self, numbers: Sequence[int], buffer: memoryview) -> memoryview:
        """These blocks (ascending), verified, back to back at the start of an aligned buffer."""
        step, at = self.stored.layout.block_size, 0
        near = numbers and numbers[-1] - numbers[0] < NEAR
        slots = self._slots_of(numbers[0], numbers[-1] + 1) if near else {}
        for first, count in runs(numbers):
            if not near:
                slots = self._slots_of(first, first + count)
            self._load_run(first, count, slots, buffer[at * step:])
            at += count
        data = buffer[:self._length(numbers)]
        self._require(numbers, digests_of(data, self.stored.layout))
        return data

    def prefetch(self, numbers: Sequence[int]) -> None:
        """Ask the kernel to have these blocks (ascending) in memory soon."""
        step = self.stored.layout.block_size
        slots = self._slots_of(numbers[0], numbers[-1] + 1) if numbers else {}
        for number in numbers:
            if number in slots:
                self._slots.prefetch(slots[number] * step, step)
            else:
                self._whole.prefetch(number * step, step)

    def expected(self, numbers: Sequence[int]) -> bytes:
        """The digests of these blocks."""
        if not numbers:
            return b""
        first, span = min(numbers), max(numbers) - min(numbers) + 1
        if span == len(numbers):
            return self._known.peek(first * DIGEST_SIZE, span * DIGEST_SIZE)
        if span > NEAR:
            return b"".join(self._known.peek(one * DIGEST_SIZE, DIGEST_SIZE) for one in numbers)
        near = self._known.peek(first * DIGEST_SIZE, span * DIGEST_SIZE)
        return b"".join(near[(one - first) * DIGEST_SIZE:(one - first + 1) * DIGEST_SIZE] for one in numbers)

    def verify(self, progress: Progress) -> None:
        """Read everything that the set itself holds, from the device."""
        if self._index is not None:
            self._verify_slots(self._index, progress)
            return

        def use(stripe: Stripe, found: bytes) -> None:
            self._require(blocks_of(stripe, self.stored.layout), found)
            progress.add(stripe.length)

        progress.begin(f"verify {self.stored.path}", self.stored.size)
        scan(self._whole, self.stored.layout, use)

    def _length(self, numbers: Sequence[int]) -> int:
        step, size = self.stored.layout.block_size, self.stored.size
        short = -size % step if numbers and numbers[-1] == self.stored.total - 1 else 0
        return len(numbers) * step - short

    def _slots_of(self, first: int, end: int) -> dict[int, int]:
        return self._index.slots(first, end) if self._index is not None else {}

    def _load_run(self, first: int, count: int, slots: dict[int, int], buffer: memoryview) -> None:
        step = self.stored.layout.block_size
        for start, many in runs(one for one in range(first, first + count) if one not in slots):
            length = min(many * step, self.stored.size - start * step)
            self._whole.read(buffer[(start - first) * step:], start * step, length)
        for number in range(first, first + count) if slots else ():
            if number in slots:
                self._slots.read(buffer[(number - first) * step:], slots[number] * step, step)

    def _require(self, numbers: Sequence[int], found: bytes) -> None:
        wrong = differing(found, self.expected(numbers))
        if wrong:
            raise self._wrong(numbers[wrong[0]])

    def _wrong(self, number: int) -> DatasetError:
        if self._index is None:
            return wrong_block(self._whole.path, number, self.stored.layout)
        if self._slots_of(number, number + 1):
            return wrong_block(self.stored.blocks_path, number, self.stored.layout)
        base = self.stored.base
        if base and not self._same_as_base(base, number):
            return DatasetError(
                f"block {number} is not in the index, and the base has another one",
                place=self.stored.index_path, cure=OTHER_COPY, block=number,
            )
        return wrong_block(self._whole.path, number, self.stored.layout)

    def _same_as_base(self, base: Stored, number: int) -> bool:
        with base.digests() as known:
            return known.peek(number * DIGEST_SIZE, DIGEST_SIZE) == self.expected([number])

    def _verify_slots(self, index: Index, progress: Progress) -> None:
        step = self.stored.layout.block_size
        progress.begin(f"verify {self.stored.blocks_path}", index.count * step)

        def work(stripe: Stripe, buffer: memoryview) -> None:
            numbers = index.entries(stripe.block, stripe.length // step)
            data = self._slots.read(buffer, stripe.offset, stripe.length)
            for at, number in enumerate(numbers):
                end = at * step + self._length([number])
                self._require([number], digests_of(data[at * step:end], self.stored.layout))
                if any(data[end:(at + 1) * step]):
                    raise self._wrong(number)

        # First: a flipped bit in the index looks like a wrong block otherwise.
        self._require_complete(index)
        in_order(
            stripes(index.count * step, step), work,
            lambda stripe, _result, _buffer: progress.add(stripe.length),
        )

    def _require_complete(self, index: Index) -> None:
        base = self.stored.base
        if base is None:
            return
        with base.digests() as known:
            for stripe in stripes(self.stored.size, self.stored.layout.block_size):
                numbers = blocks_of(stripe, self.stored.layout)
                own = self.expected(numbers)
                missing = [
                    stripe.block + one
                    for one in differing(own, known.peek(stripe.block * DIGEST_SIZE, len(own)))
                ]
                slots = index.slots(stripe.block, stripe.block + len(numbers)) if missing else {}
                lost = [one for one in missing if one not in slots]
                if lost:
                    raise self._wrong(lost[0])


def blocks_of(stripe: Stripe, layout: Layout) -> range:
    """The numbers of a stripe's blocks."""
    return range(stripe.block, stripe.block + block_count(stripe.length, layout))


def wrong_block(path: str, block: int, layout: Layout) -> DatasetError:
    """The error for a block that is not what its digest says."""
    start = block * layout.block_size
    return DatasetError(
        f"block {block} (bytes {start} to {start + layout.block_size - 1}) is not what its digest says",
        place=path, cure=OTHER_COPY, block=block,
    )


def _extract(reader: Reader, out: BlockFile, progress: Progress) -> None:
    layout, half = reader.stored.layout, STRIPE // 2

    def work(stripe: Stripe, buffer: memoryview) -> None:
        data = reader.load(blocks_of(stripe, layout), buffer[:half])
        out.write(data, stripe.offset)
        if out.direct:
            again(stripe, buffer)

    def again(stripe: Stripe, buffer: memoryview) -> None:
        found = out.read(buffer[half:], stripe.offset, stripe.length)
        if digests_of(found, layout) != reader.expected(blocks_of(stripe, layout)):
            raise DatasetError(
                f"bytes {stripe.offset} to {stripe.offset + stripe.length - 1} read back otherwise than written",
                place=out.path, cure="the device cannot be trusted; restore to another one",
            )

    def done(stripe: Stripe, _result: None, _buffer: memoryview) -> None:
        progress.add(stripe.length)

    out.truncate(reader.stored.size)
    in_order(stripes(reader.stored.size, layout.block_size, half), work, done)
    out.sync()
    if not out.direct:
        in_order(stripes(reader.stored.size, layout.block_size, half), again, lambda *_ignored: None)


def _open(path: str, cached: bool) -> BlockFile:
    opened = BlockFile(path, cached=cached)
    if cached:
        opened.scattered()
    return opened


def _base(set_path: str, copy: DatasetCopy, manifest: Manifest) -> Stored:
    place = os.path.join(set_path, copy.file)
    if manifest.base is None:
        raise DatasetError("the manifest names no base for a dataset stored as blocks", place=place, cure=OTHER_COPY)
    path = os.path.normpath(os.path.join(set_path, manifest.base.path))
    base = read_manifest(path)
    if base.root_digest != manifest.base.root_digest:
        raise DatasetError(f"this is not the set that {set_path} builds on", place=path, cure=OTHER_COPY)
    for one in base.datasets:
        if one.name == copy.name and one.stored == PLAIN:
            if (one.block_size, one.algorithm) != (copy.block_size, copy.algorithm):
                raise DatasetError(f"{copy.name} has digests of another layout here", place=path, cure=OTHER_COPY)
            return Stored(path, one)
    raise DatasetError(f"{copy.name} does not lie here as a plain file", place=path, cure=OTHER_COPY)


def _require_size(path: str, size: int) -> None:
    try:
        found = os.stat(path).st_size
    except FileNotFoundError:
        raise DatasetError("a file of the backup set is missing", place=path, cure=OTHER_COPY) from None
    if found != size:
        raise DatasetError(
            f"the file has {found} bytes, the manifest says {size}", place=path, cure=OTHER_COPY
        )
