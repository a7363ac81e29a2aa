# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of ``restore``, and the undo handler that brings datasets back."""

from __future__ import annotations

import os
import tempfile
from typing import Any, Callable, Iterator, Mapping, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._backup.compared import Found, Plan, bytes_of
from ansible_collections.relmgmt.release.plugins.module_utils._backup.restoring import Restore
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Position
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import DOCUMENT, FENCE, is_back, lasts
from ansible_collections.relmgmt.release.plugins.module_utils._core.writes import NONE, Writer, Writes, statement
from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_storage
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, Refused, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._fence.nft import (  # a worker imports nothing later
    Standing,
    raised_fence,
)
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir, make_dirs, remove_tree
from ansible_collections.relmgmt.release.plugins.module_utils._ledger_view import LedgerView
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import (
    Host,
    Outcome,
    Permit,
    UndoContext,
)


def restore(host: Host) -> Outcome:
    """The datasets and routines of an instance are those of a backup set again."""
    known = host.ledger.receipt(host.params["change"] or "") is not None
    permit = host.guard(going_back=known, in_test_mode=True)
    job = Restore(
        open_storage(host.params["instance"]), host.params["path"], host.tmpdir, host.params["reserve"],
        host.params["verify"], host.progress,
    )
    _require_known(host, job)
    person = host.params["lose_writes_confirmed_by"].strip() or job.confirmed_by
    if host.check_mode:
        plan = job.plan()
        job.verify(plan)
        return _outcome(job, plan, _loss(host, job, plan, person), planned=True)
    require_fence(host)
    kept = None
    with job.alone():
        job.settle()
        plan = job.plan()
        loss = _loss(host, job, plan, person)
        if plan.needed:
            _require_word(job, loss)
            kept = _keep_written(job, plan, host.params["keep_written"])
            plan = _carry_out(host, permit, job, plan, person)
        elif lasts(host.ledger.mode(DOCUMENT)):
            _record_proof(host, job)
    done = _outcome(job, plan, loss, planned=False)
    return done._replace(record={**done.record, "kept": kept})


def _carry_out(host: Host, permit: Permit, job: Restore, plan: Plan, person: str) -> Plan:
    target = f"{job.storage.name}:{job.manifest.point}"
    intent = {"path": job.path, "root_digest": job.manifest.root_digest, "lose_writes_confirmed_by": person}
    with host.act("restore", target, intent, {}) as act:
        done = job.carry_out(plan, lambda current: _require_word(job, _loss(host, job, current, person)), person)
        act.note(
            datasets=[one.copy.name for one in done.prove], change=permit.change,
            routines=list(done.routines.write + done.routines.remove), positions=_positions(job),
        )
    return done


def require_fence(host: Host, raised: Callable[[Mapping[str, Any]], Standing] = raised_fence) -> None:
    """Refuse to bring datasets back in test mode without a fence: they hold production ports (invariant 1).

    One that was lost is put up again first, by ``raised``; in check mode nobody looks.
    """
    document = host.ledger.mode(DOCUMENT)
    if document is None or is_back(document) or document["without_fence"] or host.check_mode:
        return
    fence = host.ledger.mode(FENCE)
    seen = raised(fence) if fence is not None else Standing(False, ["none was put up"], {})
    if not seen.stands:
        raise Refused(
            f"a restore brings production ports back while {document['change']} holds this host in test mode, and "
            f"the fence does not stand: {'; '.join(seen.differences)}", place=host.ledger.path,
            cure=f"{os.path.join(host.state_dir, 'bin', 'relmgmt-test-mode')} fence",
        )


def _keep_written(job: Restore, plan: Plan, path: str | None) -> dict[str, Any] | None:
    """Put what this restore loses into files in the new directory ``path``; a run before may have done so."""
    if not path:
        return None
    if os.path.isdir(path):
        return {"path": path, "writes": None}
    if job.goes_on:
        raise Refused(
            "a restore of this set was begun already, so the journals no longer tell what it loses", place=path,
            cure="leave keep_written out",
        )
    stake = {one.copy.name: one.copy.position for one in _at_stake(job, plan)}
    positions = {name: position for name, position in stake.items() if position is not None}
    if len(positions) < len(stake):
        raise Refused("the set holds no journal position of every dataset", place=path, cure="leave keep_written out")
    aside = f"{path}.relmgmt-new"
    remove_tree(aside)
    make_dirs(os.path.dirname(os.path.abspath(path)), 0o750)
    os.mkdir(aside, 0o700)
    try:
        count = job.storage.keep_written(positions, aside)
    except RelmgmtError:
        remove_tree(aside)
        raise
    fsync_dir(aside)
    os.rename(aside, path)
    fsync_dir(os.path.dirname(os.path.abspath(path)))
    return {"path": path, "writes": count}


