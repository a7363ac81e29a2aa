# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading a package: pre-images and intent first, then the items; all of them, or none as users see it.

A failure in the middle puts everything back from the pre-images before the module ends. A
process that is killed leaves that to the rollback: the acts name the pre-images.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Mapping, Sequence, Set, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._core import global_plan, package_plan
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Item, digest_lines
from ansible_collections.relmgmt.release.plugins.module_utils._core.package_plan import Plan
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Engine
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, Refused, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._files import write_durably
from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package_record import (
    detail_of,
    keep_written,
)
from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package_undo import (
    GLOBALS_FILE,
    undo_cache_items,
    undo_globals,
)
from ansible_collections.relmgmt.release.plugins.module_utils._module.instance import recipe_of
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Act, Host, Permit, UndoContext

MODULE = "cache_package"
UNDO: Dict[str, Callable[[Dict[str, Any], Any], Dict[str, Any]]] = {
    "cache_items": undo_cache_items, "globals": undo_globals,
}


def component(instance: Mapping[str, Any]) -> str:
    """The ledger's name for the code of an instance."""
    return f"{MODULE}:{instance['name']}"


class Load:
    """One package's way into an instance; ``row``: what the ledger says is current there."""

    def __init__(self, host: Host, permit: Permit, engine: Engine, plan: Plan, row: Mapping[str, Any]) -> None:
        self.host = host
        self.permit = permit
        self.engine = engine
        self.plan = plan
        self.row = row
        self.instance: Mapping[str, Any] = recipe_of(host.params["instance"])
        #: acts begun by this load, with the recipes that undo them
        self.begun: List[Tuple[int, Dict[str, Any]]] = []

    def carry_out(self, changes: bool) -> List[int]:
        """Code first, then globals; what is current is recorded with the last act.

        ``changes``: this or a step after it changes something. Returns the processes that wrote.
        """
        plan = self.plan
        if changes:
            self._require_backup()
            self._require_thawed()
        elif not self._unrecorded():
            return []
        if changes and not plan.changed and not self._unrecorded():
            return []  # only steps are left to do
        with self._all_or_nothing():
            pids: List[int] = []
            if plan.loads or plan.removes or not plan.changes:
                pids += self._load_code()
            if plan.changes:
                pids += self._write_globals()
        return pids

    def _load_code(self) -> List[int]:
        with self._code_act() as act:
            failpoint("package.begun")
            pids = self._load(act)
            if not self.plan.changes:
                self._set_current()
        return pids

    def _write_globals(self) -> List[int]:
        with self._globals_act() as act:
            failpoint("package.globals")
            try:
                written = self.engine.write_globals(list(self.plan.changes))
            except EngineError as error:
                act.note(writer_pids=[error.detail["pid"]] if error.detail.get("pid") else [])
                raise
            act.note(names=list(written.names), writer_pids=list(written.pids))
            failpoint("package.written")
            self._set_current()
        return list(written.pids)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        try:
            yield
        except (RelmgmtError, OSError) as error:
            if not self.begun:
                raise
            raise self._put_back(error) from error

    def _put_back(self, error: Exception) -> RelmgmtError:
        """Undo what this load did, newest first; the error, with what became of it."""
        context = UndoContext(self.host.tmpdir, self.host.state_dir)
        left: List[str] = []
        for number, recipe in reversed(self.begun):
            try:
                # With the secrets that the ledger does not keep.
                detail = UNDO[recipe["kind"]]({**recipe, "instance": self.host.params["instance"]}, context)
            except (RelmgmtError, OSError) as problem:
                left.append(str(problem))
            else:
                self.host.ledger.undo_act(number, {**detail, "by": "the failed load itself"})
        told = f"; putting the items back failed as well: {'; '.join(left)}" if left else "; everything was put back"
        if not isinstance(error, RelmgmtError):
            error = EngineError(str(error), cure="see to space and permissions there, then run again")
        return type(error)(
            error.message + told, place=error.place, cure="roll back" if left else error.cure,
            **{**error.detail, "put_back": not left},
        )

    @contextmanager
    def _act(self, intent: Dict[str, Any], undo: Dict[str, Any]) -> Iterator[Act]:
        with self.host.act(MODULE, self.instance["name"], intent=intent, undo=undo) as act:
            self.begun.append((act.number, undo))
            yield act

    def _code_act(self) -> Any:
        plan = self.plan
        names = [item.name for item in plan.loads] + list(plan.removes)
        kept = self.host.preimage_dir("routines") if names else ""
        if names:
            self.engine.save_items(names, kept)
        digests = {item.name: digest_lines(item.lines) for item in plan.loads}
        prior = {entry.name: entry.digest for entry in plan.entries if entry.name in names and entry.digest}
        return self._act(
            {"loads": sorted(digests), "removes": list(plan.removes)},
            {"kind": "cache_items", "instance": self.instance, "preimages": kept, "items": names,
             "installed": digests, "prior": prior},
        )

    def _globals_act(self) -> Any:
        kept = self.host.preimage_dir("globals")
        rows = {change.name: global_plan.preimage(change) for change in self.plan.changes}
        write_durably(os.path.join(kept, GLOBALS_FILE), json.dumps(rows, sort_keys=True).encode(), 0o600)
        return self._act({"globals": sorted(rows)}, {"kind": "globals", "instance": self.instance, "preimages": kept})

    def _load(self, act: Act) -> List[int]:
        plan = self.plan
        wanted = [item.name for item in plan.loads] + list(plan.removes)
        if not wanted:
            return []
        try:
            written = self.engine.load_items(list(plan.loads), list(plan.removes))
        except EngineError as error:
            act.note(writer_pids=[error.detail["pid"]] if error.detail.get("pid") else [])
            raise
        act.note(names=list(written.names), writer_pids=list(written.pids))
        _require_listed(wanted, written.names)
        live = self.engine.read_items(wanted)
        _require_loaded(plan.loads, plan.removes, live)
        self.plan = plan._replace(detail=package_plan.settled(plan.detail, live))
        # Compiling may complete a class: going back tells that from what somebody mended.
        items = self.plan.detail["items"]
        act.note(live={name: items[name]["live"] for name in live if "live" in items[name]})
        return list(written.pids)

    def _set_current(self) -> None:
        keep_written(self.plan, self.host.state_dir)
        self.host.ledger.set_current(
            component(self.instance), self.permit.release, self.host.params["sha256"],
            detail_of(self.plan, self.instance),
        )

    def _unrecorded(self) -> bool:
        """The ledger does not say that this release is what is there."""
        detail = detail_of(self.plan, self.instance)
        return self.row.get("release") != self.permit.release or self.row.get("detail") != detail

    def _require_thawed(self) -> None:
        """A write to a frozen dataset waits, and nobody knows for how long (T18, T27)."""
        frozen = [dataset.path for dataset in self.engine.info().datasets if dataset.frozen]
        if frozen:
            raise Refused(
                f"datasets are frozen: {', '.join(frozen)}", place="the instance",
                cure="wait for the backup that froze them; if there is none, thaw them (GT.M: mupip freeze -off)",
            )

    def _require_backup(self) -> None:
        """Nothing is changed before a verified point of this attempt (invariant 2)."""
        host, permit, name = self.host, self.permit, self.instance["name"]
        points = [point for point in host.ledger.points(change=permit.change, instance=name)
                  if point["attempt"] == permit.attempt and point["point"] == "before"]
        problem = _backup_problem(points, host) if points else "there is no verified point `before`"
        if problem:
            raise Refused(
                f"{problem} of instance {name} for {permit.change}, attempt {permit.attempt}",
                place=host.ledger.path, cure="run the backup phase of this change",
            )


