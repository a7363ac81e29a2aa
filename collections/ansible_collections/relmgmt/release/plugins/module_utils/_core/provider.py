# SPDX-License-Identifier: GPL-3.0-or-later
"""The rungs of the ladder: how the datasets of an instance can be copied at one moment.

native   the engine's own online backup writes the copies
reflink  a short freeze in which every dataset is cloned; the clones are copied out after it
lvm      a short freeze in which volumes are snapshotted; the snapshots are copied out after it
copy     copied while the database lives; then a freeze in which what changed is copied again
rest     a plain copy of datasets that nobody has open: how ``copy`` begins
"""

from __future__ import annotations

from typing import Mapping

from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused

AUTO, NATIVE, REFLINK, LVM, COPY, REST = "auto", "native", "reflink", "lvm", "copy", "rest"
#: the order in which ``auto`` tries them: the shorter writes stand still, the earlier
ORDER = (REFLINK, NATIVE, LVM, COPY)
#: how much of a dataset is taken to differ from an earlier point of the same attempt: one part in
CHANGED = 4


def choose_provider(wanted: str, obstacles: Mapping[str, str], place: str) -> str:
    """The rung to take. ``obstacles``: why each of ``ORDER`` is impossible here, "" if it is not."""
    if wanted == AUTO:
        possible = [one for one in ORDER if not obstacles[one]]
        if possible:
            return possible[0]
        why = "; ".join(f"{one}: {obstacles[one]}" for one in ORDER)
        raise Refused(f"there is no way to copy the datasets ({why})", place=place, cure="remove one of the obstacles")
    if obstacles[wanted]:
        raise Refused(
            f"provider {wanted} is impossible: {obstacles[wanted]}", place=place,
            cure="remove the obstacle, or take provider auto",
        )
    return wanted


def space_needed(provider: str, size: int, based: bool, whole_first: bool) -> int:
    """Bytes that a copy of a dataset of ``size`` bytes takes, at most for a while.

    ``based``: only what differs from an earlier point is kept. ``whole_first``: it is then made
    from a whole copy in the set's directory.
    """
    if not based:
        return size
    whole = size if provider == NATIVE or (provider == COPY and whole_first) else 0
    return whole + size // CHANGED
