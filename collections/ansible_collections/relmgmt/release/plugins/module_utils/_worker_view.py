# SPDX-License-Identifier: GPL-3.0-or-later
"""Who works on this host: the directories of its workers, looked at (what lies in one is told in _worker)."""

from __future__ import annotations

import fcntl
import glob
import json
import os
import time
from contextlib import suppress
from typing import Any, Dict, List, Optional, Set

from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused

#: the directories that this process is the worker of; its number alone says nothing, numbers come again
MINE: Set[str] = set()


class WorkerView:
    """The directory of one worker, as everybody sees it."""

    def __init__(self, path: str) -> None:
        self.path = path

    def is_alive(self) -> bool:
        """Does a worker hold the lock?"""
        if self.is_mine():
            return True  # asking the kernel would drop the lock, see `work`
        try:
            descriptor = os.open(self._file("lock"), os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return True
        finally:
            os.close(descriptor)
        return False

    def is_mine(self) -> bool:
        """Is this process its worker?"""
        return os.path.realpath(self.path) in MINE

    def record(self) -> Dict[str, Any]:
        """`worker.json`; empty if there is none."""
        return _read(self._file("worker.json")) or {}

    def result(self) -> Optional[Dict[str, Any]]:
        """The result of the newest worker, None if it has left none."""
        return _read(self._file("result.json"))

    def progress(self) -> Dict[str, Any]:
        """How far a living worker is, as `_core.progress.reading` tells it."""
        # Imported here, for on most hosts nothing goes on.
        from ansible_collections.relmgmt.release.plugins.module_utils._core.progress import reading

        return reading(_read(self._file("progress")) or {}, time.monotonic())

    def _file(self, name: str) -> str:
        return os.path.join(self.path, name)


def directories(workers: str) -> List[WorkerView]:
    """Every worker's directory, the one touched last first."""
    ages = {}
    for path in glob.glob(os.path.join(glob.escape(workers), "*", "")):
        # Another process may be removing one of them: that must not hide the others.
        with suppress(FileNotFoundError):
            ages[os.path.dirname(path)] = os.stat(path).st_mtime
    return [WorkerView(path) for path in sorted(ages, key=lambda one: -ages[one])]


def living(workers: str) -> List[WorkerView]:
    """The directories whose worker lives."""
    return [one for one in directories(workers) if one.is_alive()]


def refuse_while_at_work(workers: str) -> None:
    """Refuse to change the host while a worker other than this process does."""
    for one in living(workers):
        if not one.is_mine():
            record = one.record()
            raise Refused(
                f"{record.get('module')} of {record.get('change')} is still at work on this host "
                f"(process {record.get('pid')})", place=one.path,
                cure="wait until it has ended, or run its playbook again to join it",
            )


def _read(path: str) -> Optional[Dict[str, Any]]:
    """A JSON object, None where there is none yet."""
    try:
        with open(path, encoding="utf-8") as stream:
            return dict(json.loads(stream.read().strip("\0 ") or "{}"))
    except (FileNotFoundError, ValueError):
        return None
