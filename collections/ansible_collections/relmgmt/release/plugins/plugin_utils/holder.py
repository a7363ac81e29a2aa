# SPDX-License-Identifier: GPL-3.0-or-later
"""Who runs on this controller, and whether an earlier holder of a lease still lives."""

from __future__ import annotations

import getpass
import multiprocessing
import os
import socket
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

BOOT_ID = "/proc/sys/kernel/random/boot_id"


def this_run() -> dict[str, Any]:
    """The ansible-playbook process that carries out this play, as a lease names it."""
    parent = multiprocessing.parent_process()
    pid = parent.pid if parent is not None and parent.pid else os.getpid()
    return {
        "user": getpass.getuser(),
        "controller": socket.gethostname(),
        "boot_id": _boot_id(),
        "pid": pid,
        "pid_started": process_start(pid),
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def is_dead(holder: Mapping[str, Any]) -> bool:
    """Proof that the holder is dead: same controller, and rebooted since or the process is gone."""
    if holder.get("controller") != socket.gethostname():
        return False
    if holder.get("boot_id") != _boot_id():
        return True
    return process_start(int(holder.get("pid", 0))) != str(holder.get("pid_started"))


def process_start(pid: int) -> str:
    """Start time of a process in clock ticks since boot, empty when it is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stream:
            fields = stream.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _boot_id() -> str:
    try:
        with open(BOOT_ID, encoding="ascii") as stream:
            return stream.read().strip()
    except OSError:
        return ""
