# SPDX-License-Identifier: GPL-3.0-or-later
"""Every undo recipe's handler by its kind.

A handler takes the recipe that the ledger kept and a context, is idempotent, and returns
what it observed. Imports are static: nothing found at run time reaches a managed host (T39).
"""

from __future__ import annotations

from typing import Any, Callable, NamedTuple


class UndoContext(NamedTuple):
    """What an undo handler may use beside its recipe."""

    tmpdir: str
    state_dir: str


UNDO: dict[str, Callable[[dict[str, Any], UndoContext], dict[str, Any]]] = {}
