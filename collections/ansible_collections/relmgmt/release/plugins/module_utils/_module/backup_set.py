# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of ``backup_set`` and ``backup_set_info``."""

from __future__ import annotations

import datetime
import os
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._backup import fence, manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copy import disk_errors, require_space
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.verify import (
    find_sets,
    read_manifest,
    verify_set,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Manifest, set_path
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_backup import GtmSource
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    DatasetError,
    InvalidInput,
    Refused,
    RelmgmtError,
)
from ansible_collections.relmgmt.release.plugins.module_utils._files import make_dirs
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome, Permit

#: modules whose acts change datasets or routines: `before` cannot be taken after them
CHANGING = frozenset(["cache_package", "restore"])


def gtm_instance(instance: dict[str, Any]) -> GtmInstance:
    """The instance of the option ``instance``; backup and restore know GT.M so far."""
    if instance.get("engine") != "gtm":
        raise InvalidInput(
            f"backup sets of engine {instance.get('engine')!r} are not supported",
            place=f"instance {instance.get('name')}", cure="engine gtm",
        )
    return GtmInstance.of(instance)


def take(host: Host) -> Outcome:
    """A verified backup set exists at this point of this attempt."""
    permit = host.guard()
    instance = gtm_instance(host.params["instance"])
    release = host.params["release"] or permit.release
    path = set_path(
        host.params["root"], release, permit.change, permit.attempt, instance.name, host.params["point"]
    )
    fence.refuse_half_restored(instance.global_directory)
    if os.path.lexists(path):
        return _keep(host, permit, path)
    _require_nothing_changed(host, permit)
    source = GtmSource(instance)
    if host.check_mode:
        return _would_take(path, source)
    return _take(host, permit, source, path, release)


def _keep(host: Host, permit: Permit, path: str) -> Outcome:
    # A set that is there is never replaced: verified it counts, damaged a person decides (T1).
    found = verify_set(path)
    expected = (permit.change, permit.attempt, host.params["instance"]["name"], host.params["point"])
    if (found.change, found.attempt, found.instance, found.point) != expected:
        raise DatasetError(
            f"the set is of {found.change}-{found.attempt}, {found.instance}, {found.point}", place=path,
            cure="move it to where it belongs",
        )
    if not host.check_mode and not _recorded(host, path, found):
        _add_point(host, path, found)
    record = _record(path, found)
    return Outcome(False, record, message=f"the backup set of point {found.point} exists and verifies")


def _require_nothing_changed(host: Host, permit: Permit) -> None:
    if host.params["point"] != "before":
        return
    acts = host.ledger.acts(permit.change, permit.attempt)
    done = [act for act in acts if act["module"] in CHANGING and not act["undone_at"]]
    if done:
        raise Refused(
            f"{permit.change}-{permit.attempt} has already changed this host ({done[-1]['target']}); "
            "what a set would hold now is not the state before", place=host.ledger.path,
            cure="roll the attempt back, then start a new one",
        )


def _would_take(path: str, source: GtmSource) -> Outcome:
    lines = [f"{region} {place}" for region, place in sorted(source.regions.items())]
    record = {"path": path, "root_digest": "", "datasets": [], "size": source.size()}
    after = "\n".join([path, *lines]) + "\n"
    return Outcome(True, record, after=after, message=f"a backup set would be taken to {path}")


def _take(host: Host, permit: Permit, source: GtmSource, path: str, release: str) -> Outcome:
    parent = os.path.dirname(path)
    make_dirs(parent, 0o750)
    require_space(parent, source.size(), host.params["reserve"])
    target = f"{source.instance.name}:{host.params['point']}"
    with host.act("backup_set", target, {"path": path}, {}) as act:
        with disk_errors(path, "there is no backup set"), manifest.begin(path) as part:
            taken_at = datetime.datetime.fromtimestamp(host.now(), datetime.timezone.utc)
            datasets = manifest.hash_part(part, source.copy_into(part))
            made = Manifest(
                source.engine, source.instance.name, release, permit.change, permit.attempt,
                host.params["point"], taken_at.isoformat(), source.consistency, datasets,
            )
            manifest.publish(part, path, made)
        act.note(path=path, root_digest=made.root_digest)
        failpoint("backup:unrecorded")
        _add_point(host, path, made)
    record = _record(path, made)
    message = f"backup set of point {made.point} taken and verified"
    return Outcome(True, record, after=_listing(path, made), message=message)


def _recorded(host: Host, path: str, found: Manifest) -> bool:
    points = host.ledger.points(change=found.change, instance=found.instance)
    return any(one["path"] == path and one["root_digest"] == found.root_digest for one in points)


def _add_point(host: Host, path: str, made: Manifest) -> None:
    host.ledger.add_point(
        change=made.change, attempt=made.attempt, instance=made.instance, point=made.point, path=path,
        root_digest=made.root_digest, verified_at=host.now(),
        taken_at=datetime.datetime.fromisoformat(made.taken_at).timestamp(),
        detail={"release": made.release, "consistency": made.consistency},
    )


def _record(path: str, made: Manifest) -> dict[str, Any]:
    return {
        "path": path, "root_digest": made.root_digest, "point": made.point, "taken_at": made.taken_at,
        "release": made.release, "change": made.change, "attempt": made.attempt,
        "instance": made.instance, "consistency": made.consistency,
        "size": sum(one.size for one in made.datasets),
        "datasets": [_dataset_record(one) for one in made.datasets],
    }


def _dataset_record(one: Any) -> dict[str, Any]:
    position = one.position._asdict() if one.position else None
    return {
        "name": one.name, "kind": one.kind, "file": one.file, "path": one.path, "size": one.size,
        "root": one.root, "position": position,
    }


def _listing(path: str, made: Manifest) -> str:
    lines = [f"{one.name} {one.path} {one.size} bytes {one.root[:16]}" for one in made.datasets]
    return "\n".join([path, *lines]) + "\n"


def look(host: Host) -> Outcome:
    """The backup sets at ``path`` or below ``root``, on demand with proof that they are whole."""
    path, root = host.params["path"], host.params["root"]
    done, unfinished = ([path], []) if path else find_sets(root)
    sets = [_seen(one, host.params["verify"], strict=bool(path)) for one in done]
    record = {"sets": sets, "unfinished": unfinished}
    return Outcome(False, record, message=f"{len(sets)} backup sets, {len(unfinished)} unfinished")


def _seen(path: str, verify: bool, strict: bool) -> dict[str, Any]:
    # Below a root one bad set must not hide the others; a set asked for by path must be there.
    try:
        found = verify_set(path) if verify else read_manifest(path)
    except RelmgmtError as error:
        if strict:
            raise
        return {"path": path, "verified": False, "error": error.as_dict()}
    return {**_record(path, found), "verified": verify, "error": None}
