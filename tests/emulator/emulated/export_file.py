# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that Load reads: XML exports and %RO routine files (FACTS 2.3, 2.4)."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from emulated.layout import Settings
from emulated.values import Key, key


class Refused(Exception):
    """The file cannot be loaded: code and parameters of the status."""

    def __init__(self, code: int, *parameters: str) -> None:
        super().__init__(code, parameters)
        self.code = code
        self.parameters = parameters


class Item(NamedTuple):
    """One item of a file: its name as lists show it, and what it holds."""

    kind: str
    name: str
    content: Any
    attributes: Mapping[str, str] = MappingProxyType({})


_LABEL = re.compile(rb"(\A(?:\xef\xbb\xbf)?<\?xml[^>]*encoding=[\"'])UTF8([\"'])", re.IGNORECASE)
#: A node of a global in a file: subscripts and value.
Node = tuple[list[Key], str]


def read_items(settings: Settings, data: bytes) -> tuple[str, list[Item]]:
    """``xml`` or ``RO``, and the items."""
    head = data[:400].lstrip(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"<"):
        return "xml", read_xml(settings, data)
    if b"~Format=Cache." in data[:400]:
        return "RO", read_routines(data)
    raise Refused(6301, "This does not appear to be a Cache exported file")


# -- XML -----------------------------------------------------------------------------


def read_xml(settings: Settings, data: bytes) -> list[Item]:
    # Real exports carry this label too (TRAPS T25); the parser here knows only the proper one.
    data = _LABEL.sub(rb'\1UTF-8\2', data, count=1)
    try:
        root = ElementTree.fromstring(data)  # tests' own files
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise Refused(6301, str(error)) from error
    _check_header(settings, root)
    return [_ITEMS.get(child.tag, _unknown)(settings, child) for child in root]


def _check_header(settings: Settings, root: Element) -> None:
    """Caché refuses what IRIS wrote; IRIS reads both (2.3)."""
    known = ("Cache", "IRIS") if settings.product.iris else ("Cache",)
    if root.tag != "Export" or root.get("generator") not in known:
        raise Refused(6301, "This does not appear to be a Cache exported file")


def _unknown(settings: Settings, element: Element) -> Item:
    raise Refused(6301, f"no declaration found for element '{element.tag}'")


def _class(settings: Settings, element: Element) -> Item:
    return Item("class", f"{element.get('name')}.CLS", element)


def _routine(settings: Settings, element: Element) -> Item:
    content = element.text or ""
    if element.tag == "RoutineBase64":
        if not settings.facts.routine_base64:
            _unknown(settings, element)
        content = base64.b64decode(content).decode("utf-8", "surrogateescape")
    kind = element.get("type", "")
    lines = content.replace("\r\n", "\n").removeprefix("\n").removesuffix("\n").split("\n")
    return Item("routine", f"{element.get('name')}.{kind}", lines, dict(element.attrib))


def _global(settings: Settings, element: Element) -> Item:
    top = element.find("Node")
    if top is None:
        raise Refused(6301, "a Global without a Node")
    nodes: list[Node] = []
    _nodes(settings, top, [], nodes)
    name = _subscript(settings, top)
    return Item("global", f"{name}.GBL", nodes, {"name": str(name).lstrip("^")})


def _nodes(settings: Settings, node: Element, above: list[Key], found: list[Node]) -> None:
    """A node may have a value and nodes below it."""
    value = node.findtext("Data")
    if settings.facts.base64_names and node.find("DataBase64") is not None:
        value = base64.b64decode(node.findtext("DataBase64") or "").decode("latin-1")
    if value is not None:
        found.append((above, value))
    for child in node.findall("Node"):
        _nodes(settings, child, [*above, key(_subscript(settings, child))], found)
    for child in node:
        if child.tag not in ("Sub", "Data", "Node", "SubBase64", "DataBase64"):
            _unknown(settings, child)


def _subscript(settings: Settings, node: Element) -> str:
    written = node.findtext("Sub")
    if written is None and settings.facts.base64_names:
        encoded = node.findtext("SubBase64")
        written = base64.b64decode(encoded).decode("latin-1") if encoded is not None else None
    if written is None:
        raise Refused(6301, "a Node without a Sub")
    return written


def _project(settings: Settings, element: Element) -> Item:
    return Item("project", f"{element.get('name')}.PRJ", element)


def _csp(settings: Settings, element: Element) -> Item:
    content = element.text or ""
    data = base64.b64decode(content) if element.tag == "CSPBase64" else content.removeprefix("\n").encode("utf-8")
    page = f"{(element.get('application') or '').rstrip('/')}/{(element.get('name') or '').lstrip('/')}"
    return Item("csp", page, (data, element))


def _document(settings: Settings, element: Element) -> Item:
    return Item("document", element.get("name") or "", element)


def _package(settings: Settings, element: Element) -> Item:
    return Item("package", f"{element.get('name')}.PKG", element)


_ITEMS = {
    "Class": _class, "Routine": _routine, "RoutineBase64": _routine, "Global": _global, "Project": _project,
    "CSP": _csp, "CSPBase64": _csp, "Document": _document, "Package": _package,
}


# -- %RO -----------------------------------------------------------------------------


def read_routines(data: bytes) -> list[Item]:
    """``Name^INT^1^59973,59905^0``, code lines, an empty line; and so on (2.4)."""
    header = data.split(b"\n", 1)[0]
    encoding = "utf-8" if b"^UTF8" in header else "latin-1"
    lines = [line.rstrip("\r") for line in data.decode(encoding).split("\n")][2:]
    items = []
    at = 0
    while at < len(lines):
        if not lines[at]:
            at += 1
            continue
        name, kind, mode, timestamp, generated = (lines[at].split("^") + [""] * 5)[:5]
        end = lines.index("", at) if "" in lines[at:] else len(lines)
        attributes = {"name": name, "type": kind, "languagemode": mode, "timestamp": timestamp}
        if generated == "1":
            attributes["generated"] = "1"
        items.append(Item("routine", f"{name}.{kind}", lines[at + 1 : end], attributes))
        at = end
    return items
