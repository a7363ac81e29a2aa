# SPDX-License-Identifier: GPL-3.0-or-later
"""What loading a package would do: package, live system and ledger compared.

Pure: the caller brings what it observed; ``Rules`` says what the engine can hold.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core import global_plan, package_lint
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ExportItem
from ansible_collections.relmgmt.release.plugins.module_utils._core.class_element import (
    same_element,
    storage_of,
    without_times,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.finding import WARNING, Finding, errors
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import (
    ELEMENT,
    GlobalChange,
    Item,
    Node,
    digest_lines,
    same_mode,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.package_lint import Terms
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, Refused

SAME, ADDED, CHANGED, NEWER, DROPPED = "same", "added", "changed", "newer", "dropped"
POLICIES = ("refuse", "overwrite")
SHOWN_NAMES = 20
HOROLOG = re.compile(r"(\d+),(\d+(?:\.\d*)?)")


class Rules(NamedTuple):
    """What an engine can hold: item types, and what an item or a global occupies there."""

    loadable: FrozenSet[str]
    home_of: Callable[[str], str]
    check_global: Callable[[str], None]


class Selection(NamedTuple):
    """A package that this engine can take: its code, its globals with their mode, its drops.

    ``findings``: what is unwise about it, and what of it is left alone.
    """

    code: Tuple[ExportItem, ...]
    globals: Tuple[Tuple[ExportItem, str], ...]
    drops: Tuple[str, ...]
    findings: Tuple[Finding, ...] = ()


class Recorded(NamedTuple):
    """What the ledger says was installed: release, digest and release of each item, orphans.

    An item's ``live``, if it differs from its ``digest``: what the engine showed of it once it was
    loaded. ``written``: of each global, what releases have written (``global_plan.written``).
    """

    release: str = ""
    items: Mapping[str, Mapping[str, str]] = {}
    orphans: Tuple[str, ...] = ()
    written: Mapping[str, Mapping[str, str]] = {}


class Entry(NamedTuple):
    """One item of the plan. ``before`` and ``after``: its lines, None where there is none.

    ``digest``: of the live code item that is to be replaced or removed.
    """

    name: str
    kind: str
    state: str
    reason: str = ""
    before: Optional[Tuple[str, ...]] = None
    after: Optional[Tuple[str, ...]] = None
    digest: str = ""


class Plan(NamedTuple):
    """What to do: ``loads`` and ``removes`` for code, ``changes`` for globals; ``detail`` and
    ``written`` are what shall be recorded afterwards. ``newer``: items and nodes of globals."""

    entries: Tuple[Entry, ...]
    loads: Tuple[Item, ...]
    removes: Tuple[str, ...]
    changes: Tuple[GlobalChange, ...]
    orphans: Tuple[str, ...]
    detail: Dict[str, Any]
    written: Dict[str, Dict[str, str]]
    newer: Tuple[str, ...]
    findings: Tuple[Finding, ...]

    @property
    def changed(self) -> bool:
        """Whether anything on the instance would change."""
        return bool(self.loads or self.removes or self.changes)

    def named(self, *states: str) -> List[str]:
        """Names of the entries in one of these states."""
        return [entry.name for entry in self.entries if entry.state in states]

    def summary(self) -> List[Dict[str, str]]:
        """Name, kind and state of each item, as modules return them."""
        return [
            {"name": entry.name, "kind": entry.kind, "state": entry.state, "reason": entry.reason}
            for entry in self.entries
        ]


def select(items: Iterable[ExportItem], terms: Terms, rules: Rules, file: str) -> Selection:
    """Refuse by name whatever is wrong or the engine cannot take, before anything is touched."""
    package = list(items)
    findings = package_lint.lint(package, terms, file)
    _refuse_errors(errors(findings), file)
    package, left = _without_projects(package, rules, file)
    code = [item for item in package if item.kind != "global"]
    data = [item for item in package if item.kind == "global"]
    _refuse_foreign(code, rules, file)
    _refuse_twice([item.name for item in code], list(terms.drops), rules, file)
    for item in data:
        rules.check_global(item.name)
    return Selection(
        tuple(code), tuple((item, terms.modes[item.name]) for item in data), terms.drops, (*findings, *left)
    )


def orphan_candidates(selection: Selection, recorded: Recorded, release: str, rules: Rules) -> List[str]:
    """Items that the release before installed and this one neither holds nor drops (T31)."""
    spoken = {rules.home_of(item.name) for item in selection.code}
    spoken |= {rules.home_of(name) for name in selection.drops}
    before = recorded.release if recorded.release != release else ""
    return sorted(
        name for name, entry in recorded.items.items()
        if not name.startswith("^")
        and (name in recorded.orphans or (before and entry["release"] == before))
        and rules.home_of(name) not in spoken
    )


def compare(
    selection: Selection, live: Mapping[str, Item], nodes: Mapping[str, List[Node]],
    recorded: Recorded, release: str, rules: Rules,
) -> Plan:
    """The plan. ``live`` holds the items of package, drops and orphan candidates that are there;
    ``nodes`` the live nodes of each global: all for replace, the package's for merge."""
    known = {rules.home_of(name): entry for name, entry in recorded.items.items() if not name.startswith("^")}
    entries = [_code_entry(item, live, known.get(rules.home_of(item.name), {})) for item in selection.code]
    entries += [_drop_entry(name, live, known.get(rules.home_of(name), {})) for name in selection.drops]
    loading = {entry.name for entry in entries if entry.state != SAME and entry.after is not None}
    removing = tuple(entry.name for entry in entries if entry.state != SAME and entry.after is None)
    changes = [global_plan.change(item, mode, nodes[item.name]) for item, mode in selection.globals]
    newer = [entry.name for entry in entries if entry.state == NEWER]
    for (item, mode), change in zip(selection.globals, changes):
        fresh = global_plan.newer(change, recorded.written.get(item.name, {}))
        entries.append(_global_entry(item, mode, change, nodes[item.name], fresh))
        newer += fresh
    orphans = tuple(name for name in orphan_candidates(selection, recorded, release, rules) if name in live)
    written = {item.name: global_plan.written(item, mode, recorded.written.get(item.name, {}))
               for item, mode in selection.globals}
    loads = tuple(Item(item.name, item.lines, mode=item.mode) for item in selection.code if item.name in loading)
    same = {entry.name: live[entry.name] for entry in entries if entry.state == SAME and entry.name in live}
    return Plan(
        tuple(entries), loads, removing, tuple(one for one in changes if one.sets or one.removes),
        orphans, settled(_detail(selection, recorded, release, orphans, rules), same),
        {**{name: dict(nodes) for name, nodes in recorded.written.items()}, **written},
        tuple(newer), (*selection.findings, *_storage_findings(selection, live)),
    )


