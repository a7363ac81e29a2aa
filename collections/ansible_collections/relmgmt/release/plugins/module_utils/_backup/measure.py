# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a device moves scattered blocks, measured on the spot in a tenth of a second at most, by reading alone.

Check mode measures too, so nothing may be written. How fast it reads in sequence, the comparison has shown.
"""

from __future__ import annotations

import itertools
import time

from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stripes import in_order

#: so many reads, or as many as so many seconds allow
READS, SECONDS = 1536, 0.1
SIZE, THREADS = 8192, 12
#: reads in a row by one thread, so that handing work to threads is not what is measured
BATCH = 8
#: a stride that is prime to any count of blocks visits them all, far apart
STRIDE = 7_368_787


def scattered_rate(path: str) -> float:
    """Blocks of 8 KiB a second that can be read from all over the dataset at ``path``."""
    with BlockFile(path) as live:
        return _rate(live, max(1, live.size // SIZE)) if live.size >= SIZE else 1 / SECONDS


def _rate(live: BlockFile, places: int) -> float:
    start = time.monotonic()
    done = 0

    def read(first: int, buffer: memoryview) -> None:
        for number in range(first, first + BATCH):
            live.read(buffer, number * STRIDE % places * SIZE, SIZE)

    def count(_first: int, _result: None, _buffer: memoryview) -> None:
        nonlocal done
        done += BATCH

    numbers = itertools.takewhile(lambda _number: time.monotonic() - start < SECONDS, range(0, READS, BATCH))
    in_order(numbers, read, count, THREADS, SIZE)
    return max(done, 1) / (time.monotonic() - start)
