# SPDX-License-Identifier: GPL-3.0-or-later
"""Code items and nodes of globals as values: what packages, engines and plans speak of."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Dict, Iterable, Mapping, NamedTuple, Optional, Tuple

Path = Tuple[str, ...]
INTEGER = re.compile(r"(?:0|-?[1-9][0-9]*)\Z")
#: how an item that is kept as its XML element begins
ELEMENT = re.compile(r"<(?:Class|CSP|CSPBase64|Project|Document|Package)[\s>/]")
# They change with every save and compile, the class does not.
TIMES = re.compile(rb"(?:<TimeChanged>([^<]*)</TimeChanged>\n?)?(?:<TimeCreated>[^<]*</TimeCreated>\n?)?")


class Item(NamedTuple):
    """A code item as the engine holds it, or shall hold it.

    ``name`` in the engine's own words with its type, ``CASE.MAC`` or ``App.Case.CLS``;
    ``lines``: the source without line ends; of a routine its text, of everything else (class,
    page, project, document, package) its element in an XML export, from start to end tag.
    ``stale``: what runs is not what this source compiles to, or nothing was compiled at all.
    ``changed``: the item's own time of change, $HOROLOG as ``64091,56835.117773``, empty where
    the engine has none; the time of a file is none.
    ``mode``: of a routine, the number of the language it is written in, 0 for that of today;
    empty where that is not known.
    """

    name: str
    lines: Tuple[str, ...]
    stale: bool = False
    changed: str = ""
    mode: str = ""


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


def same_mode(one: str, other: str) -> bool:
    """Whether two routines are of one language mode, as far as that is known."""
    return one == other or not one or not other


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
    text = normal_text("\n".join(lines))
    return digest_element(_bytes(text)) if ELEMENT.match(text) else digest_text(text)


class ElementTimes(NamedTuple):
    """Where an element says when it was changed and created (bytes), and the time of change ($HOROLOG)."""

    start: int
    stop: int
    changed: str


def element_times(element: bytes) -> ElementTimes:
    """The elements TimeChanged and TimeCreated of a class, side by side as exporters write them.

    What a CDATA section holds is code, whatever it looks like.
    """
    at = element.find(b"<TimeC")
    while at >= 0:
        hit = TIMES.match(element, at)
        if hit and hit.end() > at and not _in_cdata(element, at):
            return ElementTimes(at, hit.end(), (hit[1] or b"").decode("ascii", "replace").strip())
        at = element.find(b"<TimeC", at + 1)
    return ElementTimes(0, 0, "")


def _in_cdata(element: bytes, at: int) -> bool:
    return element.rfind(b"<![CDATA[", 0, at) > element.rfind(b"]]>", 0, at)


def digest_element(element: bytes, times: Optional[ElementTimes] = None) -> str:
    """Digest of an XML element without its times; ``times``: where they are, if that is known."""
    start, stop, _changed = times or element_times(element)
    digest = hashlib.sha256(element[:start])
    digest.update(memoryview(element)[stop:])
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
