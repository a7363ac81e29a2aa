# SPDX-License-Identifier: GPL-3.0-or-later
"""Copying a dataset into a set: read once, hashed on the way, written past the page cache.

A dataset that lives is copied twice: ``copy_file`` while it lives, ``copy_again`` under the
freeze, which writes only what changed in between. Reading back is ``Stored.verify``.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import Callable, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup.changed import SlotWriter
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copy import require_space
from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import Sum, Summing, digests_of
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import SILENT, Progress
from ansible_collections.relmgmt.release.plugins.module_utils._backup.scanning import scan
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stripes import (
    STRIPE,
    Stripe,
    in_order,
    stripes,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import (
    DIGEST_SIZE,
    Layout,
    block_count,
    block_digests,
    differing,
    runs,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

MODE = 0o640
FRESH = os.O_RDWR | os.O_CREAT | os.O_TRUNC


class _Found(NamedTuple):
    """A stripe's digests, and which of its blocks, counted from its first, have to be kept."""

    digests: bytes
    changed: list[int]


_Work = Callable[[Stripe, memoryview], _Found]
_Keep = Callable[[Stripe, _Found, memoryview], None]


def hash_file(path: str, digests: str, layout: Layout, progress: Progress = SILENT) -> Sum:
    """The digests of a copy that the engine made, read as it lies in the page cache."""
    summing = Summing(layout)
    with BlockFile(path, cached=True) as origin, _Digests(digests) as out:

        def use(stripe: Stripe, found: bytes) -> None:
            out.append(stripe, _Found(found, []), memoryview(b""))
            summing.add(stripe.length, found)
            progress.add(stripe.length)

        progress.begin(f"hash {path}", origin.size)
        scan(origin, layout, use)
    return summing.result()


def copy_file(source: str, target: str, digests: str, layout: Layout, progress: Progress = SILENT) -> Sum:
    """A synced copy and its digests. Stripes of zeros are left as holes, which read the same."""
    zeros = block_digests(bytes(STRIPE), layout)
    with BlockFile(source) as origin:
        require_space(os.path.dirname(target), origin.size, 0)
        with BlockFile(target, FRESH, MODE) as copy, _Digests(digests) as out:

            def work(stripe: Stripe, buffer: memoryview) -> _Found:
                data = origin.read(buffer, stripe.offset, stripe.length)
                found = digests_of(data, layout)
                if found != zeros[:len(found)]:
                    copy.write(data, stripe.offset)
                return _Found(found, [])

            progress.begin(f"copy {source}", origin.size)
            # First, so that writes from several threads never have to extend the file.
            copy.truncate(origin.size)
            done = _pass(origin.size, layout, work, out.append, progress)
            copy.sync()
    failpoint("copy:done")
    return done


def copy_again(source: str, target: str, digests: str, layout: Layout, progress: Progress = SILENT) -> Sum:
    """Bring a copy up to date: one read of the source, only blocks that changed are written."""
    with BlockFile(source) as origin, BlockFile(target, os.O_RDWR) as copy, _known(digests) as known:

        def work(stripe: Stripe, buffer: memoryview) -> _Found:
            found = _compared(origin, known, stripe, layout, buffer)
            for first, count in runs(found.changed):
                start, end = first * layout.block_size, (first + count) * layout.block_size
                copy.write(buffer[start:min(end, stripe.length)], stripe.offset + start)
            return found

        def keep(stripe: Stripe, found: _Found, _buffer: memoryview) -> None:
            _update(known, stripe, found)

        progress.begin(f"copy what changed of {source}", origin.size)
        done = _pass(origin.size, layout, work, keep, progress)
        copy.truncate(origin.size)
        copy.sync()
        _finish(known, origin.size, layout)
    failpoint("copy:done")
    return done


