# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore left behind, so that a second one sees that nothing is to be done.

A restored dataset is not block for block the set's copy: new journals and the proof of a
write change its header and a few blocks. A note beside the dataset binds the set's root to
the digests of what the finished restore left, without the header, which merely opening
the database changes (T43). A dataset is a point's again if all its blocks but the header
equal the point's, or equal what a restore of that point left.
"""

from __future__ import annotations

import json
import os
from typing import Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import Summing
from ansible_collections.relmgmt.release.plugins.module_utils._backup.patch import Changes, compare
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stripes import Stripe, stripes
from ansible_collections.relmgmt.release.plugins.module_utils._backup.touched import touched
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import DatasetCopy
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import (
    DIGEST_SIZE,
    block_count,
    block_digests,
    header_blocks,
)
from ansible_collections.relmgmt.release.plugins.module_utils._files import write_durably


def is_noted(path: str, copy: DatasetCopy, changes: Changes) -> bool:
    """Whether the dataset is what a finished, proven restore of this point left."""
    return not changes.missing and _note(path) == {"root": copy.root, "body": changes.body}


def write_note(path: str, stored: Stored) -> None:
    """Note what the finished restore left at ``path``.

    All blocks were proven to be the set's, then the file's pages were dropped
    (``touched.forget``) and the engine proved the dataset: only what it has touched since can
    differ, so the file is not read a third time.
    """
    body = _body_of_touched(path, stored) or compare(path, stored).body
    text = json.dumps({"root": stored.root, "body": body}, sort_keys=True)
    write_durably(_note_path(path), text.encode())


def _body_of_touched(path: str, stored: Stored) -> str:
    """The body's digest from the set's digests and the blocks in memory; "" if that cannot be told.

    The proof wrote a node and removed it, which no engine does without changing a block
    behind the header. If none is seen to differ, the engine goes past the page cache, and
    memory says nothing about the others either.
    """
    summing, seen = Summing(stored.layout), False
    try:
        marks = _Ahead(touched(path, stored.layout.block_size))
        with BlockFile(path, cached=True) as live, stored.digests() as known:
            for stripe in stripes(live.size, stored.layout.block_size):
                digests, differs = _digests(live, known, stripe, marks, stored)
                seen = seen or differs
                summing.add(stripe.length, digests)
    except OSError:
        return ""
    done = summing.result()
    return done.body if seen else ""


class _Ahead:
    """Ascending numbers, handed out in pieces."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers
        self._next = next(numbers, None)

    def below(self, end: int) -> Iterator[int]:
        """Those below ``end`` that are left."""
        while self._next is not None and self._next < end:
            yield self._next
            self._next = next(self._numbers, None)


def _digests(
    live: BlockFile, known: BlockFile, stripe: Stripe, marks: _Ahead, stored: Stored
) -> tuple[bytes, bool]:
    """A stripe's digests as the file is now, and whether one behind the header is not the set's."""
    step, layout = stored.layout.block_size, stored.layout
    count = block_count(stripe.length, layout)
    old = known.peek(stripe.block * DIGEST_SIZE, count * DIGEST_SIZE)
    now = bytearray(old.ljust(count * DIGEST_SIZE, b"\0"))
    # From the end of the shorter one on, the set's digests say nothing, in memory or not.
    rest = range(max(min(stored.size, live.size) // step, stripe.block), stripe.block + count)
    for number in {*marks.below(stripe.block + count), *rest}:
        at = (number - stripe.block) * DIGEST_SIZE
        now[at:at + DIGEST_SIZE] = block_digests(live.peek(number * step, step), layout)
    header = 0 if stripe.block else header_blocks(layout) * DIGEST_SIZE
    return bytes(now), now[header:] != old[header:]


def _note(path: str) -> object:
    try:
        with open(_note_path(path), "rb") as stream:
            return json.loads(stream.read(4096))
    except (FileNotFoundError, ValueError):
        return None


def _note_path(path: str) -> str:
    return os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.relmgmt-restored")
