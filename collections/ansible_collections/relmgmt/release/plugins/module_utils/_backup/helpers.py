# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on many parts of a dataset by helper processes, the answers in order.

Threads hand the interpreter over after every block, which costs up to half the rate. Whatever
becomes of a helper, this process does its parts itself, and so meets the error that ended it:
the work must bear being done twice.

A helper that outlives this process ends with the part that it is at; a lock on a directory
(``lock.alone``) that this process held lasts until then.
"""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import BinaryIO, Callable, Generic, Iterable, NamedTuple, TypeVar

from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import aligned_buffer
from ansible_collections.relmgmt.release.plugins.module_utils._backup.hashing import share_processors
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stripes import in_order

Item = TypeVar("Item")


class Crew(NamedTuple):
    """How many work: ``helpers`` with ``threads`` each, or, where that is impossible, ``alone`` threads."""

    helpers: int
    threads: int
    alone: int


class Job(Generic[Item]):
    """``items``: makes the same items in every process. ``work``: on one item, with a buffer of ``capacity`` bytes.

    ``size``: how many bytes the answer to an item has, at least 1.
    """

    def __init__(
        self, items: Callable[[], Iterable[Item]], work: Callable[[Item, memoryview], bytes],
        size: Callable[[Item], int], capacity: int,
    ) -> None:
        self.items = items
        self.work = work
        self.size = size
        self.capacity = capacity


def share_out(job: Job[Item], crew: Crew, use: Callable[[Item, bytes], None], worth: bool = True) -> None:
    """``use`` the answer to each item, in order; the first error ends all. ``worth``: is it worth processes?"""
    helpers = _start(job, crew) if worth and _may_fork() else []
    if not helpers:
        in_order(job.items(), job.work, lambda item, answer, _buffer: use(item, answer), crew.alone, job.capacity)
        return
    try:
        for number, item in enumerate(job.items()):
            wanted = job.size(item)
            answer = helpers[number % len(helpers)].stream.read(wanted)
            use(item, answer if len(answer) == wanted else job.work(item, aligned_buffer(job.capacity)))
    finally:
        for one in helpers:
            one.end()


def _may_fork() -> bool:
    # A thread could hold a lock that the child then waits for without end.
    return len(os.sched_getaffinity(0)) > 1 and len(os.listdir("/proc/self/task")) == 1


class _Helper:
    """A process that writes its answers into a pipe. ``others``: helpers started before."""

    def __init__(self, serve: Callable[[int], None], others: list[_Helper]) -> None:
        read, write = os.pipe()
        try:
            self.pid = os.fork()
        except OSError:
            os.close(read)
            os.close(write)
            raise
        if not self.pid:
            # Nobody else may keep a pipe open: its end tells each side that the other one is gone.
            _become_helper(serve, write, [read, *(one.stream.fileno() for one in others)])
        os.close(write)
        self.stream: BinaryIO = os.fdopen(read, "rb")

    def end(self) -> None:
        """At any moment: what it has not answered may be done in part, and counts for nothing."""
        self.stream.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def _start(job: Job[Item], crew: Crew) -> list[_Helper]:
    """The helpers; none if the host has no room for processes."""
    helpers: list[_Helper] = []
    try:
        for which in range(crew.helpers):
            helpers.append(_Helper(partial(_serve, job, crew, which), helpers))
    except OSError:
        for one in helpers:
            one.end()
        return []
    return helpers


def _serve(job: Job[Item], crew: Crew, which: int, write: int) -> None:
    share_processors(crew.helpers)
    share = (one for at, one in enumerate(job.items()) if at % crew.helpers == which)
    in_order(share, job.work, lambda _item, answer, _buffer: _write(write, answer), crew.threads, job.capacity)


def _become_helper(serve: Callable[[int], None], write: int, close: list[int]) -> None:
    """What a helper does; never returns."""
    try:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        for descriptor in close:
            os.close(descriptor)
        serve(write)
    finally:
        # No handler, no buffer and no lock of the parent's is this process's to clean up.
        os._exit(0)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data):]
