# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back from a Caché XML package, as recipes in the ledger call for."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Mapping, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core import global_plan
from ansible_collections.relmgmt.release.plugins.module_utils._core.global_plan import Row
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import digest_lines
from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_engine
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Engine
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._files import make_dirs

GLOBALS_FILE = "globals.json"


def undo_cache_items(recipe: Dict[str, Any], context: Any) -> Dict[str, Any]:
    """Routines are again what they were: prior source, compiled; new ones gone. Idempotent.

    An item that is neither the installed nor the prior one is put back too: code is not
    data. What lay there is kept beside the pre-images and named in ``overwritten``.
    """
    names = list(recipe["items"])
    if not names:
        return {"put_back": [], "overwritten": []}
    engine = open_engine(recipe["instance"])
    aside = os.path.join(recipe["preimages"], "overwritten")
    live = engine.read_items(names)
    foreign = [name for name, item in live.items() if _is_foreign(name, item.lines, recipe)]
    if foreign and not os.path.isdir(aside):
        make_dirs(aside, 0o750)
        engine.save_items(foreign, aside)
    written = engine.put_back_items(names, recipe["preimages"])
    return {"put_back": list(written.names), "overwritten": foreign, "writer_pids": list(written.pids)}


def _is_foreign(name: str, lines: Tuple[str, ...], recipe: Mapping[str, Any]) -> bool:
    as_loaded = recipe.get("noted", {}).get("live", {})
    known = (recipe["installed"].get(name), recipe["prior"].get(name), as_loaded.get(name))
    return bool(lines) and digest_lines(lines) not in known


def undo_globals(recipe: Dict[str, Any], context: Any) -> Dict[str, Any]:
    """Nodes have their prior values again, where the release's own still stand. Idempotent.

    ``kept``: nodes that somebody else has written since; they stay (invariant 13).
    """
    engine = open_engine(recipe["instance"])
    back = [_going_back(engine, name, rows) for name, rows in _rows(recipe["preimages"]).items()]
    changes = [one.change for one in back if one.change.sets or one.change.removes]
    pids = list(engine.write_globals(changes).pids) if changes else []
    kept = [reference for one in back for reference in one.kept]
    return {"put_back": [change.name for change in changes], "kept": kept, "writer_pids": pids}


def _going_back(engine: Engine, name: str, rows: List[Row]) -> global_plan.GoingBack:
    live = engine.read_nodes(name, [row.subscripts for row in rows])
    return global_plan.going_back(name, rows, live)


def _rows(directory: str) -> Dict[str, List[Row]]:
    path = os.path.join(directory, GLOBALS_FILE)
    try:
        with open(path, encoding="utf-8") as stream:
            kept = json.load(stream)
    except (OSError, ValueError) as error:
        raise HostStateUnknown(
            f"the pre-images of globals cannot be read: {error}", place=path,
            cure="restore the datasets from the backup set",
        ) from error
    return {name: [Row(tuple(row[0]), row[1], row[2]) for row in rows] for name, rows in kept.items()}
