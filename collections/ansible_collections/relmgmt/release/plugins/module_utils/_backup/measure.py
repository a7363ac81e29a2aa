# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device does, measured on the spot in some 0.3 seconds."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from typing import Callable

from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stripes import THREADS, in_order
from ansible_collections.relmgmt.release.plugins.module_utils._core.restore_plan import Rates

SECONDS = 0.07
PROBE = 8 << 20
SEQUENCE, SCATTERED = 1 << 20, 8192
SCATTERED_THREADS = 12
#: a stride that is prime to any count of blocks visits them all, far apart
STRIDE = 7_368_787


def rates(path: str, directory: str) -> Rates:
    """Read rates of the dataset at ``path`` (only read), write rates in ``directory``.

    A probe file of at most 8 MiB is written there and removed.
    """
    with BlockFile(path) as live:
        read = _rate(live.size, SEQUENCE, THREADS, lambda at, buffer: live.read(buffer, at, SEQUENCE))
        random_read = _rate(
            live.size, SCATTERED, SCATTERED_THREADS, lambda at, buffer: live.read(buffer, at, SCATTERED)
        )
    descriptor, probe = tempfile.mkstemp(prefix=".relmgmt-probe-", dir=directory)
    os.close(descriptor)
    try:
        with BlockFile(probe, os.O_RDWR) as out:
            write = _rate(PROBE, SEQUENCE, THREADS, lambda at, buffer: out.write(buffer, at))
            random_write = _rate(PROBE, SCATTERED, SCATTERED_THREADS, lambda at, buffer: out.write(buffer, at))
    finally:
        os.unlink(probe)
    return Rates(read * SEQUENCE, write * SEQUENCE, random_read, random_write)


def _rate(size: int, step: int, threads: int, move: Callable[[int, memoryview], object]) -> float:
    """Moves a second of ``step`` bytes each, scattered over ``size`` bytes."""
    places = max(1, size // step)
    start = time.monotonic()
    moved = 0

    def count(_at: int, _result: object, _buffer: memoryview) -> None:
        nonlocal moved
        moved += 1

    numbers = itertools.takewhile(lambda _number: time.monotonic() - start < SECONDS, itertools.count())
    if size >= step:
        in_order((number * STRIDE % places * step for number in numbers), move, count, threads, step)
    return max(moved, 1) / (time.monotonic() - start)
