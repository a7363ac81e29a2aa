# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on a dataset in stripes: several threads, results in order, memory flat.

Reading, writing and hashing of blocks release the interpreter, so a few threads keep a
device and two cores busy.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Callable, Iterable, Iterator, NamedTuple, TypeVar

from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import aligned_buffer

STRIPE = 2 << 20
THREADS = 4
Item = TypeVar("Item")
Result = TypeVar("Result")


class Stripe(NamedTuple):
    """A part of a dataset: its first block, its first byte, its length in bytes."""

    block: int
    offset: int
    length: int


def stripes(size: int, block_size: int, step: int = STRIPE) -> Iterator[Stripe]:
    """A dataset of ``size`` bytes in stripes of ``step`` bytes, a multiple of the block size."""
    for offset in range(0, size, step):
        yield Stripe(offset // block_size, offset, min(step, size - offset))


def in_order(
    items: Iterable[Item],
    work: Callable[[Item, memoryview], Result],
    use: Callable[[Item, Result, memoryview], None],
    threads: int = THREADS,
    capacity: int = STRIPE,
) -> None:
    """``work`` on every item in threads, then ``use`` its result here, in the items' order.

    Each item has an aligned buffer of ``capacity`` bytes to itself until ``use`` returns. The
    first error ends all and is raised when no thread works any more.
    """
    memory = aligned_buffer(capacity * (threads + 2))
    buffers = deque(memory[at:at + capacity] for at in range(0, len(memory), capacity))
    pending: deque[tuple[Item, memoryview, Future[Result]]] = deque()

    def finish() -> None:
        item, buffer, future = pending.popleft()
        use(item, future.result(), buffer)
        buffers.append(buffer)

    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                if not buffers:
                    finish()
                buffer = buffers.popleft()
                pending.append((item, buffer, pool.submit(work, item, buffer)))
            while pending:
                finish()
        finally:
            for _item, _buffer, future in pending:
                future.cancel()
