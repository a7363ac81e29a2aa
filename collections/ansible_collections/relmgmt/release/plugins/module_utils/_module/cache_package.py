# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing a Caché XML package on an instance, looking at one, and going back.

Everything is read, compared, refused and compiled aside first; then pre-images are kept,
the intent and its undo are recorded, and only then is the first item touched.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._core import global_plan, package_plan
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml import read_export
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import (
    Node,
    digest_items,
    digest_lines,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.package_plan import (
    Plan,
    Recorded,
    Rules,
    Selection,
)
from ansible_collections.relmgmt.release.plugins.module_utils._drop import fetch
from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_engine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Engine
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    CompileFailed,
    EngineError,
    Refused,
)
from ansible_collections.relmgmt.release.plugins.module_utils._files import write_durably
from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package_undo import GLOBALS_FILE
from ansible_collections.relmgmt.release.plugins.module_utils._module.drop_spec import DROP_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.instance import INSTANCE_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Act, Host, Outcome, Permit

MODULE = "cache_package"
CHUNK = 1 << 20
#: documented in the fragment relmgmt.release.cache_xml
LOOK_SPEC: Dict[str, Any] = {
    **INSTANCE_SPEC,
    **DROP_SPEC,
    "drops": {"type": "list", "elements": "str", "default": []},
    "globals": {
        "type": "list", "elements": "dict", "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "mode": {"type": "str", "required": True, "choices": list(global_plan.MODES)},
        },
    },
}
CHANGE_SPEC: Dict[str, Any] = {
    "max_backup_age": {"type": "int", "default": 14400},
    "backup_root": {"type": "path"},
    "newer_on_target": {
        "type": "str", "default": "refuse", "choices": list(package_plan.POLICIES),
    },
}


class Seen(NamedTuple):
    """What was found before anything is done."""

    engine: Engine
    selection: Selection
    recorded: Recorded
    row: Mapping[str, Any]
    plan: Plan


def inspect(host: Host) -> Outcome:
    """What installing would do, and what is installed; changes nothing."""
    seen = _observe(host, "")
    return Outcome(False, _record(seen.plan), *package_plan.texts(seen.plan), message=_said(seen.plan))


def install(host: Host) -> Outcome:
    """The items of the package are loaded and compiled; the previous ones are kept."""
    permit = host.guard(packages=[host.params["sha256"]])
    seen = _observe(host, permit.release)
    plan = seen.plan
    package_plan.refuse_newer(plan, host.params["newer_on_target"], host.params["file"])
    _require_compiling(seen)
    record = {**_record(plan), "compiled": len(plan.loads)}
    if not host.check_mode:
        record["writer_pids"] = _carry_out(host, permit, seen)
    return Outcome(plan.changed, record, *package_plan.texts(plan), message=_said(plan))


def component(instance: Mapping[str, Any]) -> str:
    """The ledger's name for the code of an instance."""
    return f"{MODULE}:{instance['name']}"


def _observe(host: Host, release: str) -> Seen:
    params = host.params
    engine = open_engine(params["instance"])
    rules = Rules(engine.loadable, engine.home_of, engine.check_global_name)
    modes = {entry["name"]: entry["mode"] for entry in params["globals"]}
    path = fetch(params["drop"], params["bundle"], params["file"], params["sha256"], host.tmpdir)
    items = list(read_export(_chunks(path), params["file"]))
    selection = package_plan.select(items, params["drops"], modes, rules, params["file"])
    row = host.ledger.current(component(params["instance"])) or {}
    recorded = _recorded(row)
    live = engine.read_items(_names(selection, recorded, release, rules))
    nodes = {item.name: _live_nodes(engine, item.name, mode, item.nodes)
             for item, mode in selection.globals}
    plan = package_plan.compare(selection, live, nodes, recorded, release, rules)
    return Seen(engine, selection, recorded, row, plan)


def _names(selection: Selection, recorded: Recorded, release: str, rules: Rules) -> List[str]:
    orphans = package_plan.orphan_candidates(selection, recorded, release, rules)
    return [item.name for item in selection.code] + list(selection.drops) + orphans


def _live_nodes(engine: Engine, name: str, mode: str, nodes: Tuple[Node, ...]) -> List[Node]:
    if mode == global_plan.REPLACE:
        return engine.read_global(name)
    return engine.read_nodes(name, [node.subscripts for node in nodes])


def _require_compiling(seen: Seen) -> None:
    errors = seen.engine.check_items(list(seen.plan.loads))
    if errors:
        first = "; ".join(f"{e.item} line {e.line}: {e.message}" for e in errors[:5])
        raise CompileFailed(
            f"{len({e.item for e in errors})} items do not compile; nothing was touched: {first}",
            place="line 1 is the first line of the routine", cure="correct the package",
            errors=[error.as_dict() for error in errors],
        )


def _carry_out(host: Host, permit: Permit, seen: Seen) -> List[int]:
    """Code first, then globals; what is current is recorded with the last act."""
    plan = seen.plan
    if plan.changed:
        _require_backup(host, permit)
        _require_thawed(seen.engine)
    elif not _unrecorded(host, permit, seen):
        return []
    pids: List[int] = []
    if plan.loads or plan.removes or not plan.changes:
        with _code_act(host, seen) as act:
            failpoint("package.begun")
            _load(seen, act)
            if not plan.changes:
                _set_current(host, permit, plan)
    if plan.changes:
        with _globals_act(host, seen) as act:
            failpoint("package.globals")
            pids = _write_globals(seen, act)
            failpoint("package.written")
            _set_current(host, permit, plan)
    return pids


