# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing a package of database code on an instance, and looking at one.

Everything is read, compared, refused and compiled aside first; then pre-images are kept,
the intent and its undo are recorded, and only then is the first item touched.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core import (
    global_plan,
    package_file,
    package_lint,
    package_plan,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ExportItem
from ansible_collections.relmgmt.release.plugins.module_utils._core.drop_manifest import release_of
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Node
from ansible_collections.relmgmt.release.plugins.module_utils._core.package_plan import (
    Plan,
    Recorded,
    Rules,
    Selection,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.release import CODE
from ansible_collections.relmgmt.release.plugins.module_utils._core.steps import PENDING, TIMEOUT
from ansible_collections.relmgmt.release.plugins.module_utils._drop import fetch
from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_engine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Engine
from ansible_collections.relmgmt.release.plugins.module_utils._errors import CompileFailed
from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package_load import Load, component
from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package_record import recorded
from ansible_collections.relmgmt.release.plugins.module_utils._module.cache_package_steps import (
    Pending,
    look_at_steps,
    refuse_unfinished,
    run_steps,
)
from ansible_collections.relmgmt.release.plugins.module_utils._module.drop_spec import DROP_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.instance import INSTANCE_SPEC
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome, Permit
from ansible_collections.relmgmt.release.plugins.module_utils._module.view import HostView

CHUNK = 1 << 16
#: documented in the fragment relmgmt.release.cache_xml
LOOK_SPEC: Dict[str, Any] = {
    **INSTANCE_SPEC,
    **DROP_SPEC,
    "type": {"type": "str", "default": package_file.CACHE_XML, "choices": list(CODE)},
    "drops": {"type": "list", "elements": "str", "default": []},
    "globals": {
        "type": "list", "elements": "dict", "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "mode": {"type": "str", "required": True, "choices": list(global_plan.MODES)},
        },
    },
    "percent_items": {"type": "list", "elements": "str", "default": []},
    "steps": {
        "type": "list", "elements": "dict", "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "call": {"type": "str", "required": True},
            "arguments": {"type": "list", "elements": "str", "default": []},
            "expect": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": int(TIMEOUT)},
            "undo": {
                "type": "dict", "required": True,
                "options": {
                    "call": {"type": "str"},
                    "arguments": {"type": "list", "elements": "str", "default": []},
                    "expect": {"type": "str"},
                    "reason": {"type": "str"},
                },
                "required_together": [("call", "expect")], "mutually_exclusive": [("call", "reason")],
                "required_one_of": [("call", "reason")],
            },
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
    row: Mapping[str, Any]
    plan: Plan
    steps: Tuple[Pending, ...]

    @property
    def changed(self) -> bool:
        """Whether installing would change anything, or run a step."""
        return self.plan.changed or any(one.state == PENDING for one in self.steps)


def inspect(host: HostView) -> Outcome:
    """What installing would do, and what is installed; changes nothing."""
    seen = _observe(host, release_of(host.params["bundle"]))
    return Outcome(False, _record(seen), *package_plan.texts(seen.plan), message=_said(seen))


def install(host: Host) -> Outcome:
    """The items of the package are loaded and compiled, its steps done; the previous items are kept."""
    permit = host.guard(packages=[host.params["sha256"]])
    seen = _observe(host, permit.release or release_of(host.params["bundle"]))
    plan = seen.plan
    package_plan.refuse_newer(plan, host.params["newer_on_target"], host.params["file"])
    refuse_unfinished(seen.steps, host.ledger.path)
    _require_compiling(seen)
    record = {**_record(seen), "compiled": len(plan.loads)}
    if not host.check_mode:
        record["writer_pids"] = _carry_out(host, permit, seen)
        record["steps"] = [one._replace(state="done").as_dict() for one in seen.steps]
    return Outcome(seen.changed, record, *package_plan.texts(plan), message=_said(seen))


def _carry_out(host: Host, permit: Permit, seen: Seen) -> List[int]:
    load = Load(host, permit, seen.engine, seen.plan, seen.row)
    pids = load.carry_out(seen.changed)
    return pids + run_steps(host, seen.engine, seen.steps)


def _observe(host: HostView, release: str) -> Seen:
    params = host.params
    engine = open_engine(params["instance"])
    rules = Rules(engine.loadable, engine.home_of, engine.check_global_name)
    path = fetch(params["drop"], params["bundle"], params["file"], params["sha256"], host.tmpdir)
    items = _items(params["type"], path, params["file"])
    selection = package_plan.select(items, package_lint.terms_of(params), rules, params["file"])
    steps = look_at_steps(host, engine, release)
    row = host.ledger.current(component(params["instance"])) or {}
    known = recorded(row, host.state_dir)
    live = engine.read_items(_names(selection, known, release, rules))
    nodes = {item.name: _live_nodes(engine, item.name, mode, item.nodes)
             for item, mode in selection.globals}
    plan = package_plan.compare(selection, live, nodes, known, release, rules)
    return Seen(engine, row, plan, steps)


def _items(kind: str, path: str, file: str) -> List[ExportItem]:
    return list(package_file.read_package(kind, _chunks(path), file))


def _names(selection: Selection, known: Recorded, release: str, rules: Rules) -> List[str]:
    orphans = package_plan.orphan_candidates(selection, known, release, rules)
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


def _chunks(path: str) -> Iterator[bytes]:
    with open(path, "rb") as stream:
        yield from iter(lambda: stream.read(CHUNK), b"")


def _record(seen: Seen) -> Dict[str, Any]:
    plan = seen.plan
    return {
        "items": plan.summary(), "orphans": list(plan.orphans), "newer": list(plan.newer),
        "steps": [one.as_dict() for one in seen.steps],
        "findings": [finding.as_dict() for finding in plan.findings],
        "warnings": [f"{finding}. {finding.cure}".rstrip(". ") for finding in plan.findings],
    }


def _said(seen: Seen) -> str:
    plan = seen.plan
    states = (package_plan.ADDED, package_plan.CHANGED, package_plan.NEWER, package_plan.DROPPED)
    counts = [f"{len(plan.named(state))} {state}" for state in (*states, package_plan.SAME)]
    orphans = f"; orphans: {', '.join(plan.orphans)}" if plan.orphans else ""
    pending = [one.step.name for one in seen.steps if one.state == PENDING]
    steps = f"; steps: {', '.join(pending)}" if pending else ""
    return ", ".join(counts) + orphans + steps
