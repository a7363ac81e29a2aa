# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a running nginx: which workers take connections, and since when."""

from __future__ import annotations

import os
import time
from typing import Dict, List, Set

_TICK = os.sysconf("SC_CLK_TCK")
_POLL_SECONDS = 0.02
_WORKER = "nginx: worker process"
_LEAVING = "shutting down"


def master_of(pid_file: str) -> int:
    """The master process that the file names, 0 when there is none."""
    try:
        with open(pid_file, encoding="ascii") as stream:
            pid = int(stream.read())
    except (OSError, ValueError):
        return 0
    return pid if _title(pid).startswith("nginx: master") else 0


def workers(master: int) -> Dict[int, float]:
    """The workers of a master that take connections, by process id; seconds since the epoch that they began.

    A worker of an older configuration only ends the requests it has, and says so in its title.
    """
    found = {}
    for pid in _children(master):
        title = _title(pid)
        if title.startswith(_WORKER) and _LEAVING not in title:
            found[pid] = _began(pid)
    return {pid: began for pid, began in found.items() if began}


def leaving_workers(master: int) -> int:
    """How many workers of older configurations still end the requests they have."""
    return sum(1 for pid in _children(master) if _LEAVING in _title(pid))


def wait_for_new(master: int, old: Set[int], seconds: float) -> bool:
    """Wait until none of the old workers takes connections and a new one does; False when that does not come."""
    deadline = time.monotonic() + seconds
    while True:
        now = set(workers(master))
        if now and not now & old:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)


def _children(master: int) -> List[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = _stat(int(entry))
            if fields and fields[1] == str(master):
                found.append(int(entry))
    return found


def _began(pid: int) -> float:
    fields = _stat(pid)
    if not fields:
        return 0.0
    # The kernel counts a process's start from boot; /proc/uptime may be a container's own.
    booted = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    return booted + int(fields[19]) / _TICK


def _stat(pid: int) -> List[str]:
    """Fields of /proc/PID/stat from the state on; empty when it is gone."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as stream:
            return stream.read().rpartition(")")[2].split()
    except OSError:
        return []


def _title(pid: int) -> str:
    try:
        with open("/proc/%d/cmdline" % pid, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""
