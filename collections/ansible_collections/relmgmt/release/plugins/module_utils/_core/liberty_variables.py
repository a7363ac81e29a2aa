# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of Liberty's configuration files decides what a variable is: the last one that gives it a value."""

from __future__ import annotations

import posixpath
from typing import Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import root_of

_DEFAULTS, _OWN, _OVERRIDES = 0, 1, 2
_RANKS = {"defaults": _DEFAULTS, "overrides": _OVERRIDES}


def hiding(files: Sequence[Tuple[str, bytes]], name: str, ours: str) -> str:
    """Another file (path and content) that decides instead of `ours`, or may do so; empty if none does.

    Overrides are merged last, by name, and defaults first. Of server.xml and what it includes any one may decide.
    `ours` may be none of them: any of them decides instead of bootstrap.properties.
    """
    others = [path for path, data in files if path != ours and _gives(data, name, path)]
    return next((path for path in reversed(others) if _may_decide(path, ours)), "")


def _gives(data: bytes, name: str, place: str) -> bool:
    variables = root_of(data, place).iter("variable")
    return any(one.get("name") == name and one.get("value") is not None for one in variables)


def _may_decide(path: str, ours: str) -> bool:
    if not ours.endswith(".xml"):
        return True
    rank, our_rank = _rank(path), _rank(ours)
    if rank == our_rank == _OVERRIDES:
        return posixpath.basename(path).lower() > posixpath.basename(ours).lower()
    return rank >= our_rank


def _rank(path: str) -> int:
    return _RANKS.get(posixpath.basename(posixpath.dirname(path)), _OWN)