def refuse_newer(plan: Plan, policy: str, place: str) -> None:
    """A hot fix on the target is not overwritten unless the policy says so (T32)."""
    if plan.newer and policy != "overwrite":
        raise Refused(
            f"newer on the target than the last release: {_some(plan.newer)}", place=place,
            cure="take the fix into the package, or set newer_on_target: overwrite", newer=list(plan.newer),
        )


def texts(plan: Plan, limit: int = 1 << 20) -> Tuple[str, str]:
    """Both sides of the diff: the items that differ, each under its name, and what becomes an orphan."""
    differing = [entry for entry in plan.entries if entry.state != SAME]
    before = "".join(_block(entry, entry.before) for entry in differing)
    after = "".join(_block(entry, entry.after) for entry in differing)
    if differing and plan.orphans:
        after += "==> orphans: in the release before, not in this one; they stay <==\n"
        after += "".join(name + "\n" for name in plan.orphans)
    return _bounded(before, limit), _bounded(after, limit)


def settled(detail: Dict[str, Any], live: Mapping[str, Item]) -> Dict[str, Any]:
    """The detail, with what the engine shows of items once they are loaded where it is not their source."""
    items = {name: dict(entry) for name, entry in detail["items"].items()}
    for name, item in live.items():
        if name in items:
            items[name].pop("live", None)
            seen = digest_lines(item.lines)
            if seen != items[name]["digest"]:
                items[name]["live"] = seen
    return {**detail, "items": items}


