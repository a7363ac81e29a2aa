# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be observed of a GT.M instance without disturbing it.

State and datasets come from one short M process that reads file headers through
%PEEKBYNAME. Who has a dataset open comes from the kernel: ``mupip ftok`` names the shared
memory of a database file without opening it.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Dict, List, Set

from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import (
    DOWN,
    FROZEN,
    RUNNING,
    Attached,
    Dataset,
    InstanceInfo,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, HostStateUnknown

if TYPE_CHECKING:
    from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance

# One line of M, so that no file has to be staged: version, then a line a region.
REGIONS = (
    'WRITE $ZVERSION,! NEW r SET r="" FOR  SET r=$VIEW("GVNEXT",r) QUIT:r=""  '
    'WRITE r,$CHAR(9),$VIEW("GVFILE",r),!'
)
STATES = (
    'NEW r SET r="" FOR  SET r=$VIEW("GVNEXT",r) QUIT:r=""  '
    'WRITE r,$CHAR(9),$$^%PEEKBYNAME("sgmnt_data.freeze",r),$CHAR(9),'
    '$$^%PEEKBYNAME("sgmnt_data.jnl_state",r),$CHAR(9),$$^%PEEKBYNAME("sgmnt_data.jnl_file_name",r),!'
)
JOURNAL_ON = "2"
SHM_ID, SHM_ATTACHED = 1, 6


def regions(instance: GtmInstance) -> Dict[str, str]:
    """Region name to dataset path, from the global directory; opens no dataset."""
    return _regions(_lines(instance, REGIONS, "reading the global directory")[1:], instance)


def info(instance: GtmInstance) -> InstanceInfo:
    """Version, state and datasets. A dataset that is missing makes the state unknown."""
    lines = _lines(instance, REGIONS, "reading the global directory")
    files = _regions(lines[1:], instance)
    _require_files(instance, files)
    users = attached_to(instance, sorted(set(files.values())))
    datasets = _datasets(instance, files)
    state = FROZEN if any(one.frozen for one in datasets) else RUNNING if users.processes else DOWN
    return InstanceInfo(
        "gtm", instance.name, lines[0], state, (instance.global_directory,), tuple(datasets), False
    )


def attached(instance: GtmInstance) -> Attached:
    """Processes that have any dataset of the instance open."""
    files = regions(instance)
    _require_files(instance, files)
    return attached_to(instance, sorted(set(files.values())))


def attached_to(instance: GtmInstance, paths: List[str]) -> Attached:
    """Processes that have one of these database files open.

    ``processes`` is the kernel's count of attachments to the shared memory, which every user may
    read; pids come from /proc and only processes that we may inspect show up there.
    """
    pids = _pids_with_open({os.path.realpath(path) for path in paths})
    counts = _attachments()
    count = max([counts.get(_shared_memory(instance, path), 0) for path in paths] + [len(pids)])
    return Attached(count, tuple(sorted(pids)))


def _lines(instance: GtmInstance, program: str, what: str) -> List[str]:
    answer = instance.require(instance.mumps("-run", "%XCMD", program), what)
    return [line for line in answer.out.splitlines() if line]


def _regions(lines: List[str], instance: GtmInstance) -> Dict[str, str]:
    rows = [line.split("\t") for line in lines]
    if not rows or any(len(row) != 2 for row in rows):
        raise EngineError("the global directory names no region", place=instance.global_directory)
    return dict(rows)


def _require_files(instance: GtmInstance, files: Dict[str, str]) -> None:
    missing = sorted(path for path in files.values() if not os.path.isfile(path))
    if missing:
        raise HostStateUnknown(
            f"datasets are missing: {', '.join(missing)}", place=f"instance {instance.name}",
            cure="restore them from a backup set, or create them with mupip create",
        )


def _datasets(instance: GtmInstance, files: Dict[str, str]) -> List[Dataset]:
    rows = [line.split("\t") for line in _lines(instance, STATES, "reading the file headers")]
    found = []
    for name, freeze, journal_state, journal in rows:
        path = files[name]
        found.append(Dataset(
            name, path, os.path.getsize(path), _journal(journal_state, journal),
            freeze != "0", (instance.global_directory,),
        ))
    return found


def _journal(state: str, path: str) -> str:
    # The header field has a fixed width: blanks or NULs fill it up.
    return path.rstrip(" \0") if state == JOURNAL_ON else ""


def _shared_memory(instance: GtmInstance, path: str) -> int:
    answer = instance.require(instance.mupip("ftok", path), f"mupip ftok {path}")
    hit = re.search(r"::\s+-?\d+ \[0x\w+\]\s+::\s+(-?\d+) \[", answer.out + answer.err)
    if not hit:
        raise HostStateUnknown("mupip ftok names no shared memory", place=path)
    return int(hit.group(1))


def _attachments() -> Dict[int, int]:
    with open("/proc/sysvipc/shm", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return {int(row[SHM_ID]): int(row[SHM_ATTACHED]) for row in rows}


def _pids_with_open(files: Set[str]) -> Set[int]:
    return {int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _has_open(pid, files)}


def _has_open(pid: str, files: Set[str]) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        return any(_target(f"{folder}/{name}") in files for name in os.listdir(folder))
    except OSError:
        return False


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""
