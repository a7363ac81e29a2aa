# SPDX-License-Identifier: GPL-3.0-or-later
"""What a device does, measured on the spot in a tenth of a second, by reading alone.

Check mode measures too, so nothing may be written; each way of restoring reads twice what it writes.
"""

from __future__ import annotations

import itertools
import time

from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stripes import THREADS, in_order
from ansible_collections.relmgmt.release.plugins.module_utils._core.restore_plan import Rates

SECONDS = 0.05
SEQUENCE, SCATTERED = 1 << 20, 8192
SCATTERED_THREADS = 12
#: a stride that is prime to any count of blocks visits them all, far apart
STRIDE = 7_368_787


def rates(path: str) -> Rates:
    """How fast the dataset at ``path`` can be read."""
    with BlockFile(path) as live:
        return Rates(_rate(live, SEQUENCE, THREADS) * SEQUENCE, _rate(live, SCATTERED, SCATTERED_THREADS))


def _rate(live: BlockFile, step: int, threads: int) -> float:
    """Reads a second of ``step`` bytes each, scattered over the file."""
    places = max(1, live.size // step)
    start = time.monotonic()
    done = 0

    def count(_at: int, _result: object, _buffer: memoryview) -> None:
        nonlocal done
        done += 1

    numbers = itertools.takewhile(lambda _number: time.monotonic() - start < SECONDS, itertools.count())
    if live.size >= step:
        in_order(
            (number * STRIDE % places * step for number in numbers),
            lambda at, buffer: live.read(buffer, at, step), count, threads, step,
        )
    return max(done, 1) / (time.monotonic() - start)