def is_loaded(wanted: Item, live: Optional[Item]) -> bool:
    """Whether the engine shows what was loaded. Compiling may complete a class, never a routine."""
    if live is None or live.stale or not same_mode(live.mode, wanted.mode):
        return False
    is_element = bool(wanted.lines) and ELEMENT.match(wanted.lines[0]) is not None
    return is_element or digest_lines(live.lines) == digest_lines(wanted.lines)


def _code_entry(item: ExportItem, live: Mapping[str, Item], known: Mapping[str, str]) -> Entry:
    there = live.get(item.name)
    if there is None:
        return Entry(item.name, item.kind, ADDED, "", None, without_times(item.lines))
    is_same, keeps_mode = _is_same(item, there, known), same_mode(there.mode, item.mode)
    if is_same and keeps_mode and not there.stale:
        return Entry(item.name, item.kind, SAME)
    state, reason = CHANGED, "its object is not that of its source"
    if not keeps_mode:
        reason = f"its language mode is {there.mode}, in the package {item.mode}"
    if not is_same:
        state, reason = _against_record(there, known, CHANGED, item.changed)
    before, after = without_times(there.lines), without_times(item.lines)
    return Entry(item.name, item.kind, state, reason, before, after, digest_lines(there.lines))


def _is_same(item: ExportItem, live: Item, known: Mapping[str, str]) -> bool:
    digest = digest_lines(live.lines)
    if digest == item.digest:
        return True
    if not item.element:
        return False
    as_loaded = known.get("digest") == item.digest and known.get("live") == digest
    return as_loaded or same_element(item.element, "\n".join(live.lines).encode("utf-8", "surrogateescape"))


def _drop_entry(name: str, live: Mapping[str, Item], known: Mapping[str, str]) -> Entry:
    there = live.get(name)
    kind = "class" if name.endswith(".CLS") else "csp" if name.startswith("/") else "routine"
    if there is None:
        return Entry(name, kind, SAME, "not there any more")
    state, reason = _against_record(there, known, DROPPED)
    return Entry(name, kind, state, reason, without_times(there.lines), None, digest_lines(there.lines))


def _against_record(
    live: Item, known: Mapping[str, str], state: str, changed: str = ""
) -> Tuple[str, str]:
    # Without a source there is nothing that somebody could have mended.
    if known and live.lines:
        if digest_lines(live.lines) not in (known["digest"], known.get("live")):
            return NEWER, "differs from what the last release installed"
    elif live.lines and _later(live.changed, changed):
        return NEWER, f"changed on the target at {live.changed}, in the package at {changed} ($HOROLOG)"
    return state, ""


def _later(one: str, other: str) -> bool:
    """Whether a $HOROLOG is later than another; unknown ones are not."""
    times = [HOROLOG.fullmatch(time) for time in (one, other)]
    first, second = ((int(hit[1]), float(hit[2])) if hit else None for hit in times)
    return first is not None and second is not None and first > second


def _global_entry(
    item: ExportItem, mode: str, change: GlobalChange, live: List[Node], newer: List[str]
) -> Entry:
    if not change.sets and not change.removes:
        return Entry(item.name, "global", SAME, mode)
    before, after = global_plan.sides(change)
    if newer:
        reason = f"{mode}; not what the last release wrote: {_some(newer)}"
        return Entry(item.name, "global", NEWER, reason, before or None, after)
    return Entry(item.name, "global", CHANGED if live else ADDED, mode, before or None, after)


