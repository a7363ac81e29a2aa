# SPDX-License-Identifier: GPL-3.0-or-later
"""Which older releases of a document root, and which older backup sets, may be removed.

By what the ledger says, never by age (T3, T4): what is not known as good counts for nothing, and
what a change cycle may still need stays.
"""

from __future__ import annotations

from typing import Any, Dict, Hashable, Iterable, List, NamedTuple, Sequence, Set, Tuple, TypeVar

Kept = TypeVar("Kept", bound=Hashable)


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
    kept = _newest((publication.directory for publication in history if publication.good), keep)
    known = {publication.directory for publication in history}
    return sorted(set(existing) & known - needed - set(kept))


class BackupSet(NamedTuple):
    """A backup set that lies under its final name.

    `doubt`: why it does not count as good, "" if it does. `base`: path of the set that it builds on, or "".
    `needed`: who needs it still, "" if nobody does.
    """

    path: str
    change: str
    attempt: int
    taken_at: float
    doubt: str
    base: str
    needed: str

    @property
    def of(self) -> Tuple[str, int]:
        """The attempt that it belongs to."""
        return self.change, self.attempt


def why_kept(sets: Sequence[BackupSet], keep: int) -> Dict[str, str]:
    """Why each set stays, by path; those that are missing here may be removed.

    The newest `keep` attempts, one at least, whose sets are all good stay; an attempt with a set in doubt
    counts for nothing and stays as a whole.
    """
    newest_first = sorted(sets, key=lambda one: one.taken_at, reverse=True)
    doubtful = {one.of: one.doubt for one in sets if one.doubt}
    kept = _newest((one.of for one in newest_first if one.of not in doubtful), keep)
    reasons: Dict[str, str] = {}
    for one in newest_first:
        if one.needed or one.doubt:
            reasons[one.path] = one.needed or f"{one.doubt}: a person decides"
        elif one.of in doubtful:
            reasons[one.path] = f"another set of its attempt is in doubt ({doubtful[one.of]}): a person decides"
        elif one.of in kept:
            reasons[one.path] = f"of the newest {len(kept)} good attempts"
    _keep_bases({one.path: one.base for one in sets}, reasons)
    return reasons


def _keep_bases(bases: Dict[str, str], reasons: Dict[str, str]) -> None:
    for path in list(reasons):
        base = bases[path]
        while base in bases and base not in reasons:
            reasons[base] = f"{path} builds on it"
            path, base = base, bases[base]


def _newest(good: Iterable[Kept], keep: int) -> List[Kept]:
    """The first `keep` different ones of a list that has the newest first; one at least."""
    return list(dict.fromkeys(good))[: max(keep, 1)]
