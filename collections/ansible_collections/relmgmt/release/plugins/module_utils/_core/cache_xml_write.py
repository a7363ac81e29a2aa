# SPDX-License-Identifier: GPL-3.0-or-later
"""Writer of Caché and IRIS XML exports: items in, a file for $SYSTEM.OBJ.Load out (FACTS 2.3)."""

from __future__ import annotations

import base64
import re
from typing import Iterable, Iterator, NamedTuple
from xml.sax.saxutils import quoteattr

from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ROUTINE_TYPES
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Item

ENCODING = "UTF-8"
#: what XML 1.0 cannot hold, not even escaped
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
WIDTH = 76


class Header(NamedTuple):
    """The start tag of an export: an instance refuses that of a newer product."""

    generator: str
    version: str


def header_for(is_iris: bool, version: str) -> Header:
    """What an instance of this version takes; versions as seen in exports of 2008, 2014 and IRIS."""
    if is_iris:
        return Header("IRIS", "26")
    year = version.split(".")[0]
    return Header("Cache", "25" if year.isdigit() and int(year) >= 2014 else "22")


def write_export(items: Iterable[Item], header: Header) -> Iterator[bytes]:
    """An export of exactly these items."""
    start = f'<?xml version="1.0" encoding="{ENCODING}"?>\n<Export generator={quoteattr(header.generator)}'
    yield f"{start} version={quoteattr(header.version)}>\n".encode(ENCODING)
    for item in items:
        yield (element(item) + "\n").encode(ENCODING)
    yield b"</Export>\n"


def element(item: Item) -> str:
    """One item as the export holds it; of what is no routine the lines are the element already.

    A routine without its time is changed now, for an instance that loads it.
    """
    name, _dot, kind = item.name.rpartition(".")
    if "/" in item.name or kind.upper() not in ROUTINE_TYPES:
        return "\n".join(item.lines)
    attributes = f'name={quoteattr(name)} type={quoteattr(kind.upper())} languagemode={quoteattr(item.mode or "0")}'
    attributes += f" timestamp={quoteattr(item.changed)}" if item.changed else ""
    text = "".join(line + "\n" for line in item.lines)
    if FORBIDDEN.search(text):
        packed = base64.b64encode(text.encode("utf-8", "surrogateescape")).decode("ascii")
        rows = [packed[at:at + WIDTH] for at in range(0, len(packed), WIDTH)]
        return f"<RoutineBase64 {attributes}>\n" + "\n".join(rows) + "\n</RoutineBase64>"
    return f"<Routine {attributes}><![CDATA[\n{text.replace(']]>', ']]]]><![CDATA[>')}]]></Routine>"
