# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of ``restore``, and the undo handler that brings datasets back."""

from __future__ import annotations

import tempfile
from typing import Any, Iterator, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Position
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_journal import (
    Writer,
    Writes,
    writes_since,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_restore import GtmRestore, Plan
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, Refused
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.backup_set import gtm_instance
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import (
    Host,
    Outcome,
    Permit,
    UndoContext,
)


def restore(host: Host) -> Outcome:
    """The datasets and routines of an instance are those of a backup set again."""
    permit = host.guard(going_back=host.ledger.receipt(host.params["change"] or "") is not None)
    path = host.params["path"].rstrip("/")
    job = GtmRestore(gtm_instance(host.params["instance"]), path, host.tmpdir, host.params["reserve"])
    _require_known(host, job)
    job.verify()
    person = host.params["lose_writes_confirmed_by"].strip() or job.confirmed_by
    if host.check_mode:
        plan = job.plan()
        return _outcome(job, plan, _loss(host, job, plan, person), planned=True)
    with job.alone():
        job.require_standalone()
        job.settle()
        plan = job.plan()
        loss = _loss(host, job, plan, person)
        if plan.needed:
            _require_word(job, loss)
            _carry_out(host, permit, job, plan, person)
    return _outcome(job, plan, loss, planned=False)


def _carry_out(host: Host, permit: Permit, job: GtmRestore, plan: Plan, person: str) -> None:
    target = f"{job.instance.name}:{job.manifest.point}"
    intent = {"path": job.path, "root_digest": job.manifest.root_digest, "lose_writes_confirmed_by": person}
    with host.act("restore", target, intent, {}) as act:
        job.carry_out(plan, person)
        act.note(
            datasets=[one.copy.name for one in plan.finish], change=permit.change,
            routines=list(plan.routines.write + plan.routines.remove),
        )


def release_writers(ledger: Ledger, change: str) -> list[Writer]:
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
    was cut off, what it has replaced already cannot be lost once more, and its word holds.
    """
    writers = [Writer(int(pid), since=point["taken_at"]) for pid in pids]
    with tempfile.TemporaryDirectory(prefix="relmgmt-") as scratch:
        job = GtmRestore(gtm_instance(recipe["instance"]), point["path"], scratch)
        positions = job.manifest.positions
        if job.unfinished:
            if job.confirmed_by:
                return Writes("", 0, (), {}, {})
            positions = _positions(job.plan())
        return writes_since(job.reachable, positions, writers, scratch)


def _positions(plan: Plan) -> dict[str, Position]:
    """Journal positions of the datasets that are still to be replaced."""
    return {one.copy.name: one.copy.position for one in plan.replace if one.copy.position}


def undo_datasets(recipe: dict[str, Any], context: UndoContext) -> dict[str, Any]:
    """Restore ``recipe["path"]`` into ``recipe["instance"]``; a point that is there already is left alone.

    Whether users' writes may be lost was decided before (going_back.choose_way).
    """
    job = GtmRestore(
        gtm_instance(recipe["instance"]), recipe["path"], context.tmpdir, int(recipe.get("reserve") or 0)
    )
    job.verify()
    with job.alone():
        job.require_standalone()
        job.settle()
        plan = job.plan()
        if plan.needed:
            job.carry_out(plan)
    return {**_work(job, plan), "changed": plan.needed}


def _require_known(host: Host, job: GtmRestore) -> None:
    """A set that the ledger knows must be the one that was recorded."""
    for point in host.ledger.points(instance=job.instance.name):
        if point["path"] == job.path and point["root_digest"] != job.manifest.root_digest:
            raise DatasetError(
                "the set is not the one that the ledger recorded", place=job.path,
                cure="find the recorded set, or restore another point", recorded=point["root_digest"],
            )


def _loss(host: Host, job: GtmRestore, plan: Plan, person: str) -> dict[str, Any]:
    """The data-loss statement, about the datasets that would be replaced."""
    replaced = _positions(plan)
    writes = None
    if replaced:
        writers = release_writers(host.ledger, job.manifest.change)
        writes = writes_since(job.reachable, replaced, writers, host.tmpdir, flush=not host.check_mode)
    return {
        "statement": _statement(job.manifest.taken_at, writes), "point": job.manifest.point,
        "taken_at": job.manifest.taken_at, "writes": writes.as_dict() if writes else None,
        "confirmed_by": person,
    }


def _statement(taken: str, writes: Writes | None) -> str:
    if writes is None:
        return f"nothing is lost: no dataset differs from the point of {taken}"
    if writes.unknown:
        return f"what was written since {taken} is unknown ({writes.unknown}); a restore loses it"
    if not writes.total:
        return f"nothing is lost: only the release wrote since {taken}"
    by = ", ".join(f"{name}: {count}" for name, count in sorted(writes.by.items()))
    return f"a restore loses {writes.total} writes since {taken}, by {by}"


def _require_word(job: GtmRestore, loss: dict[str, Any]) -> None:
    """No write by a user is lost without a named person's word (invariant 13)."""
    writes = loss["writes"]
    if writes is None or loss["confirmed_by"] or (writes["known"] and not writes["count"]):
        return
    raise Refused(
        loss["statement"], place=f"instance {job.instance.name}", data_loss=loss,
        cure="show this to the person who decides, then set lose_writes_confirmed_by to their name",
    )


def _work(job: GtmRestore, plan: Plan) -> dict[str, Any]:
    return {
        "path": job.path, "root_digest": job.manifest.root_digest,
        "datasets": [
            {"name": one.copy.name, "path": one.path, "same": one.same,
             "blocks_differing": one.compared.differing, "blocks_total": one.compared.total}
            for one in plan.datasets
        ],
        "blocks_differing": sum(one.compared.differing for one in plan.replace),
        "blocks_total": sum(one.compared.total for one in plan.datasets),
        "routines_written": list(plan.routines.write), "routines_removed": list(plan.routines.remove),
        "not_in_set": list(plan.not_in_set),
    }


def _outcome(job: GtmRestore, plan: Plan, loss: dict[str, Any], planned: bool) -> Outcome:
    record = {**_work(job, plan), "data_loss": loss}
    if planned:
        record["attached"] = list(job.attached().pids)
    blocks = f"{record['blocks_differing']} of {record['blocks_total']} blocks"
    said = f"{blocks} would change" if planned else f"{blocks} differed, the datasets are the point's again"
    return Outcome(
        plan.needed, record, before=_listing(plan, "differs"),
        after=_listing(plan, job.manifest.root_digest[:16]),
        message=said if plan.needed else "the datasets are the point's already",
    )


def _listing(plan: Plan, state: str) -> str:
    lines = [
        f"dataset {one.copy.name}: "
        + ("as the point" if one.same else f"{one.compared.differing} of {one.compared.total} blocks {state}")
        for one in plan.datasets
    ]
    lines += [f"routine {name}: {state}" for name in plan.routines.write]
    lines += [f"routine {name}: {'there' if state == 'differs' else 'gone'}" for name in plan.routines.remove]
    return "\n".join(lines) + "\n"