def copy_changed(
    source: str, stored_base: Stored, target: str, digests: str, layout: Layout, progress: Progress = SILENT
) -> Sum:
    """A second point: its digests, and in ``<target>.blocks`` and ``.index`` what the base has not."""
    _require_layout(stored_base, layout)
    with stored_base.digests() as known, BlockFile(source) as origin, _Digests(digests) as out, SlotWriter(
        target, layout, block_count(origin.size, layout)
    ) as slots:

        def keep(stripe: Stripe, found: _Found, buffer: memoryview) -> None:
            slots.write(stripe.block, found.changed, buffer, stripe.length)
            out.append(stripe, found, buffer)

        progress.begin(f"copy what changed of {source}", origin.size)
        done = _changes(origin, known, layout, keep, progress)
        slots.finish()
    failpoint("copy:done")
    return done


def copy_changed_again(
    source: str, stored_base: Stored, target: str, digests: str, layout: Layout, progress: Progress = SILENT
) -> Sum:
    """Bring a second point's blocks up to date; if the dataset became shorter they are taken anew."""
    _require_layout(stored_base, layout)
    with BlockFile(source) as origin, _known(digests) as known:
        if block_count(origin.size, layout) * DIGEST_SIZE >= known.size:
            return _changed_again(origin, known, target, layout, progress)
    return copy_changed(source, stored_base, target, digests, layout, progress)


def _changed_again(origin: BlockFile, known: BlockFile, target: str, layout: Layout, progress: Progress) -> Sum:
    with SlotWriter(target, layout, block_count(origin.size, layout), again=True) as slots:

        def keep(stripe: Stripe, found: _Found, buffer: memoryview) -> None:
            slots.write(stripe.block, found.changed, buffer, stripe.length)
            _update(known, stripe, found)

        progress.begin(f"copy what changed of {origin.path}", origin.size)
        done = _changes(origin, known, layout, keep, progress)
        slots.finish()
        _finish(known, origin.size, layout)
    failpoint("copy:done")
    return done


def _changes(origin: BlockFile, known: BlockFile, layout: Layout, keep: _Keep, progress: Progress) -> Sum:
    def work(stripe: Stripe, buffer: memoryview) -> _Found:
        return _compared(origin, known, stripe, layout, buffer)

    return _pass(origin.size, layout, work, keep, progress)


def _pass(size: int, layout: Layout, work: _Work, keep: _Keep, progress: Progress) -> Sum:
    summing = Summing(layout)

    def use(stripe: Stripe, found: _Found, buffer: memoryview) -> None:
        keep(stripe, found, buffer)
        summing.add(stripe.length, found.digests)
        progress.add(stripe.length)
        failpoint("copy:stripe")

    in_order(stripes(size, layout.block_size), work, use)
    return summing.result()


def _compared(origin: BlockFile, known: BlockFile, stripe: Stripe, layout: Layout, buffer: memoryview) -> _Found:
    found = digests_of(origin.read(buffer, stripe.offset, stripe.length), layout)
    return _Found(found, differing(found, known.peek(stripe.block * DIGEST_SIZE, len(found))))


def _known(digests: str) -> BlockFile:
    return BlockFile(digests, os.O_RDWR, cached=True)


def _update(known: BlockFile, stripe: Stripe, found: _Found) -> None:
    if found.changed:
        known.write(memoryview(found.digests), stripe.block * DIGEST_SIZE)


def _finish(known: BlockFile, size: int, layout: Layout) -> None:
    known.truncate(block_count(size, layout) * DIGEST_SIZE)
    known.sync()


def _require_layout(base: Stored, layout: Layout) -> None:
    if base.layout != layout:
        raise DatasetError(
            f"the base has digests of layout {base.layout}, not {layout}", place=base.path,
            cure="take the second point with the layout of the first",
        )


class _Digests:
    """A fresh file of digests, appended stripe by stripe and synced at the end."""

    def __init__(self, path: str) -> None:
        self._file = BlockFile(path, FRESH, MODE, cached=True)

    def __enter__(self) -> _Digests:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None:
                self._file.sync()

    def append(self, stripe: Stripe, found: _Found, _buffer: memoryview) -> None:
        """The digests of a stripe, in their place."""
        self._file.write(memoryview(found.digests), stripe.block * DIGEST_SIZE)
