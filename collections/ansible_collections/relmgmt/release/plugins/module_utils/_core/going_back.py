# SPDX-License-Identifier: GPL-3.0-or-later
"""How the data of a host go back: the whole point, or item by item (invariant 13)."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

RESTORE, ITEMS = "restore", "items"


class Way(NamedTuple):
    """``way``: restore (datasets become the point's again) or items (pre-images; the data stay).

    ``statement_waits``: a person has to read the data-loss statement before a restore.
    """

    way: str
    reason: str
    statement_waits: bool = False


def choose_way(
    release_changed_data: bool, others: Sequence[Any] | None, point_verified: bool,
    confirmed_by: str = "", unknown: str = "", in_use: bool = False,
) -> Way:
    """Which way back. ``others``: writes since the point that are not the release's.

    None means that nobody knows, for the reason ``unknown``; that is never taken for "none".
    ``confirmed_by``: the named
    person who accepts that those writes are lost. ``in_use``: sessions go on, and datasets are never
    replaced under them.
    """
    if not release_changed_data:
        return Way(ITEMS, "the release changed no data; the datasets stay as they are")
    if not point_verified:
        return Way(ITEMS, "there is no verified point to restore; items go back, the data stay")
    if in_use:
        return Way(ITEMS, "sessions go on during this release; items go back, the data stay")
    if others is not None and not others:
        return Way(RESTORE, "the journal shows that nothing but the release wrote since the point")
    lost = f"the journal cannot say who wrote since the point ({unknown})" if others is None else (
        f"others than the release wrote since the point ({len(others)} writes seen)"
    )
    if confirmed_by:
        return Way(RESTORE, f"{lost}; {confirmed_by} accepts their loss")
    return Way(ITEMS, f"{lost}; items go back, the data stay", statement_waits=True)
