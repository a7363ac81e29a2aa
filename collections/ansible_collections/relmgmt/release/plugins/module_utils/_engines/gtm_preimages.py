# SPDX-License-Identifier: GPL-3.0-or-later
"""Pre-images of routines: the source files byte for byte, and which were not there.

Objects are compiled again from the source that is put back, for an object that does not
belong to its source is the very thing to avoid (FACTS 5.3). Only an object that has no
source is kept itself.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._engines import gtm_items
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._files import copy_durably, write_durably

INDEX = "items.json"


def save(instance: GtmInstance, names: List[str], directory: str) -> None:
    """Copy the sources into the directory; the index is written last."""
    index = {name: _save_one(_lasting(instance, name), directory) for name in names}
    write_durably(os.path.join(directory, INDEX), json.dumps(index, sort_keys=True).encode(), 0o600)


def put_back(instance: GtmInstance, names: List[str], directory: str) -> Tuple[str, ...]:
    """Make the sources what was kept, and compile them; returns the names that changed."""
    index = _index(directory)
    missing = [name for name in names if name not in index]
    if missing:
        raise HostStateUnknown(
            f"no pre-image of {', '.join(missing)}", place=directory,
            cure="restore the datasets and routines from the backup set",
        )
    sources = [name for name in names if index[name] and index[name]["file"].endswith(".m")]
    wanted = [name for name in names if not _is_back(instance, name, index[name], directory)]
    stale = [name for name, item in gtm_items.read(instance, sources).items() if item.stale]
    for name in wanted:
        _put_back_one(instance, name, index[name], directory)
    changed = [name for name in names if name in wanted or name in stale]
    gtm_items.compile_sources(instance, [name for name in changed if name in sources], strict=False)
    return tuple(changed)


def _lasting(instance: GtmInstance, name: str) -> str:
    """What the item consists of: its source, or its object where there is no source."""
    source, compiled = gtm_items.source_path(instance, name), gtm_items.object_path(instance, name)
    return compiled if os.path.exists(compiled) and not os.path.exists(source) else source


def _place(instance: GtmInstance, name: str, kept: Dict[str, Any]) -> str:
    if kept["file"].endswith(".o"):
        return gtm_items.object_path(instance, name)
    return gtm_items.source_path(instance, name)


def _save_one(path: str, directory: str) -> Dict[str, Any] | None:
    if not os.path.exists(path):
        return None
    file = os.path.basename(path)
    digest = copy_durably(path, os.path.join(directory, file), 0o600)
    status = os.stat(path)
    return {"file": file, "sha256": digest, "mode": status.st_mode & 0o7777,
            "uid": status.st_uid, "gid": status.st_gid}


def _is_back(instance: GtmInstance, name: str, kept: Dict[str, Any] | None, directory: str) -> bool:
    lasting = _lasting(instance, name)
    if kept is None:
        return not os.path.exists(lasting)
    same_place = lasting == _place(instance, name, kept) and os.path.exists(lasting)
    return same_place and _content(lasting) == _content(os.path.join(directory, kept["file"]))


def _put_back_one(
    instance: GtmInstance, name: str, kept: Dict[str, Any] | None, directory: str
) -> None:
    if kept is None or kept["file"].endswith(".o"):
        gtm_items.remove(instance, name)
    if kept is None:
        return
    path = _place(instance, name, kept)
    copy_durably(os.path.join(directory, kept["file"]), path, kept["mode"])
    gtm_items.own(path, kept["uid"], kept["gid"])


def _index(directory: str) -> Dict[str, Any]:
    path = os.path.join(directory, INDEX)
    try:
        with open(path, encoding="utf-8") as stream:
            return dict(json.load(stream))
    except (OSError, ValueError) as error:
        raise HostStateUnknown(
            f"the pre-images cannot be read: {error}", place=path,
            cure="restore the datasets and routines from the backup set",
        ) from error


def _content(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()