def _detail(
    selection: Selection, recorded: Recorded, release: str, orphans: Tuple[str, ...], rules: Rules
) -> Dict[str, Any]:
    gone = {rules.home_of(name) for name in selection.drops}
    gone |= {rules.home_of(item.name) for item in selection.code}
    kept = {name: dict(entry) for name, entry in recorded.items.items()
            if name.startswith("^") or rules.home_of(name) not in gone}
    held = list(selection.code) + [item for item, _mode in selection.globals]
    fresh = {item.name: {"digest": item.digest, "release": release} for item in held}
    return {"items": {**kept, **fresh}, "orphans": list(orphans)}


def _storage_findings(selection: Selection, live: Mapping[str, Item]) -> List[Finding]:
    """Classes whose data are stored otherwise in the package than on the target."""
    found = []
    for item in selection.code:
        there = live.get(item.name)
        if item.kind != "class" or there is None:
            continue
        before = storage_of("\n".join(there.lines).encode("utf-8", "surrogateescape"))
        if before and storage_of(item.element) != before:
            found.append(Finding(
                WARNING, "storage", item.name, item.line,
                "stores its data otherwise than the class on the target does",
                "take the target's storage into the package, or let a step convert the data",
            ))
    return found


def _without_projects(
    package: List[ExportItem], rules: Rules, file: str
) -> Tuple[List[ExportItem], List[Finding]]:
    """A project only names other items: an engine that knows classes has nothing to load for it."""
    if "CLS" not in rules.loadable:
        return package, []
    projects = [item for item in package if item.kind == "project" and "PRJ" not in rules.loadable]
    left = [
        Finding(WARNING, "project", item.name, item.line, "is not loaded: it only names other items",
                "", file)
        for item in projects
    ]
    return [item for item in package if item not in projects], left


def _refuse_errors(found: List[Finding], file: str) -> None:
    if not found:
        return
    is_data = all(one.rule == package_lint.UNNAMED_GLOBAL for one in found)
    kind = Refused if is_data else InvalidInput
    told = [f"{one.item} (line {one.line}) {one.message}" if one.line else f"{one.item} {one.message}".strip()
            for one in found]
    raise kind(
        _some(told, "; "), place=file, cure=found[0].cure, findings=[one.as_dict() for one in found]
    )


def _refuse_foreign(code: List[ExportItem], rules: Rules, file: str) -> None:
    foreign = [item for item in code if _type_of(item) not in rules.loadable]
    if foreign:
        raise InvalidInput(
            f"this engine cannot hold {_some([f'{item.name} (line {item.line})' for item in foreign])}",
            place=file, cure=f"only {', '.join(sorted(rules.loadable))} routines and globals: take the rest out",
            items=[item.name for item in foreign],
        )


def _refuse_twice(names: List[str], drops: List[str], rules: Rules, file: str) -> None:
    homes: Dict[str, str] = {}
    for name in names + drops:
        home = rules.home_of(name)
        if home in homes:
            both = name if homes[home] == name else f"{homes[home]} and {name}"
            raise InvalidInput(
                f"{both} would be loaded or dropped in the same place, {home}", place=file,
                cure="keep one of them; export without generated routines",
            )
        homes[home] = name


def _type_of(item: ExportItem) -> str:
    return item.name.rpartition(".")[2] if item.kind in ("routine", "class") else item.kind.upper()


def _some(names: Sequence[str], between: str = ", ") -> str:
    more = len(names) - SHOWN_NAMES
    return between.join(names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


def _block(entry: Entry, lines: Optional[Tuple[str, ...]]) -> str:
    title = f"{entry.name}: newer on the target" if entry.state == NEWER else entry.name
    return "" if lines is None else f"==> {title} <==\n" + "".join(line + "\n" for line in lines)


def _bounded(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "\n(cut here)\n"
