# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory tree as values: what is in it, whether two are the same, what differs."""

from __future__ import annotations

import hashlib
from typing import Iterable, List, NamedTuple, Optional, Set


class Entry(NamedTuple):
    """One file or directory; path relative with `/`, sha256 empty for a directory, size in bytes."""

    path: str
    sha256: str
    mode: int
    size: int

    @property
    def is_directory(self) -> bool:
        return not self.sha256


def complete(entries: Iterable[Entry], mode: Optional[int] = None) -> List[Entry]:
    """The tree an archive unpacks to: implied directories added, a wanted file mode applied, sorted."""
    found = {entry.path: entry for entry in entries}
    for path in sorted(_implied(found)):
        found[path] = Entry(path, "", 0o755, 0)
    return sorted(_with_mode(entry, mode) for entry in found.values())


def wanted_mode(is_directory: bool, mode: int, wanted: Optional[int]) -> int:
    """Permissions under the wanted file mode: directories get x wherever files get r."""
    if wanted is None:
        return mode
    return wanted | ((wanted & 0o444) >> 2) if is_directory else wanted


def tree_digest(entries: Iterable[Entry]) -> str:
    """One sha256 over paths, permissions and contents."""
    return hashlib.sha256(listing(entries).encode("utf-8", "surrogateescape")).hexdigest()


def listing(entries: Iterable[Entry]) -> str:
    """The tree as text, one line an entry in the order of paths, for digest and diff."""
    lines = ["%s %04o %s" % (entry.path, entry.mode, entry.sha256 or "/") for entry in sorted(entries)]
    return "".join(line + "\n" for line in lines)


def differences(wanted: Iterable[Entry], found: Iterable[Entry]) -> List[str]:
    """Paths whose content, permissions or presence differ."""
    return sorted({entry.path for entry in set(wanted) ^ set(found)})


def _implied(paths: Iterable[str]) -> Set[str]:
    known = set(paths)
    implied = set()
    for path in known:
        segments = path.split("/")
        for count in range(1, len(segments)):
            parent = "/".join(segments[:count])
            if parent not in known:
                implied.add(parent)
    return implied


def _with_mode(entry: Entry, wanted: Optional[int]) -> Entry:
    return entry._replace(mode=wanted_mode(entry.is_directory, entry.mode, wanted))