def _require_listed(wanted: Sequence[str], listed: Sequence[str]) -> None:
    """What a load really did is its list: every item of the package, and no other."""
    left, more = _keys(wanted) - _keys(listed), _keys(listed) - _keys(wanted)
    if left or more:
        told = [f"not loaded: {', '.join(sorted(left))}"] if left else []
        told += [f"loaded beside it: {', '.join(sorted(more))}"] if more else []
        raise EngineError(
            f"the engine did not load exactly the package; {'; '.join(told)}", place="the instance",
            cure="see the engine's own messages of the load",
        )


def _require_loaded(loads: Sequence[Item], removes: Sequence[str], live: Mapping[str, Item]) -> None:
    wrong = [item.name for item in loads if not package_plan.is_loaded(item, live.get(item.name))]
    wrong += [name for name in removes if name in live]
    if wrong:
        raise EngineError(f"not what the package says after loading: {', '.join(wrong)}",
                          place="the instance", cure="see what else writes there")


def _keys(names: Sequence[str]) -> Set[str]:
    """Names for comparing: engines spell the type in either case."""
    split = [name.rpartition(".") for name in names]
    return {f"{bare}.{kind.upper()}" if bare and "/" not in name else name
            for name, (bare, _dot, kind) in zip(names, split)}


def _backup_problem(points: List[Dict[str, Any]], host: Host) -> str:
    newest = points[0]
    age = host.now() - newest["taken_at"]
    root = host.params["backup_root"]
    if age > host.params["max_backup_age"]:
        return f"the point `before` is {age:.0f} s old, more than {host.params['max_backup_age']} s,"
    if not os.path.isdir(newest["path"]):
        return f"{newest['path']} is gone, the point `before`"
    if root and os.path.commonpath([os.path.realpath(root), os.path.realpath(newest["path"])]) \
            != os.path.realpath(root):
        return f"{newest['path']} is not under {root}, the point `before`"
    return ""
