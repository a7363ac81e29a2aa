# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of ``backup_set`` and ``backup_set_info``."""

from __future__ import annotations

import datetime
import os
import time
from typing import Any, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup import ladder, manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.copy import disk_errors, require_space
from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._backup.freeze import checked_limit
from ansible_collections.relmgmt.release.plugins.module_utils._backup.ladder import (
    Earlier,
    Order,
    Taken,
    obstacles,
    require_room_to_freeze,
    room,
)
from ansible_collections.relmgmt.release.plugins.module_utils._backup.set_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._backup.stored import Stored
from ansible_collections.relmgmt.release.plugins.module_utils._backup.verify import find_sets, verify_set
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import (
    BLOCKS,
    DATABASE,
    Base,
    Manifest,
    label_of,
    set_path,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.provider import choose_provider
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import DOCUMENT, is_back, way_out
from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_storage
from ansible_collections.relmgmt.release.plugins.module_utils._engines.storage import DatasetFile, Storage
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, Refused, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._files import make_dirs
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome, Permit
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import HostView

#: modules whose acts change datasets or routines: `before` cannot be taken after them
CHANGING = frozenset(["cache_package", "restore", "test_mode"])


def take(host: Host) -> Outcome:
    """A verified backup set exists at this point of this attempt."""
    permit = host.guard(in_test_mode=True)
    checked_limit(host.params["freeze_limit"])
    storage = open_storage(host.params["instance"])
    release = host.params["release"] or permit.release
    path = set_path(
        host.params["root"], release, permit.change, permit.attempt, storage.name, host.params["point"]
    )
    _refuse_half_restored(storage)
    if os.path.lexists(path):
        return _keep(host, permit, path)
    _refuse_test_data(host, permit)
    _require_nothing_changed(host, permit)
    plan = _plan(host, storage, path)
    if host.check_mode:
        return _would_take(storage, plan)
    return _take(host, permit, storage, plan, release)


class _Plan(NamedTuple):
    """What taking a set at ``path`` means. ``size``: bytes of the instance; ``needed``: of room for the set.

    ``base``: the earlier point that it builds on; ``whole``: why it builds on none, if it could have.
    """

    path: str
    files: list[DatasetFile]
    provider: str
    base: Earlier | None
    whole: str
    size: int
    needed: int


def _plan(host: Host, storage: Storage, path: str) -> _Plan:
    files = storage.datasets()
    place = f"instance {storage.name}"
    provider = choose_provider(host.params["provider"], obstacles(storage, files), place)
    base, whole = _base(host, path)
    code = _size_of_sources(storage)
    return _Plan(
        path, files, provider, base, whole, code + sum(one.size for one in files),
        code + room(storage, files, provider, base is not None),
    )


def _base(host: Host, path: str) -> tuple[Earlier | None, str]:
    """The point ``before`` of the same attempt, whose digests are still those of its manifest."""
    before = os.path.join(os.path.dirname(path), "before")
    if host.params["point"] == "before" or host.params["incremental"] == "never" or not os.path.isdir(before):
        return None, ""
    try:
        found = read_manifest(before)
        for one in found.of_kind(DATABASE):
            Stored.of(before, one, found).check()
    except RelmgmtError as error:
        return None, f"stored whole, because the point before cannot be built on: {error.message}"
    return Earlier(before, found), ""


def _size_of_sources(storage: Storage) -> int:
    if not storage.source_directory:
        return 0
    return sum(entry.stat().st_size for entry in os.scandir(storage.source_directory) if entry.is_file())


def _refuse_half_restored(storage: Storage) -> None:
    left = storage.unfinished()
    if left:
        raise DatasetError(
            f"a restore of {left['path']} is not finished; the datasets cannot be opened",
            place=f"instance {storage.name}", cure="run the restore again; it goes on where it was cut off",
        )


def _refuse_test_data(host: Host, permit: Permit) -> None:
    """What testers wrote must not become the point that a later attempt goes back to."""
    document = host.ledger.mode(DOCUMENT)
    same = document is not None and (document["change"], document["attempt"]) == (permit.change, permit.attempt)
    if document is not None and not same and not is_back(document):
        raise Refused(
            f"the datasets may hold test data: {document['change']} holds this host in test mode",
            place=host.ledger.path, cure=way_out(str(document["change"]), host.state_dir),
        )


def _keep(host: Host, permit: Permit, path: str) -> Outcome:
    # A set that is there is never replaced: verified it counts, damaged a person decides (T1).
    found = verify_set(path, host.progress)
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


def _would_take(storage: Storage, plan: _Plan) -> Outcome:
    folder = os.path.dirname(plan.path)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    status = os.statvfs(folder)
    free = status.f_bavail * status.f_frsize
    record = {
        "path": plan.path, "root_digest": "", "datasets": [], "size": plan.size, "provider": plan.provider,
        "base": plan.base.path if plan.base else "", "needed": plan.needed, "free": free,
    }
    lines = [f"{one.name} {one.path} {one.size} bytes" for one in plan.files]
    after = "\n".join([plan.path, f"provider {plan.provider}", *lines]) + "\n"
    message = (
        f"a backup set of {plan.size} bytes would be taken to {plan.path} by provider {plan.provider}; "
        f"{plan.needed} bytes are needed there, {free} are free"
    )
    return Outcome(True, record, after=after, message=message)


def _take(host: Host, permit: Permit, storage: Storage, plan: _Plan, release: str) -> Outcome:
    parent = os.path.dirname(plan.path)
    make_dirs(parent, 0o750)
    require_space(parent, plan.needed, host.params["reserve"])
    require_room_to_freeze(plan.files, plan.provider, host.params["reserve"])
    target = f"{storage.name}:{host.params['point']}"
    begun = time.monotonic()
    with host.act("backup_set", target, {"path": plan.path, "provider": plan.provider}, {}) as act:
        with disk_errors(plan.path, "there is no backup set"), manifest.begin(plan.path) as part:
            taken = ladder.take(storage, _order(host, permit, storage, plan, part), host.progress)
            made = _manifest(host, permit, storage, plan, release, taken)
            ladder.read_back(part, made, host.progress)
            manifest.publish(part, plan.path, made)
        facts = _facts(plan, made, taken, time.monotonic() - begun)
        act.note(path=plan.path, root_digest=made.root_digest, **facts)
        failpoint("backup:unrecorded")
        _add_point(host, plan.path, made)
    message = f"backup set of point {made.point} taken by provider {made.provider} and verified"
    return Outcome(
        True, {**_record(plan.path, made), **facts}, after=_listing(plan.path, made),
        message="; ".join(one for one in (message, plan.whole) if one),
    )


def _order(host: Host, permit: Permit, storage: Storage, plan: _Plan, part: str) -> Order:
    label = label_of(permit.change, permit.attempt, storage.name, host.params["point"])
    return Order(
        part, label, plan.provider, host.params["freeze_limit"], host.params["keep_clone"], plan.base, host.now
    )


def _manifest(
    host: Host, permit: Permit, storage: Storage, plan: _Plan, release: str, taken: Taken
) -> Manifest:
    at = datetime.datetime.fromtimestamp(taken.at, datetime.timezone.utc)
    base = Base("../" + os.path.basename(plan.base.path), plan.base.manifest.root_digest) if plan.base else None
    if not any(one.stored == BLOCKS for one in taken.datasets):
        base = None
    return Manifest(
        storage.engine, storage.name, release, permit.change, permit.attempt, host.params["point"],
        at.isoformat(), taken.consistency, taken.provider, taken.frozen_seconds, base, taken.datasets,
    )


def _facts(plan: _Plan, made: Manifest, taken: Taken, seconds: float) -> dict[str, Any]:
    """What only the run that took the set knows. ``rate``: bytes of the instance a second, all passes included."""
    return {
        "bytes": bytes_of(plan.path), "seconds": round(seconds, 3),
        "rate": int(sum(one.size for one in made.datasets) / max(seconds, 0.001)), "watchdog": taken.watchdog,
    }


def bytes_of(path: str) -> int:
    """Bytes of a set's own files, as long as they are."""
    return sum(
        os.path.getsize(os.path.join(folder, name)) for folder, _names, files in os.walk(path) for name in files
    )


def _recorded(host: Host, path: str, found: Manifest) -> bool:
    points = host.ledger.points(change=found.change, instance=found.instance)
    return any(one["path"] == path and one["root_digest"] == found.root_digest for one in points)


def _add_point(host: Host, path: str, made: Manifest) -> None:
    host.ledger.add_point(
        change=made.change, attempt=made.attempt, instance=made.instance, point=made.point, path=path,
        root_digest=made.root_digest, verified_at=host.now(),
        taken_at=datetime.datetime.fromisoformat(made.taken_at).timestamp(),
        detail={"release": made.release, "consistency": made.consistency, "provider": made.provider},
    )


def _record(path: str, made: Manifest) -> dict[str, Any]:
    return {
        "path": path, "root_digest": made.root_digest, "point": made.point, "taken_at": made.taken_at,
        "release": made.release, "change": made.change, "attempt": made.attempt,
        "instance": made.instance, "consistency": made.consistency, "provider": made.provider,
        "frozen_seconds": made.frozen_seconds,
        "base": os.path.normpath(os.path.join(path, made.base.path)) if made.base else "",
        "size": sum(one.size for one in made.datasets),
        "datasets": [_dataset_record(one) for one in made.datasets],
    }


def _dataset_record(one: Any) -> dict[str, Any]:
    position = one.position._asdict() if one.position else None
    return {
        "name": one.name, "kind": one.kind, "file": one.file, "path": one.path, "size": one.size,
        "root": one.root, "position": position, "stored": one.stored,
    }


def _listing(path: str, made: Manifest) -> str:
    lines = [f"{one.name} {one.path} {one.size} bytes {one.root[:16]}" for one in made.datasets]
    return "\n".join([path, f"provider {made.provider}", *lines]) + "\n"


def look(host: HostView) -> Outcome:
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
