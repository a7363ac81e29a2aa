# SPDX-License-Identifier: GPL-3.0-or-later
"""Globals of a package: what to write, what to keep for going back, and how to go back.

Going back is by node: a value is put back only where the release's own value still stands.
What a user has written since stays, and is named (invariant 13).
"""

from __future__ import annotations

import hashlib
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ExportItem
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import (
    GlobalChange,
    Node,
    Path,
    reference,
)

MERGE, REPLACE = "merge", "replace"
MODES = (MERGE, REPLACE)


class Row(NamedTuple):
    """A node of a pre-image: its value before and as installed, None where it has none."""

    subscripts: Path
    prior: Optional[str]
    installed: Optional[str]


class GoingBack(NamedTuple):
    """``change``: what to write; ``kept``: nodes that somebody else has written since."""

    change: GlobalChange
    kept: Tuple[str, ...]


def change(item: ExportItem, mode: str, live: Iterable[Node]) -> GlobalChange:
    """What makes the live global what the package says.

    merge: the package's nodes have the package's values; other nodes are not looked at.
    replace: the global has exactly the package's nodes.
    """
    there = {node.subscripts: node.value for node in live}
    wanted = {node.subscripts: node.value for node in item.nodes}
    sets = tuple(node for node in item.nodes if there.get(node.subscripts) != node.value)
    if mode == MERGE:
        return GlobalChange(item.name, sets, (), {n.subscripts: there.get(n.subscripts) for n in sets})
    removes = tuple(sorted(path for path in there if path not in wanted))
    expected: Dict[Path, Optional[str]] = dict(there)
    return GlobalChange(item.name, sets, removes, expected, whole=True)


def written(item: ExportItem, mode: str, before: Mapping[str, str]) -> Dict[str, str]:
    """What releases have written, once this package is loaded: a digest of each node's value, by the
    node as people write it. ``before``: what they had written until now."""
    fresh = {reference(item.name, node.subscripts): _digest(node.value) for node in item.nodes}
    return {**before, **fresh} if mode == MERGE else fresh


def newer(change: GlobalChange, before: Mapping[str, str]) -> List[str]:
    """Nodes that this change would touch and that are not what the last release wrote there (T32)."""
    touched = sorted([node.subscripts for node in change.sets] + list(change.removes))
    found = []
    for path in touched:
        name, value = reference(change.name, path), change.expected.get(path)
        if name in before and (value is None or _digest(value) != before[name]):
            found.append(name)
    return found


def preimage(change: GlobalChange) -> List[Row]:
    """Exactly what is replaced: for replace the whole global, for merge the nodes written."""
    after = dict(change.expected)
    after.update((node.subscripts, node.value) for node in change.sets)
    after.update((path, None) for path in change.removes)
    return [Row(path, change.expected.get(path), after[path]) for path in sorted(after)]


def going_back(name: str, rows: Iterable[Row], live: Iterable[Node]) -> GoingBack:
    """What puts the rows' prior values back, leaving what others wrote since."""
    there = {node.subscripts: node.value for node in live}
    differing = [row for row in rows if there.get(row.subscripts) != row.prior]
    ours = [row for row in differing if there.get(row.subscripts) == row.installed]
    kept = tuple(reference(name, row.subscripts) for row in differing if row not in ours)
    sets = tuple(Node(row.subscripts, row.prior) for row in ours if row.prior is not None)
    removes = tuple(row.subscripts for row in ours if row.prior is None)
    expected = {row.subscripts: row.installed for row in ours}
    return GoingBack(GlobalChange(name, sets, removes, expected), kept)


def sides(change: GlobalChange) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """The nodes that differ, before and after, as lines of a diff."""
    touched = sorted([node.subscripts for node in change.sets] + list(change.removes))
    new = {node.subscripts: node.value for node in change.sets}
    before = {path: change.expected.get(path) for path in touched}
    return _lines(change.name, before), _lines(change.name, {path: new.get(path) for path in touched})


def _lines(name: str, values: Dict[Path, Optional[str]]) -> Tuple[str, ...]:
    # ASCII keeps control characters and lone surrogates out of terminals and logs
    return tuple(
        f"{reference(name, path)}={value!a}" for path, value in values.items() if value is not None
    )


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:16]
