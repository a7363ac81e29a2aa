# SPDX-License-Identifier: GPL-3.0-or-later
"""The work that goes on on a host, as results tell it."""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.relmgmt.release.plugins.module_utils._module.view import workers_of
from ansible_collections.relmgmt.release.plugins.module_utils._worker_view import WorkerView, living


def at_work(state_dir: str) -> List[Dict[str, Any]]:
    """The living workers of a host: id, module, change, attempt, lease, pid, since, progress."""
    return [shown(one) for one in living(workers_of(state_dir))]


def shown(place: WorkerView) -> Dict[str, Any]:
    """One worker: id, module, change, attempt, lease, pid, since, progress."""
    record = place.record()
    keys = ("id", "module", "change", "attempt", "lease", "pid", "since")
    return {**{key: record.get(key) for key in keys}, "progress": place.progress()}
