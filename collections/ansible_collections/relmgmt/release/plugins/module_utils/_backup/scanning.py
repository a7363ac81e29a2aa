# SPDX-License-Identifier: GPL-3.0-or-later
"""The digests of a whole file, stripe by stripe: by helper processes where that pays.

Threads hand the interpreter over after every block, which costs up to half the rate on a busy
host. A helper only reads and hashes. Whatever becomes of it, this process does its stripes
itself, and so meets the error that ended it.
"""

from __future__ import annotations

import os
import signal
from types import TracebackType
from typing import BinaryIO, Callable, Iterator

from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile, aligned_buffer
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import digests_of, share_processors
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stripes import (
    STRIPE,
    Stripe,
    in_order,
    stripes,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.blocks import DIGEST_SIZE, Layout, block_count

HELPERS, THREADS = 2, 3
#: a file shorter than that is done before helpers are
WORTH = 128 << 20
_Work = Callable[[Stripe, memoryview], bytes]


def scan(file: BlockFile, layout: Layout, use: Callable[[Stripe, bytes], None]) -> None:
    """``use`` the digests of each stripe, in order; DatasetError if the file cannot be read."""

    def work(stripe: Stripe, buffer: memoryview) -> bytes:
        return digests_of(file.read(buffer, stripe.offset, stripe.length), layout)

    helpers = _start(file.size, layout, work) if file.size >= WORTH and _may_fork() else []
    if not helpers:
        in_order(stripes(file.size, layout.block_size), work, lambda stripe, found, _buffer: use(stripe, found))
        return
    with _Crew(helpers, layout, work) as crew:
        for number, stripe in enumerate(stripes(file.size, layout.block_size)):
            use(stripe, crew.digests(number, stripe))


def _may_fork() -> bool:
    # A thread could hold a lock that the child then waits for without end.
    return len(os.sched_getaffinity(0)) > 1 and len(os.listdir("/proc/self/task")) == 1


class _Helper:
    """A process that writes the digests of its stripes into a pipe. ``others``: helpers started before."""

    def __init__(self, share: Iterator[Stripe], work: _Work, others: list[_Helper]) -> None:
        read, write = os.pipe()
        try:
            self.pid = os.fork()
        except OSError:
            os.close(read)
            os.close(write)
            raise
        if not self.pid:
            # Nobody else may keep a pipe open: its end tells each side that the other one is gone.
            _serve(share, work, write, [read, *(one.stream.fileno() for one in others)])
        os.close(write)
        self.stream: BinaryIO = os.fdopen(read, "rb")

    def end(self) -> None:
        """It only reads, so that it can be ended at any moment."""
        self.stream.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def _start(size: int, layout: Layout, work: _Work) -> list[_Helper]:
    """The helpers; none if the host has no room for processes."""
    helpers: list[_Helper] = []
    try:
        for which in range(HELPERS):
            share = (one for at, one in enumerate(stripes(size, layout.block_size)) if at % HELPERS == which)
            helpers.append(_Helper(share, work, helpers))
    except OSError:
        for one in helpers:
            one.end()
        return []
    return helpers


def _serve(share: Iterator[Stripe], work: _Work, write: int, close: list[int]) -> None:
    """What a helper does; never returns."""
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        for descriptor in close:
            os.close(descriptor)
        share_processors(HELPERS)
        in_order(share, work, lambda _stripe, found, _buffer: _write(write, found), threads=THREADS)
    finally:
        # No handler, no buffer and no lock of the parent's is this process's to clean up.
        os._exit(0)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data):]


class _Crew:
    """Helpers at work, each on every n-th stripe."""

    def __init__(self, helpers: list[_Helper], layout: Layout, work: _Work) -> None:
        self._helpers = helpers
        self._layout = layout
        self._work = work

    def __enter__(self) -> _Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._helpers:
            one.end()

    def digests(self, number: int, stripe: Stripe) -> bytes:
        """The digests of the next stripe."""
        wanted = block_count(stripe.length, self._layout) * DIGEST_SIZE
        found = self._helpers[number % len(self._helpers)].stream.read(wanted)
        return found if len(found) == wanted else self._work(stripe, aligned_buffer(STRIPE))
