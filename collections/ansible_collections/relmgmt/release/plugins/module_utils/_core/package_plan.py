# SPDX-License-Identifier: GPL-3.0-or-later
"""What loading a package would do: package, live system and ledger compared.

Pure: the caller brings what it observed; ``Rules`` says what the engine can hold.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core import global_plan
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ExportItem
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import (
    GlobalChange,
    Item,
    Node,
    digest_lines,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, Refused

SAME, ADDED, CHANGED, NEWER, DROPPED = "same", "added", "changed", "newer", "dropped"
POLICIES = ("refuse", "overwrite")
SHOWN_NAMES = 20


class Rules(NamedTuple):
    """What an engine can hold: item types, and what an item or a global occupies there."""

    loadable: FrozenSet[str]
    home_of: Callable[[str], str]
    check_global: Callable[[str], None]


class Selection(NamedTuple):
    """A package that this engine can take: its code, its globals with their mode, its drops."""

    code: Tuple[ExportItem, ...]
    globals: Tuple[Tuple[ExportItem, str], ...]
    drops: Tuple[str, ...]


class Recorded(NamedTuple):
    """What the ledger says was installed: release, digest and release of each item, orphans."""

    release: str = ""
    items: Mapping[str, Mapping[str, str]] = {}
    orphans: Tuple[str, ...] = ()


class Entry(NamedTuple):
    """One item of the plan. ``before`` and ``after``: its lines, None where there is none."""

    name: str
    kind: str
    state: str
    reason: str = ""
    before: Optional[Tuple[str, ...]] = None
    after: Optional[Tuple[str, ...]] = None


class Plan(NamedTuple):
    """What to do: ``loads`` and ``removes`` for code, ``changes`` for globals; ``detail`` is
    what the ledger shall say afterwards."""

    entries: Tuple[Entry, ...]
    loads: Tuple[Item, ...]
    removes: Tuple[str, ...]
    changes: Tuple[GlobalChange, ...]
    orphans: Tuple[str, ...]
    detail: Dict[str, Any]

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


def select(
    items: Iterable[ExportItem], drops: List[str], modes: Mapping[str, str], rules: Rules, file: str
) -> Selection:
    """Refuse by name whatever the engine cannot take, before anything is touched."""
    package = list(items)
    code = [item for item in package if item.kind != "global"]
    data = [item for item in package if item.kind == "global"]
    _refuse_foreign(code, rules, file)
    _refuse_twice([item.name for item in code], drops, rules, file)
    _refuse_globals(data, modes, rules, file)
    return Selection(tuple(code), tuple((item, modes[item.name]) for item in data), tuple(drops))


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
    digests = {rules.home_of(name): entry["digest"] for name, entry in recorded.items.items()
               if not name.startswith("^")}
    entries = [_code_entry(item, live, digests.get(rules.home_of(item.name))) for item in selection.code]
    entries += [_drop_entry(name, live, digests.get(rules.home_of(name))) for name in selection.drops]
    loading = {entry.name for entry in entries if entry.state != SAME and entry.after is not None}
    removing = tuple(entry.name for entry in entries if entry.state != SAME and entry.after is None)
    changes = [global_plan.change(item, mode, nodes[item.name]) for item, mode in selection.globals]
    entries += [_global_entry(item, mode, change, nodes[item.name])
                for (item, mode), change in zip(selection.globals, changes)]
    orphans = tuple(name for name in orphan_candidates(selection, recorded, release, rules) if name in live)
    loads = tuple(Item(item.name, item.lines) for item in selection.code if item.name in loading)
    return Plan(
        tuple(entries), loads, removing, tuple(one for one in changes if one.sets or one.removes),
        orphans, _detail(selection, recorded, release, orphans, rules),
    )


def refuse_newer(plan: Plan, policy: str, place: str) -> None:
    """A hot fix on the target is not overwritten unless the policy says so (T32)."""
    newer = plan.named(NEWER)
    if newer and policy != "overwrite":
        raise Refused(
            f"newer on the target than the last release: {_some(newer)}", place=place,
            cure="take the fix into the package, or set newer_on_target: overwrite", newer=newer,
        )


def texts(plan: Plan, limit: int = 1 << 20) -> Tuple[str, str]:
    """Both sides of the diff: the items that differ, each under its name."""
    differing = [entry for entry in plan.entries if entry.state != SAME]
    before = "".join(_block(entry.name, entry.before) for entry in differing)
    after = "".join(_block(entry.name, entry.after) for entry in differing)
    return _bounded(before, limit), _bounded(after, limit)


def _code_entry(item: ExportItem, live: Mapping[str, Item], recorded: Optional[str]) -> Entry:
    there = live.get(item.name)
    if there is None:
        return Entry(item.name, item.kind, ADDED, "", None, item.lines)
    if digest_lines(there.lines) == item.digest:
        if there.stale:
            return Entry(item.name, item.kind, CHANGED, "its object is not that of its source",
                         there.lines, item.lines)
        return Entry(item.name, item.kind, SAME)
    state, reason = _against_record(there, recorded, CHANGED)
    return Entry(item.name, item.kind, state, reason, there.lines, item.lines)


def _drop_entry(name: str, live: Mapping[str, Item], recorded: Optional[str]) -> Entry:
    there = live.get(name)
    if there is None:
        return Entry(name, "routine", SAME, "not there any more")
    state, reason = _against_record(there, recorded, DROPPED)
    return Entry(name, "routine", state, reason, there.lines, None)


def _against_record(live: Item, recorded: Optional[str], state: str) -> Tuple[str, str]:
    # Without a source there is nothing that somebody could have mended.
    if recorded is not None and live.lines and recorded != digest_lines(live.lines):
        return NEWER, "differs from what the last release installed"
    return state, ""


def _global_entry(item: ExportItem, mode: str, change: GlobalChange, live: List[Node]) -> Entry:
    if not change.sets and not change.removes:
        return Entry(item.name, "global", SAME, mode)
    before, after = global_plan.sides(change)
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


def _refuse_globals(
    data: List[ExportItem], modes: Mapping[str, str], rules: Rules, file: str
) -> None:
    unnamed = [f"{item.name} (line {item.line})" for item in data if item.name not in modes]
    if unnamed:
        raise Refused(
            f"the package would overwrite data: {_some(unnamed)}", place=file,
            cure="name each under globals with mode merge or replace, or take it out of the package",
        )
    absent = sorted(set(modes) - {item.name for item in data})
    if absent:
        raise InvalidInput(
            f"the release names globals that the package does not hold: {_some(absent)}",
            place=file, cure="correct globals of the package in release.yml",
        )
    for item in data:
        rules.check_global(item.name)


def _type_of(item: ExportItem) -> str:
    return item.name.rpartition(".")[2] if item.kind in ("routine", "class") else item.kind.upper()


def _some(names: List[str]) -> str:
    more = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")


def _block(name: str, lines: Optional[Tuple[str, ...]]) -> str:
    return "" if lines is None else f"==> {name} <==\n" + "".join(line + "\n" for line in lines)


def _bounded(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "\n(cut here)\n"
