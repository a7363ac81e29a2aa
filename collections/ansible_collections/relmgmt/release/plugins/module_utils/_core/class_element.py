# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes, as exports hold them: two of them compared, and what of them lies with the data."""

from __future__ import annotations

import hashlib
import re
from typing import Dict, List, Tuple
from xml.parsers import expat

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import ELEMENT, element_times

STORAGE = re.compile(rb"<Storage\s")


def same_element(one: bytes, other: bytes) -> bool:
    """Whether two elements say the same, however they are written: sections, quotes, white space, times."""
    try:
        return canonical(one) == canonical(other)
    except expat.ExpatError:
        return False


def canonical(element: bytes) -> str:
    """Digest of what an element says, its times left out."""
    times = element_times(element)
    return _digest(element[:times.start] + element[times.stop:])


def storage_of(element: bytes) -> str:
    """Digest of how a class says that its data are stored; empty if it does not."""
    if STORAGE.search(element) is None:
        return ""
    try:
        return _digest(element, "Storage")
    except expat.ExpatError:
        return ""


def without_times(lines: Tuple[str, ...]) -> Tuple[str, ...]:
    """The lines of an item for people to compare: of a class without its times."""
    if not lines or not ELEMENT.match(lines[0]):
        return lines
    element = "\n".join(lines).encode("utf-8", "surrogateescape")
    times = element_times(element)
    return tuple((element[:times.start] + element[times.stop:]).decode("utf-8", "surrogateescape").split("\n"))


def _digest(element: bytes, within: str = "") -> str:
    """Digest of the events of a parse; ``within``: of elements of this name alone, empty if there is none."""
    said = _Said(within)
    parser = expat.ParserCreate("UTF-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = said.start, said.end
    parser.CharacterDataHandler = said.text
    parser.Parse(element, True)
    return hashlib.sha256("\0".join(said.events).encode()).hexdigest() if said.events else ""


class _Said:
    """Collects events; no event holds a NUL, which XML cannot, so no two lists give one text."""

    def __init__(self, within: str) -> None:
        self.within = within
        self.inside = 0 if within else 1
        self.events: List[str] = []

    def start(self, tag: str, attributes: Dict[str, str]) -> None:
        if self.inside or tag == self.within:
            self.inside += 1
            self.events.append("<" + tag)
            self.events += [f"@{key}={attributes[key]}" for key in sorted(attributes)]

    def end(self, tag: str) -> None:
        if self.inside:
            self.inside -= 1
            self.events.append(">" + tag)

    def text(self, text: str) -> None:
        if self.inside and not text.isspace():
            self.events.append("=" + text)