def _code_act(host: Host, seen: Seen) -> Any:
    names = [item.name for item in seen.plan.loads] + list(seen.plan.removes)
    kept = host.preimage_dir("routines") if names else ""
    if names:
        seen.engine.save_items(names, kept)
    digests = {item.name: digest_lines(item.lines) for item in seen.plan.loads}
    prior = {entry.name: digest_lines(entry.before) for entry in seen.plan.entries
             if entry.name in names and entry.before is not None}
    instance = host.params["instance"]
    return host.act(
        MODULE, instance["name"],
        intent={"loads": sorted(digests), "removes": list(seen.plan.removes)},
        undo={"kind": "cache_items", "instance": instance, "preimages": kept, "items": names,
              "installed": digests, "prior": prior},
    )


def _globals_act(host: Host, seen: Seen) -> Any:
    kept = host.preimage_dir("globals")
    rows = {change.name: global_plan.preimage(change) for change in seen.plan.changes}
    write_durably(os.path.join(kept, GLOBALS_FILE), json.dumps(rows, sort_keys=True).encode(), 0o600)
    instance = host.params["instance"]
    return host.act(
        MODULE, instance["name"], intent={"globals": sorted(rows)},
        undo={"kind": "globals", "instance": instance, "preimages": kept},
    )


def _load(seen: Seen, act: Act) -> None:
    plan = seen.plan
    if not plan.loads and not plan.removes:
        return
    written = seen.engine.load_items(list(plan.loads), list(plan.removes))
    act.note(names=list(written.names), writer_pids=list(written.pids))
    live = seen.engine.read_items([item.name for item in plan.loads] + list(plan.removes))
    wrong = [item.name for item in plan.loads
             if item.name not in live or live[item.name].stale
             or digest_lines(live[item.name].lines) != digest_lines(item.lines)]
    wrong += [name for name in plan.removes if name in live]
    if wrong:
        raise EngineError(f"not what the package says after loading: {', '.join(wrong)}",
                          place="the instance", cure="roll back; see what else writes there")


def _write_globals(seen: Seen, act: Act) -> List[int]:
    try:
        written = seen.engine.write_globals(list(seen.plan.changes))
    except EngineError as error:
        act.note(writer_pids=[error.detail["pid"]] if "pid" in error.detail else [])
        raise
    act.note(names=list(written.names), writer_pids=list(written.pids))
    return list(written.pids)


def _set_current(host: Host, permit: Permit, plan: Plan) -> None:
    instance = host.params["instance"]
    host.ledger.set_current(
        component(instance), permit.release, host.params["sha256"], _detail(plan, instance)
    )


def _detail(plan: Plan, instance: Mapping[str, Any]) -> Dict[str, Any]:
    """What the ledger keeps: each item's digest, and how to look for drift."""
    digests = {name: entry["digest"] for name, entry in plan.detail["items"].items()
               if not name.startswith("^")}
    observe = {"kind": "cache_items", "instance": dict(instance), "names": sorted(digests),
               "digest": digest_items(digests)}
    return {**plan.detail, "observe": observe}


def _unrecorded(host: Host, permit: Permit, seen: Seen) -> bool:
    """Nothing to load, yet the ledger does not say that this release is what is there."""
    detail = _detail(seen.plan, host.params["instance"])
    return seen.row.get("release") != permit.release or seen.row.get("detail") != detail


def _require_thawed(engine: Engine) -> None:
    """A write to a frozen dataset waits, and nobody knows for how long (T18, T27)."""
    frozen = [dataset.path for dataset in engine.info().datasets if dataset.frozen]
    if frozen:
        raise Refused(
            f"datasets are frozen: {', '.join(frozen)}", place="the instance",
            cure="wait for the backup that froze them; if there is none, thaw them (GT.M: mupip freeze -off)",
        )


def _require_backup(host: Host, permit: Permit) -> None:
    """Nothing is changed before a verified point of this attempt (invariant 2)."""
    name = host.params["instance"]["name"]
    points = [point for point in host.ledger.points(change=permit.change, instance=name)
              if point["attempt"] == permit.attempt and point["point"] == "before"]
    problem = _backup_problem(points, host) if points else "there is no verified point `before`"
    if problem:
        raise Refused(
            f"{problem} of instance {name} for {permit.change}, attempt {permit.attempt}",
            place=host.ledger.path, cure="run the backup phase of this change",
        )


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


def _recorded(row: Mapping[str, Any]) -> Recorded:
    detail = row.get("detail") or {}
    return Recorded(row.get("release", ""), detail.get("items", {}), tuple(detail.get("orphans", ())))


def _chunks(path: str) -> Iterator[bytes]:
    with open(path, "rb") as stream:
        yield from iter(lambda: stream.read(CHUNK), b"")


def _record(plan: Plan) -> Dict[str, Any]:
    return {"items": plan.summary(), "orphans": list(plan.orphans),
            "newer": plan.named(package_plan.NEWER)}


def _said(plan: Plan) -> str:
    states = (package_plan.ADDED, package_plan.CHANGED, package_plan.NEWER, package_plan.DROPPED)
    counts = [f"{len(plan.named(state))} {state}" for state in (*states, package_plan.SAME)]
    orphans = f"; orphans: {', '.join(plan.orphans)}" if plan.orphans else ""
    return ", ".join(counts) + orphans
