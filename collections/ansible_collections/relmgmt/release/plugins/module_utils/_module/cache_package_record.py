# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host remembers of installed packages: the ledger's row, and beside it what nodes were written."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Mapping

from ansible_collections.relmgmt.release.plugins.module_utils._core.audit import canonical, digest_of
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import digest_items
from ansible_collections.relmgmt.release.plugins.module_utils._core.package_plan import Plan, Recorded
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._files import make_dirs, write_durably

DIRECTORY = "written"


def recorded(row: Mapping[str, Any], state_dir: str) -> Recorded:
    """What the ledger's row of an instance says was installed."""
    detail = row.get("detail") or {}
    return Recorded(
        row.get("release", ""), detail.get("items", {}), tuple(detail.get("orphans", ())),
        _read(state_dir, detail.get("written", "")),
    )


def detail_of(plan: Plan, instance: Mapping[str, Any]) -> Dict[str, Any]:
    """What the ledger shall keep: each item's digest, how to look for drift, the name of what was written."""
    digests = {name: entry.get("live", entry["digest"]) for name, entry in plan.detail["items"].items()
               if not name.startswith("^")}
    observe = {"kind": "cache_items", "instance": dict(instance), "names": sorted(digests),
               "digest": digest_items(digests)}
    return {**plan.detail, "observe": observe, "written": digest_of(plan.written) if plan.written else ""}


def keep_written(plan: Plan, state_dir: str) -> None:
    """Keep what nodes releases have written, under the digest of it: durable before the ledger names it."""
    if plan.written:
        path = _path(state_dir, digest_of(plan.written))
        make_dirs(os.path.dirname(path), 0o750)
        write_durably(path, canonical(plan.written).encode(), 0o600)


def _read(state_dir: str, name: str) -> Dict[str, Dict[str, str]]:
    if not name:
        return {}
    path = _path(state_dir, name)
    try:
        with open(path, encoding="utf-8") as stream:
            return dict(json.load(stream))
    except (OSError, ValueError) as error:
        raise HostStateUnknown(
            f"what the last release wrote to globals cannot be read: {error}", place=path,
            cure="bring the file back from a backup of the host's state directory",
        ) from error


def _path(state_dir: str, name: str) -> str:
    return os.path.join(state_dir, DIRECTORY, name + ".json")
