# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre-images of items of a Caché or IRIS instance: their export, and which were not there.

A routine's name may carry a MAC and the INT that it compiles to; loading one replaces the other.
So what shares a name with an item is kept along with it.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any, Dict, List, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ExportItem
from ansible_collections.relmgmt.release.plugins.module_utils._core.iris_items import (
    COMPILED,
    companions,
    key_of,
    parts_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Item
from ansible_collections.relmgmt.release.plugins.module_utils._engines import iris_items
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_items import Live
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import IrisTerminal
from ansible_collections.relmgmt.release.plugins.module_utils._errors import CompileFailed, HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._files import copy_durably, sha256_file, write_durably

INDEX, EXPORT = "items.json", "items.xml"
#: putting back has begun and not ended: what was loaded may not have been compiled, whatever its times say
BEGUN = "begun"
CURE = "restore the datasets from the backup set"


def save(terminal: IrisTerminal, names: Sequence[str], directory: str) -> None:
    """Export the live items into the directory; the index is written last."""
    wanted = [*names, *companions(names)]
    with iris_items.scratch() as folder:
        file = os.path.join(folder, EXPORT)
        stale = iris_items.export(terminal, wanted, file)
        digest = copy_durably(file, os.path.join(directory, EXPORT), 0o600) if stale else ""
    kept = {name: stale.get(name) for name in wanted}
    index = {"sha256": digest, "stale": kept}
    write_durably(os.path.join(directory, INDEX), json.dumps(index, sort_keys=True).encode(), 0o600)


def put_back(terminal: IrisTerminal, names: Sequence[str], directory: str) -> Tuple[Tuple[str, ...], int]:
    """Make the items what was kept; returns the names that changed, and the session's process.

    Their times go back too: else the next release would find them newer than itself (T32).
    """
    kept, stale = _kept(directory)
    begun = os.path.join(directory, BEGUN)
    was_cut_off = os.path.exists(begun)
    missing = [name for name in names if name not in stale]
    if missing:
        raise HostStateUnknown(f"no pre-image of {', '.join(missing)}", place=directory, cure=CURE)
    wanted = [*names, *[one for one in companions(names) if one in stale]]
    live = iris_items.read(terminal, wanted)
    gone = [name for name in wanted if stale[name] is None and name in live]
    back = [
        name for name in wanted
        if stale[name] is not None and (was_cut_off or not _is_back(kept[key_of(name)], live.get(name), stale[name]))
    ]
    back, gone = _with_objects(back, gone, wanted, kept)
    if back or gone:
        write_durably(begun, b"", 0o600)
    pid = iris_items.remove(terminal, gone)
    pid = _load(terminal, [kept[key_of(name)] for name in back], stale) or pid
    with contextlib.suppress(FileNotFoundError):
        os.unlink(begun)
    return tuple(name for name in names if name in back or name in gone), pid


def _with_objects(
    back: List[str], gone: List[str], wanted: Sequence[str], kept: Dict[str, ExportItem]
) -> "Tuple[List[str], List[str]]":
    """Removing a MAC removes what it compiled to, be it kept or not: that has to be loaded again."""
    bare = {parts_of(name).name for name in gone if parts_of(name).kind in COMPILED}
    more = [name for name in wanted if key_of(name) in kept and name not in back and parts_of(name).name in bare]
    return [*back, *more], gone


def _is_back(kept: ExportItem, live: Live | None, was_stale: bool | None) -> bool:
    if live is None or live.item.digest != kept.digest or live.item.mode != kept.mode:
        return False
    return not live.stale or bool(was_stale)


def _load(terminal: IrisTerminal, items: List[ExportItem], stale: Dict[str, "bool | None"]) -> int:
    try:
        return iris_items.load(terminal, [_to_load(item, bool(stale.get(item.name))) for item in items])
    except CompileFailed as error:
        # What did not compile before does not compile now; everything else must.
        broken = {one["item"] for one in error.detail.get("errors", ())}
        if broken and all(stale.get(name) for name in broken):
            return int(error.detail.get("pid") or 0)
        raise


def _to_load(item: ExportItem, was_stale: bool) -> Item:
    """What was stale has to show as stale again: it is changed now, after what runs was compiled."""
    return Item(item.name, item.lines, changed="" if was_stale else item.changed, mode=item.mode)


def _kept(directory: str) -> "Tuple[Dict[str, ExportItem], Dict[str, Any]]":
    place = os.path.join(directory, INDEX)
    try:
        with open(place, encoding="utf-8") as stream:
            index = dict(json.load(stream))
        file = os.path.join(directory, EXPORT)
        if index["sha256"] and sha256_file(file) != index["sha256"]:
            raise HostStateUnknown("the pre-images are not what was kept", place=file, cure=CURE)
        items = list(iris_items.items_of(file)) if index["sha256"] else []
        return {key_of(item.name): item for item in items}, dict(index["stale"])
    except (OSError, ValueError, KeyError) as error:
        raise HostStateUnknown(f"the pre-images cannot be read: {error}", place=place, cure=CURE) from error