def _record_proof(host: Host, job: Restore) -> None:
    """Nothing had to be done: that the datasets are the point's is what leaving test mode relies on."""
    intent = {"path": job.path, "root_digest": job.manifest.root_digest, "lose_writes_confirmed_by": ""}
    with host.act("restore", f"{job.storage.name}:{job.manifest.point}", intent, {}) as act:
        act.note(datasets=[], nothing="the datasets are the point's already", positions=_positions(job))


def _positions(job: Restore) -> dict[str, Any]:
    """Where the journals stand behind a restore, as `written_after` takes it; empty where that cannot be told."""
    try:
        known = job.storage.copied_positions({one.name: one.path for one in job.storage.datasets()})
    except RelmgmtError:
        return {}
    return {name: list(position) for name, position in known.items()}


def written_after(
    instance: dict[str, Any], positions: dict[str, Any], writers: Sequence[Writer], scratch: str
) -> Writes:
    """Writes by others than ``writers`` since a restore noted these positions."""
    if not positions:
        return NONE._replace(unknown="the restore noted no journal positions")
    since = {name: Position(*one) for name, one in positions.items()}
    return open_storage(instance).writes_since(since, writers, scratch)


def release_writers(ledger: LedgerView, change: str) -> list[Writer]:
    """Processes that wrote for a change: the ``writer_pids`` that its acts and undos noted."""
    return [writer for act in ledger.acts(change) for writer in _writers_of(act)]


def _writers_of(act: dict[str, Any]) -> Iterator[Writer]:
    for noted, ended in (("detail", act["finished_at"]), ("undone", act["undone_at"])):
        for pid in (act[noted] or {}).get("writer_pids", ()):
            yield Writer(int(pid), act["started_at"], ended or float("inf"))


def others_since(
    point: dict[str, Any], recipe: dict[str, Any], pids: Sequence[int],
) -> Writes:
    """Writes since the ledger's ``point`` by processes other than ``pids``.

    ``recipe["instance"]``: the instance whose journals are read. Where a restore of the point
    was cut off, what it has made unopenable cannot be lost once more, and its word holds.
    """
    writers = [Writer(int(pid), since=point["taken_at"]) for pid in pids]
    with tempfile.TemporaryDirectory(prefix="relmgmt-") as scratch:
        job = Restore(open_storage(recipe["instance"]), point["path"], scratch)
        if job.confirmed_by:
            return NONE
        if job.begun:
            return _writes(job, job.plan(), writers, scratch)
        return job.storage.writes_since(job.manifest.positions, writers, scratch)


def undo_datasets(recipe: dict[str, Any], context: UndoContext) -> dict[str, Any]:
    """Restore ``recipe["path"]`` into ``recipe["instance"]``; a point that is there already is left alone.

    Whether users' writes may be lost was decided before (going_back.choose_way). With
    ``recipe["writer_pids"]`` and ``recipe["since"]`` the journals are asked once more for
    what came between, unless ``recipe["confirmed_by"]`` accepts any loss.
    """
    job = Restore(open_storage(recipe["instance"]), recipe["path"], context.tmpdir, progress=context.progress)
    person = str(recipe.get("confirmed_by") or "") or job.confirmed_by

    def consent(plan: Plan) -> None:
        if "writer_pids" in recipe and not person:
            writers = [Writer(int(pid), since=recipe["since"]) for pid in recipe["writer_pids"]]
            _require_word(job, _told(job, plan, _writes(job, plan, writers, context.tmpdir), person))

    with job.alone():
        job.settle()
        plan = job.plan()
        if plan.needed:
            consent(plan)
            plan = job.carry_out(plan, consent, person)
    return {**_work(job, plan), "changed": plan.needed, "positions": _positions(job)}


def _require_known(host: Host, job: Restore) -> None:
    """A set that the ledger knows must be the one that was recorded."""
    for point in host.ledger.points(instance=job.storage.name):
        if point["path"] == job.path and point["root_digest"] != job.manifest.root_digest:
            raise DatasetError(
                "the set is not the one that the ledger recorded", place=job.path,
                cure="find the recorded set, or restore another point", recorded=point["root_digest"],
            )


def _at_stake(job: Restore, plan: Plan) -> list[Found]:
    """Datasets whose writes since the point a restore loses.

    Nobody has written to one that a run before has made unopenable: its loss was decided then.
    """
    return [one for one in plan.replace if not (job.goes_on and one.marked == job.path)]


