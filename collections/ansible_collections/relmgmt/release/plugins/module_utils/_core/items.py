# SPDX-License-Identifier: GPL-3.0-or-later
"""Code items and nodes of globals as values: what packages, engines and plans speak of."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Dict, Iterable, Mapping, NamedTuple, Optional, Tuple

Path = Tuple[str, ...]
INTEGER = re.compile(r"(?:0|-?[1-9][0-9]*)\Z")


class Item(NamedTuple):
    """A code item as the engine holds it, or shall hold it.

    ``name`` in the engine's own words with its type, ``CASE.MAC`` or ``App.Case.CLS``;
    ``lines``: the source without line ends. ``stale``: what runs is not what this source
    compiles to, or nothing was compiled at all.
    """

    name: str
    lines: Tuple[str, ...]
    stale: bool = False


class CompileError(NamedTuple):
    """One message of a compiler: ``line`` counts from 1, 0 where the compiler names none."""

    item: str
    line: int
    text: str
    message: str

    def as_dict(self) -> Dict[str, Any]:
        """The error as JSON-able values."""
        return dict(self._asdict())


class Node(NamedTuple):
    """One node of a global that has a value. ``subscripts`` may be empty: the root.

    Bytes that are not UTF-8 are carried as lone surrogates (``surrogateescape``).
    """

    subscripts: Path
    value: str


class GlobalChange(NamedTuple):
    """Nodes of one global to set and to remove, and what must still be true when it happens.

    ``expected`` maps subscripts to the value seen before, None for none; ``whole``: besides,
    the global holds no other node than the expected ones.
    """

    name: str
    sets: Tuple[Node, ...]
    removes: Tuple[Path, ...]
    expected: Dict[Path, Optional[str]]
    whole: bool = False


def normal_text(text: str) -> str:
    """A source whatever its line ends (T35); blank lines at its end do not count."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    end = text.find("\n", len(text.rstrip()))
    return text if end < 0 else text[:end]


def lines_of(text: str) -> Tuple[str, ...]:
    """The lines of a source, without line ends and without blank ones at its end."""
    normal = normal_text(text)
    return tuple(normal.split("\n")) if normal.strip() else ()


def digest_text(normal: str) -> str:
    """Digest of a source that ``normal_text`` gave."""
    return hashlib.sha256(_bytes(normal)).hexdigest()


def digest_lines(lines: Iterable[str]) -> str:
    """Digest of a source, the same for a package's item and for the live one."""
    return digest_text(normal_text("\n".join(lines)))


def digest_nodes(nodes: Iterable[Node]) -> str:
    """Digest of nodes, whatever their order."""
    digest = hashlib.sha256()
    for node in sorted(nodes):
        for part in (*node.subscripts, node.value):
            data = _bytes(part)
            digest.update(b"%d:" % len(data) + data)
        digest.update(b"\n")
    return digest.hexdigest()


def digest_items(digests: Mapping[str, str]) -> str:
    """Digest of a set of items, from the digest of each by its name."""
    rows = "".join(f"{name}\t{digests[name]}\n" for name in sorted(digests))
    return hashlib.sha256(_bytes(rows)).hexdigest()


def reference(name: str, subscripts: Path) -> str:
    """A node as people write it: ``^CFG("cats",1)``."""
    if not subscripts:
        return name
    return f"{name}({','.join(_shown(one) for one in subscripts)})"


def _shown(subscript: str) -> str:
    if INTEGER.match(subscript):
        return subscript
    return '"' + subscript.replace('"', '""') + '"'


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
