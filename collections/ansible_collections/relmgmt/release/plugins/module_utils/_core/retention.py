# SPDX-License-Identifier: GPL-3.0-or-later
"""Which older releases of a document root may be removed: by what the ledger says, never by age (T3, T4)."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple, Sequence, Set


class Publication(NamedTuple):
    """One act of publishing: the directory it made, the one that was served before, newest first in lists.

    `good`: it was done and not undone since. `open`: its change cycle may still go back.
    """

    directory: str
    previous: str
    good: bool
    open: bool


def publications(acts: Sequence[Dict[str, Any]], component: str, open_attempts: Set[Any]) -> List[Publication]:
    """The acts of the ledger (newest first) that published to a document root."""
    return [
        Publication(
            directory=act["intent"].get("directory", ""),
            previous=act["undo"].get("previous") or "",
            good=act["outcome"] == "done" and act["undone_at"] is None,
            open=(act["change"], act["attempt"]) in open_attempts,
        )
        for act in acts
        if act["target"] == component and act["intent"].get("directory")
    ]


def removable(history: Sequence[Publication], existing: Iterable[str], served: Set[str], keep: int) -> List[str]:
    """Directories to remove: made by a publication, not among the newest `keep` good ones, needed by nothing.

    `served`: the directory that is served and the one before it. A directory that no publication made
    is somebody else's and stays.
    """
    needed = set(served)
    for publication in history:
        if publication.open:
            needed.update((publication.directory, publication.previous))
    good = [publication.directory for publication in history if publication.good]
    newest = list(dict.fromkeys(good))[: max(keep, 1)]
    known = {publication.directory for publication in history}
    return sorted(set(existing) & known - needed - set(newest))
