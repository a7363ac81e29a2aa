# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work in a process of its own on the managed host: the worker.

It outlives the module that began it, the connection and the controller. Whoever asks for the same work
while it lives joins it. Its directory, `<workers>/<id>/`:

    lock           locked by the kernel for as long as the worker lives, so that a crash leaves no mark (T5)
    worker.json    what it does, since when, its process, and the calls that it answers
    progress       how far it is: one record, overwritten in place, so that it needs no disk space
    result.json    the result, synced before it has this name (E2, E16); kept until the same work is begun anew
    scratch/       the work's temporary files
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import threading
import time
from contextlib import contextmanager, suppress
from typing import Any, Callable, Dict, Iterator, NoReturn

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.progress import Progress
from ansible_collections.relmgmt.release.plugins.module_utils._core.progress import Meter
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, Refused
from ansible_collections.relmgmt.release.plugins.module_utils._files import (
    fsync_dir,
    make_dirs,
    remove_tree,
    write_durably,
)
from ansible_collections.relmgmt.release.plugins.module_utils._worker_view import MINE, WorkerView, directories

RECORD_SIZE = 8192  # bytes of `progress`
RESERVE = 1 << 18  # bytes set aside for the result, so that a disk which fills up meanwhile cannot lose it
WRITTEN_EVERY = 0.5  # seconds
LOOKED_EVERY = 0.1  # seconds
KEPT = 32  # directories of workers that have ended


class WorkerDirectory(WorkerView):
    """The directory of one worker, as the worker itself and whoever begins one see it."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.scratch = os.path.join(path, "scratch")

    def begin(self, record: Dict[str, Any]) -> None:
        """Make ready for a new worker: nothing of an earlier one can be taken for its own."""
        private_directory(self.path)
        for name in ("result.json", "worker.json", "progress"):
            _unlink(self._file(name))
        remove_tree(self.scratch)
        os.mkdir(self.scratch, 0o700)
        _reserve(self._file("progress"), RECORD_SIZE)
        _reserve(self._file("result.part"), RESERVE)
        self._write(record)

    def join(self, call: str) -> None:
        """Note that this call is answered by the worker too."""
        record = self.record()
        self._write({**record, "calls": [*record.get("calls", []), call]})

    def work(self, work: Callable[[Progress], Dict[str, Any]], started: Callable[[], None]) -> None:
        """Be the worker: hold the lock, do the work, leave its result."""
        # Of the process, not of the open file: what the work forks does not keep a dead worker alive.
        # The kernel drops it when the process closes any descriptor of the file.
        lock = os.open(self._file("lock"), os.O_RDWR | os.O_CREAT, 0o600)
        self._write({**self.record(), "pid": os.getpid()})
        fcntl.lockf(lock, fcntl.LOCK_EX)
        MINE.add(os.path.realpath(self.path))
        failpoint("worker:locked")
        started()
        failpoint("worker:begun")
        progress = ProgressFile(self._file("progress"))
        result = work(progress)
        failpoint("worker:done")
        remove_tree(self.scratch)
        self._leave(result)

    def _leave(self, result: Dict[str, Any]) -> None:
        data = json.dumps(result).encode()
        with open(self._file("result.part"), "r+b") as stream:
            stream.write(data)
            stream.truncate()
            os.fsync(stream.fileno())
        failpoint("worker:unnamed")
        os.rename(self._file("result.part"), self._file("result.json"))
        fsync_dir(self.path)

    def _write(self, record: Dict[str, Any]) -> None:
        write_durably(self._file("worker.json"), json.dumps(record).encode(), 0o600)


class ProgressFile(Progress):
    """Writes what it hears to a file, twice a second at most; a disk that fails does not disturb the work."""

    def __init__(self, path: str) -> None:
        self._meter = Meter()
        self._lock = threading.Lock()
        self._written = 0.0
        self._descriptor = os.open(path, os.O_WRONLY)

    def begin(self, what: str, total: int) -> None:
        """A phase begins."""
        with self._lock:
            self._meter.begin(what, total, time.monotonic())
            self._write(time.monotonic())

    def add(self, count: int) -> None:
        """So many bytes more are done."""
        now = time.monotonic()
        with self._lock:
            self._meter.add(count, now)
            if now - self._written >= WRITTEN_EVERY:
                self._write(now)

    def _write(self, now: float) -> None:
        self._written = now
        data = json.dumps(self._meter.record()).encode()
        if len(data) <= RECORD_SIZE:
            with suppress(OSError):
                os.pwrite(self._descriptor, data.ljust(RECORD_SIZE), 0)


@contextmanager
def door(workers: str) -> Iterator[None]:
    """Alone in deciding who works here, for the moment that it takes."""
    private_directory(workers)
    # A lock of the process, which the worker that is begun meanwhile does not take with it.
    descriptor = os.open(os.path.join(workers, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def prune(workers: str) -> None:
    """Remove the oldest directories of workers that have ended."""
    for one in directories(workers)[KEPT:]:
        if not one.is_alive():
            remove_tree(one.path)


def private_directory(path: str) -> None:
    """Make a directory that nobody else can enter; refuse one that somebody else has put there."""
    make_dirs(os.path.dirname(path), 0o750)
    with suppress(FileExistsError):
        os.mkdir(path, 0o700)
    found = os.lstat(path)
    if not _is_private(found):
        raise Refused(
            "the directory of the workers is not this user's alone", place=path,
            cure=f"make it a directory of user {os.geteuid()} with mode 0700, or remove it",
        )


def _is_private(found: os.stat_result) -> bool:
    is_directory = found.st_mode & 0o170000 == 0o040000
    return is_directory and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def detach(body: Callable[[Callable[[], None]], None]) -> None:
    """Run `body` in a process of its own session that nobody waits for; return once it says that it has started.

    Everything that it needs is imported by now: Ansible removes a module's code when the module ends (T39).
    """
    reading_end, writing_end = os.pipe()
    child = os.fork()
    if child == 0:
        _become_worker(reading_end, writing_end, body)
    os.close(writing_end)
    os.waitpid(child, 0)
    with os.fdopen(reading_end, "rb") as answer:
        if not answer.read(1):
            raise HostStateUnknown("the worker ended before it began", cure="see the free memory, then run again")


def _become_worker(
    reading_end: int, writing_end: int, body: Callable[[Callable[[], None]], None]
) -> NoReturn:
    # Whatever happens, the copy of the module never returns into Ansible's wrapper.
    try:
        os.setsid()
        if os.fork() == 0:
            os.setpgid(0, 0)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            os.close(reading_end)
            _let_go()

            def started() -> None:
                os.write(writing_end, b"1")
                os.close(writing_end)

            body(started)
    finally:
        os._exit(0)


def _let_go() -> None:
    """Hold neither the connection nor a directory that may have to be unmounted."""
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def _reserve(path: str, size: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)


def _unlink(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)
