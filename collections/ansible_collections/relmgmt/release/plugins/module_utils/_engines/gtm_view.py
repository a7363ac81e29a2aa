# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be observed of a GT.M instance without opening a dataset.

Opening one changes its header (T43) and fails where a dataset is damaged. So datasets come
from the global directory and the headers as the files hold them, and who has one open comes
from the kernel: the header names the shared memory of a database file.
"""

from __future__ import annotations

import os
from typing import Dict, Iterable, Set

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
    headers = {name: gtm_files.read_header(instance, path) for name, path in sorted(files.items())}
    users = attached_to(files.values(), [header.memory for header in headers.values()])
    datasets = tuple(_dataset(instance, name, files[name], header) for name, header in headers.items())
    state = FROZEN if any(one.frozen for one in datasets) else RUNNING if users.processes else DOWN
    return InstanceInfo(
        "gtm", instance.name, _version(instance), state, (instance.global_directory,), datasets, False
    )


def attached(instance: GtmInstance) -> Attached:
    """Processes that have any dataset of the instance open."""
    paths = sorted(set(_files(instance).values()))
    return attached_to(paths, [gtm_files.read_header(instance, path).memory for path in paths])


def attached_to(paths: Iterable[str], memories: Iterable[int]) -> Attached:
    """Processes that have one of these database files open; ``memories``: the shared memory their headers name.

    ``processes`` is the kernel's count of attachments to the shared memory, which every user may
    read; pids come from /proc and only processes that we may inspect show up there.
    """
    pids = pids_with_open(paths)
    counts = _attachments()
    return Attached(max([len(pids), *(counts.get(one, 0) for one in memories)]), tuple(sorted(pids)))


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


def _dataset(instance: GtmInstance, name: str, path: str, header: gtm_files.FileHeader) -> Dataset:
    return Dataset(
        name, path, os.path.getsize(path), header.journal, header.frozen, (instance.global_directory,)
    )


def _attachments() -> Dict[int, int]:
    with open("/proc/sysvipc/shm", encoding="ascii") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return {int(row[SHM_ID]): int(row[SHM_ATTACHED]) for row in rows}


def pids_with_open(paths: Iterable[str]) -> Set[int]:
    """Processes that have one of these files open, as far as we may inspect them."""
    files = {os.path.realpath(path) for path in paths}
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
