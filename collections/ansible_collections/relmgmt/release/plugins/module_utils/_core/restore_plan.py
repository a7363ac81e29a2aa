# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way brings a dataset back soonest: rewrite what differs, copy it whole, or clone the set's file.

A delta reads, writes and reads back what differs; what was read while the datasets were compared
lies in memory. A copy is made beside the live file: all of the set's blocks are read, checked,
written and read back. A clone shares the set's blocks; all of them are read and checked before it
counts. Writing is taken to be as fast as reading, and one not to go on beside the other.
"""

from __future__ import annotations

from typing import NamedTuple

DELTA, COPY, CLONE = "delta", "copy", "clone"
#: another way than the delta must be this much faster: it replaces the file and needs space
MARGIN = 1.2
CLONE_SECONDS = 0.2


class Rates(NamedTuple):
    """What a device does: bytes a second in sequence, scattered blocks a second."""

    sequence: float
    scattered: float


class Way(NamedTuple):
    """``way``: "delta", "copy" or "clone"; ``seconds``: how long it should take."""

    way: str
    reason: str
    seconds: float


def choose(
    changes_count: int, unread: int, total: int, block_size: int, rates: Rates, clone_possible: bool,
    space_for_copy: bool,
) -> Way:
    """The way for ``changes_count`` differing blocks of ``total``, at these rates.

    ``unread``: how many of them have yet to be read from the set. ``space_for_copy``: a second
    whole file fits beside the live one.
    """
    seconds = _delta(changes_count, unread, total, block_size, rates)
    delta = Way(DELTA, f"{changes_count} of {total} blocks differ", seconds)
    size = total * block_size
    others = []
    if clone_possible:
        others.append(Way(CLONE, "the set lies on a file system that clones", size / rates.sequence + CLONE_SECONDS))
    if space_for_copy:
        others.append(Way(COPY, "writing all in sequence is faster", 3 * size / rates.sequence))
    best = min(others, key=lambda way: way.seconds, default=delta)
    if best.seconds * MARGIN >= delta.seconds:
        return delta
    return best._replace(reason=f"{delta.reason}: {delta.seconds:.0f} s to rewrite them; {best.reason}")


def _delta(count: int, unread: int, total: int, block_size: int, rates: Rates) -> float:
    """Never slower than in sequence: neighbours are merged as more blocks differ."""
    share = count / total if total else 0.0
    moved = 2 * count + unread
    scattered, sequence = moved / rates.scattered, moved * block_size / rates.sequence
    # The chance that a differing block's neighbour differs too is the share.
    return (1 - share) * max(scattered, sequence) + share * sequence