def _writes(job: Restore, plan: Plan, writers: Sequence[Writer], scratch: str) -> Writes:
    """What a restore by this plan loses.

    Nothing is flushed: check mode touches nothing, and otherwise the datasets were settled before.
    """
    stake = _at_stake(job, plan)
    for one in stake:
        if one.copy.position is None:
            return NONE._replace(unknown=f"the set holds no journal position of {one.copy.name}")
        if one.marked:
            return NONE._replace(unknown=f"{one.path} is half restored from {one.marked}")
    positions = {one.copy.name: one.copy.position for one in stake if one.copy.position}
    return job.storage.writes_since(positions, writers, scratch, flush=False) if positions else NONE


def _loss(host: Host, job: Restore, plan: Plan, person: str) -> dict[str, Any]:
    """The data-loss statement, about the datasets that would be replaced."""
    writes = None
    if plan.replace:
        writers = release_writers(host.ledger, job.manifest.change)
        writes = _writes(job, plan, writers, host.tmpdir)
    return _told(job, plan, writes, person)


def _told(job: Restore, plan: Plan, writes: Writes | None, person: str) -> dict[str, Any]:
    return {
        "statement": statement(job.manifest.taken_at, writes), "point": job.manifest.point,
        "taken_at": job.manifest.taken_at, "datasets": [one.copy.name for one in _at_stake(job, plan)],
        "writes": writes.as_dict() if writes else None, "confirmed_by": person,
    }


def _require_word(job: Restore, loss: dict[str, Any]) -> None:
    """No write by a user is lost without a named person's word (invariant 13)."""
    writes = loss["writes"]
    if writes is None or loss["confirmed_by"] or (writes["known"] and not writes["count"]):
        return
    raise Refused(
        loss["statement"], place=f"instance {job.storage.name}", data_loss=loss,
        cure="show this to the person who decides, then set lose_writes_confirmed_by to their name",
    )


def _work(job: Restore, plan: Plan) -> dict[str, Any]:
    return {
        "path": job.path, "root_digest": job.manifest.root_digest,
        "datasets": [_dataset(one, plan) for one in plan.datasets],
        "blocks_differing": sum(one.changes.count for one in plan.replace),
        "blocks_total": sum(one.changes.total for one in plan.datasets),
        "bytes_written": plan.bytes_written,
        "routines_written": list(plan.routines.write), "routines_removed": list(plan.routines.remove),
        "not_in_set": list(plan.not_in_set),
    }


def _dataset(one: Found, plan: Plan) -> dict[str, Any]:
    way = plan.ways.get(one.copy.name)
    return {
        "name": one.copy.name, "path": one.path, "same": one.same,
        "blocks_differing": one.changes.count, "blocks_total": one.changes.total,
        "block_size": one.stored.layout.block_size,
        "way": way.way if way else "", "reason": way.reason if way else "",
        "bytes_written": bytes_of(one, way) if way else 0,
    }


def _outcome(job: Restore, plan: Plan, loss: dict[str, Any], planned: bool) -> Outcome:
    record = {**_work(job, plan), "data_loss": loss}
    if planned:
        record["attached"] = list(job.storage.attached().pids)
    return Outcome(
        plan.needed, record, before=_listing(plan, "differs"),
        after=_listing(plan, job.manifest.root_digest[:16]), message=_said(plan, record, planned),
    )


def _said(plan: Plan, record: dict[str, Any], planned: bool) -> str:
    if not plan.needed:
        return "the datasets are the point's already"
    blocks = f"{record['blocks_differing']} of {record['blocks_total']} blocks"
    ways = ", ".join(sorted({way.way for way in plan.ways.values()}))
    if planned:
        return f"{blocks} would change ({ways or 'nothing to write'}); {record['data_loss']['statement']}"
    return f"{blocks} differed ({ways or 'nothing to write'}), the datasets are the point's again"


def _listing(plan: Plan, state: str) -> str:
    lines = [f"dataset {one.copy.name}: {_line(one, plan, state)}" for one in plan.datasets]
    lines += [f"routine {name}: {state}" for name in plan.routines.write]
    lines += [f"routine {name}: {'there' if state == 'differs' else 'gone'}" for name in plan.routines.remove]
    return "\n".join(lines) + "\n"


def _line(one: Found, plan: Plan, state: str) -> str:
    if one.same:
        return "as the point"
    blocks = f"{one.changes.count} of {one.changes.total} blocks"
    return f"{blocks} {'differ' if state == 'differs' else state} ({plan.ways[one.copy.name].way})"
