# SPDX-License-Identifier: GPL-3.0-or-later
"""An instance that is being restored cannot be opened (invariant 8).

Two files beside the global directory: the directory itself, moved aside, so that no program
finds the datasets, autostart and reboot included; and a marker that says why and what cures
it. Both are gone when every dataset is whole again; a second run finishes what a crash left.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir, write_durably

MARKER = ".relmgmt-restoring"
ASIDE = ".relmgmt-aside"


def read_marker(global_directory: str) -> dict[str, Any] | None:
    """What is being restored: ``path``, ``names``, ``confirmed_by``; None if nothing is."""
    try:
        with open(global_directory + MARKER, "rb") as stream:
            return dict(json.loads(stream.read(1 << 20)))
    except FileNotFoundError:
        return None


def refuse_half_restored(global_directory: str) -> None:
    """Raise DatasetError while a restore of this instance is unfinished."""
    marker = read_marker(global_directory)
    if marker is not None:
        raise DatasetError(
            f"a restore of {marker['path']} is not finished; the datasets cannot be opened",
            place=global_directory, cure="run the restore again; it goes on where it was cut off",
        )


def usable_directory(global_directory: str) -> str:
    """The global directory under the name that it has now."""
    aside = global_directory + ASIDE
    return aside if os.path.exists(aside) and not os.path.exists(global_directory) else global_directory


def raise_fence(global_directory: str, path: str, names: list[str], confirmed_by: str) -> None:
    """Make the instance unopenable; ``names``: datasets that the restore of ``path`` will finish.

    ``confirmed_by``: who accepted the loss of writes; a run that finishes this one need not ask again.
    """
    marker = read_marker(global_directory)
    pending = sorted(set(names) | set(marker["names"] if marker else []))
    text = json.dumps({"path": path, "names": pending, "confirmed_by": confirmed_by}, sort_keys=True)
    write_durably(global_directory + MARKER, text.encode())
    failpoint("restore:marked")
    if os.path.exists(global_directory):
        _rename(global_directory, global_directory + ASIDE)
    failpoint("restore:fenced")


def lower_fence(global_directory: str) -> None:
    """Make the instance openable again."""
    if os.path.exists(global_directory + ASIDE):
        _rename(global_directory + ASIDE, global_directory)
    failpoint("restore:opened")
    if os.path.exists(global_directory + MARKER):
        os.unlink(global_directory + MARKER)
        fsync_dir(os.path.dirname(global_directory))


def _rename(source: str, target: str) -> None:
    os.rename(source, target)
    fsync_dir(os.path.dirname(target))
