# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be observed of a GT.M instance without opening a dataset.

Opening one changes its header (T43) and fails where a dataset is damaged. So datasets come
from the global directory and the headers as the files hold them, and who has one open comes
from the kernel: ``mupip ftok`` names the shared memory of a database file.
"""

from __future__ import annotations

import os
import re
from typing import Dict, List, Set

from ansible_collections.relmgmt.release.plugins.module_utils._engines import gtm_files
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import (
    DOWN,
    FROZEN,
    RUNNING,
    Attached,
    Dataset,
    InstanceInfo,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown

SHM_ID, SHM_ATTACHED = 1, 6


def info(instance: GtmInstance) -> InstanceInfo:
    """Version, state and datasets. A dataset that is missing makes the state unknown."""
    files = _files(instance)
    users = attached_to(instance, sorted(set(files.values())))
    datasets = tuple(_dataset(instance, name, path) for name, path in sorted(files.items()))
    state = FROZEN if any(one.frozen for one in datasets) else RUNNING if users.processes else DOWN
    return InstanceInfo(
        "gtm", instance.name, _version(instance), state, (instance.global_directory,), datasets, False
    )


def attached(instance: GtmInstance) -> Attached:
    """Processes that have any dataset of the instance open."""
    return attached_to(instance, sorted(set(_files(instance).values())))


def attached_to(instance: GtmInstance, paths: List[str]) -> Attached:
    """Processes that have one of these database files open.

    ``processes`` is the kernel's count of attachments to the shared memory, which every user may
    read; pids come from /proc and only processes that we may inspect show up there.
    """
    pids = _pids_with_open({os.path.realpath(path) for path in paths})
    counts = _attachments()
    count = max([counts.get(_shared_memory(instance, path), 0) for path in paths] + [len(pids)])
    return Attached(count, tuple(sorted(pids)))


def _version(instance: GtmInstance) -> str:
    answer = instance.require(instance.mumps("-run", "%XCMD", "WRITE $ZVERSION"), "asking for the version")
    return answer.out.strip()


def _files(instance: GtmInstance) -> Dict[str, str]:
    files = gtm_files.regions(instance)
    missing = sorted(path for path in files.values() if not os.path.isfile(path))
    if missing or not files:
        raise HostStateUnknown(
            f"datasets are missing: {', '.join(missing) or 'the global directory names none'}",
            place=f"instance {instance.name}",
            cure="restore them from a backup set, or create them with mupip create",
        )
    return files


def _dataset(instance: GtmInstance, name: str, path: str) -> Dataset:
    header = gtm_files.read_header(instance, path)
    return Dataset(
        name, path, os.path.getsize(path), header.journal, header.frozen, (instance.global_directory,)
    )


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
