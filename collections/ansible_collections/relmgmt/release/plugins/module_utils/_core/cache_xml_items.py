# SPDX-License-Identifier: GPL-3.0-or-later
"""What the elements of a Caché XML export become: one builder for each shape."""

from __future__ import annotations

import base64
import binascii
import re
from functools import partial
from typing import Callable, ClassVar, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import (
    ElementTimes,
    Node,
    Path,
    digest_element,
    digest_text,
    element_times,
    lines_of,
    normal_text,
    reference,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

ROUTINE_TYPES = ("MAC", "INT", "INC", "BAS", "MVI", "MVB", "OBJ")
# One node as exporters write it: subscript, perhaps a value, the ends of nodes that follow.
NODE = re.compile(r"<Node>\s*<Sub>([^<&]*)</Sub>\s*(?:(<Data>)([^<&]*)</Data>\s*)?((?:</Node>\s*)*)")
# Nothing but such nodes; that they are nested well is the parser's to say.
PLAIN_GLOBAL = re.compile(
    rb"\s*(?=<Node>\s*<Sub>(\^[^<&]*)<)"
    rb"(?:<Node>\s*<Sub>[^<&]*</Sub>\s*(?:<Data>[^<&]*</Data>\s*)?(?:</Node>\s*)*)*"
)
NO_TIMES = ElementTimes(0, 0, "")
# What Node() does, without a call of Python code for each of perhaps a million nodes.
NEW_NODE: Callable[[Tuple[Path, str]], Node] = partial(tuple.__new__, Node)
CDATA, CDATA_END = b"<![CDATA[", b"]]>"
MARKUP = re.compile(rb"<!\[CDATA\[|\]\]>|</?CSPBase64[^>]*>")


class ExportItem(NamedTuple):
    """One item of a package.

    ``kind``: routine, global, class, csp, project, document or package. ``name`` as Caché
    lists it: ``CASE.MAC``, ``App.Case.CLS``, ``^CFG``, ``/csp/app/x.csp``. ``line``: where it
    starts in the file. ``text``: source of a routine; ``element``: of everything else,
    its XML as UTF-8, and ``held`` the nodes of a global that is not plain. ``digest``: of the content, line ends and
    times of change ignored (T35). ``changed``: the item's own time of change, $HOROLOG.
    ``mode``: of a routine, its language mode.
    """

    kind: str
    name: str
    line: int
    digest: str
    text: str = ""
    held: Tuple[Node, ...] = ()
    generated: bool = False
    changed: str = ""
    element: bytes = b""
    mode: str = ""

    @property
    def lines(self) -> Tuple[str, ...]:
        """The source's lines."""
        return lines_of(self.element.decode("utf-8") if self.element else self.text)

    @property
    def nodes(self) -> Tuple[Node, ...]:
        """The nodes of a global. Raises InvalidInput where two of them are the same one."""
        return plain_nodes(self) if self.kind == "global" and self.element else self.held


class Wrong(Exception):
    """Something that an export does not contain; ``line`` 0: where the parser stands."""

    def __init__(self, message: str, cure: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.line = line


class Builder:
    """Collects one item; ``finish`` gives it.

    A plain item is cut out of the bytes: ``find_end`` says where its end tag is, ``take`` takes
    what lies before it. Any other is given to ``start``, ``end`` and ``text`` by a parser.
    """

    def __init__(self, tag: str, attributes: Dict[str, str], line: int) -> None:
        self.tag = tag
        self.attributes = attributes
        self.line = line

    def find_end(self, buffer: bytes, start: int, limit: int) -> int:
        """Where what looks like the item's end tag begins, -1 if it does not before ``limit``."""
        return buffer.find(b"</%b>" % self.tag.encode(), start, limit)

    def take(self, buffer: bytes, start: int, stop: int, depth: int) -> bool:
        """Take what lies between the item's tags; False: it has to be parsed."""
        return True

    def start(self, tag: str) -> None:
        """An element inside the item."""
        raise Wrong(f"unknown element {tag} in {self.tag}")

    def end(self, tag: str) -> None:
        """The end of an element inside the item."""

    def text(self, text: str) -> None:
        """Character data."""

    def finish(self, element: bytes) -> ExportItem:
        """The item; ``element``: its bytes from start to end tag."""
        raise NotImplementedError

    def named(self) -> str:
        """The name attribute, which must be there."""
        name = self.attributes.get("name", "")
        if not name.strip():
            raise Wrong(f"{self.tag} has no name", line=self.line)
        return name


class TextItem(Builder):
    """Routine and RoutineBase64: one text."""

    def __init__(self, tag: str, attributes: Dict[str, str], line: int) -> None:
        super().__init__(tag, attributes, line)
        self.name = self.routine()
        self.parts: List[str] = []
        self.is_one_section = False

    def routine(self) -> str:
        """``CASE.MAC``: name and type."""
        kind = self.attributes.get("type", "").upper()
        if kind not in ROUTINE_TYPES:
            raise Wrong(f"routine {self.named()} has the unknown type {kind!r}", line=self.line)
        return f"{self.named()}.{kind}"

    def find_end(self, buffer: bytes, start: int, limit: int) -> int:
        if buffer.startswith(CDATA, start):
            end = buffer.find(CDATA_END, start, limit) + len(CDATA_END)
            self.is_one_section = end > start and buffer.startswith(b"</%b>" % self.tag.encode(), end)
            if self.is_one_section:
                return end
        return super().find_end(buffer, start, limit)

    def take(self, buffer: bytes, start: int, stop: int, depth: int) -> bool:
        if self.is_one_section:
            start, stop = start + len(CDATA), stop - len(CDATA_END)
        elif max(buffer.find(sign, start, stop) for sign in (b"<", b"&", CDATA_END)) >= 0:
            return False
        self.parts = [buffer[start:stop].decode("utf-8", "surrogateescape")]
        return True

    def text(self, text: str) -> None:
        self.parts.append(text)

    def finish(self, element: bytes) -> ExportItem:
        text = "".join(self.parts)
        if self.tag.endswith("Base64"):
            text = decoded(text, self.line, self.name)
        # The text begins after the line end that follows the start tag.
        text = normal_text(text)
        text = text[1:] if text.startswith("\n") else text
        if not text or text.isspace():
            raise Wrong(f"{self.name} is empty", line=self.line)
        return ExportItem(
            "routine", self.name, self.line, digest_text(text), text, (), self.attributes.get("generated") == "1",
            self.attributes.get("timestamp", ""), mode=self.attributes.get("languagemode", ""),
        )


class GlobalItem(Builder):
    """Global: nested nodes, each with one subscript and perhaps a value."""

    INSIDE = frozenset(["Sub", "SubBase64", "Data", "DataBase64"])

    def __init__(self, tag: str, attributes: Dict[str, str], line: int) -> None:
        super().__init__(tag, attributes, line)
        self.path: List[Optional[str]] = []
        self.nodes: Dict[Path, str] = {}
        self.name = ""
        self.plain_name = ""
        self.inside = ""
        self.parts: List[str] = []

    def take(self, buffer: bytes, start: int, stop: int, depth: int) -> bool:
        hit = PLAIN_GLOBAL.fullmatch(buffer, start, stop)
        if hit and buffer.find(b"<Data>", start, stop) >= 0:
            self.plain_name = hit[1].decode("utf-8", "surrogateescape")
        return bool(self.plain_name)

    def start(self, tag: str) -> None:
        if self.inside or (tag != "Node" and tag not in self.INSIDE):
            raise Wrong(f"unknown element {tag} in {self.inside or 'Global'}")
        if tag == "Node":
            self.known()
            self.path.append(None)
        else:
            self.inside, self.parts = tag, []

    def end(self, tag: str) -> None:
        if tag == "Node":
            self.known()
            self.path.pop()
            return
        text = "".join(self.parts)
        if tag.endswith("Base64"):
            text = decoded(text, 0, self.name or "a global")
        self.inside = ""
        if tag.startswith("Sub"):
            self.subscript(text)
        else:
            self.value(text)

    def text(self, text: str) -> None:
        if self.inside:
            self.parts.append(text)
        elif not text.isspace():
            raise Wrong(f"text between the nodes of a global: {text.strip()[:40]!r}")

    def subscript(self, text: str) -> None:
        """The subscript of the innermost node; that of the outermost is the global's name."""
        if not self.path or self.path[-1] is not None:
            raise Wrong("a Sub that belongs to no node, or the second one of a node")
        self.path[-1] = text
        if len(self.path) == 1 and (not text.startswith("^") or self.name not in ("", text)):
            raise Wrong(f"{text!r} is not the name of this global")
        self.name = self.name or text

    def value(self, text: str) -> None:
        """The value of the innermost node."""
        self.known()
        path = tuple(one or "" for one in self.path[1:])
        if not self.path or path in self.nodes:
            raise Wrong(f"{reference(self.name, path)} has two values")
        self.nodes[path] = text

    def known(self) -> None:
        """The innermost node has its subscript."""
        if self.path and self.path[-1] is None:
            raise Wrong(f"a node of {self.name or 'a global'} has no Sub")

    def finish(self, element: bytes) -> ExportItem:
        digest = digest_element(element, NO_TIMES)
        if self.plain_name:
            return ExportItem("global", self.plain_name, self.line, digest, element=element)
        if not self.nodes:
            raise Wrong(f"global {self.name or 'without a name'} has no value", line=self.line)
        nodes = tuple(map(NEW_NODE, self.nodes.items()))
        return ExportItem("global", self.name, self.line, digest, "", nodes)


class TreeItem(Builder):
    """Class, Project, Document, Package: the element itself is kept, nothing in it is looked at.

    CSP and CSPBase64 too: a page may be an image, and its application is not told by its name.
    """

    KINDS: ClassVar[Dict[str, Tuple[str, str]]] = {
        "Class": ("class", ".CLS"), "Project": ("project", ".PRJ"), "Document": ("document", ""),
        "Package": ("package", ".PKG"), "CSP": ("csp", ""), "CSPBase64": ("csp", ""),
    }

    def __init__(self, tag: str, attributes: Dict[str, str], line: int) -> None:
        super().__init__(tag, attributes, line)
        self.kind, extension = self.KINDS[tag]
        self.name = self.page() if self.kind == "csp" else self.named() + extension

    def page(self) -> str:
        """``/csp/app/page.csp``: application and file."""
        application = self.attributes.get("application", "").rstrip("/")
        return f"{application}/{self.named()}" if application else self.named()

    def start(self, tag: str) -> None:
        pass

    def finish(self, element: bytes) -> ExportItem:
        if self.tag == "CSPBase64":
            decoded(MARKUP.sub(b"", element).decode("utf-8"), self.line, self.name)
        times = element_times(element)
        return ExportItem(
            self.kind, self.name, self.line, digest_element(element, times), "", (), False,
            times.changed, element,
        )


def plain_nodes(item: ExportItem) -> Tuple[Node, ...]:
    """The nodes of a global that is written as exporters write it."""
    nodes: Dict[Path, str] = {}
    path: Path = ()
    text = item.element.decode("utf-8", "surrogateescape")
    first, *others = NODE.findall(text)
    if first[1]:
        nodes[()] = first[2]
    is_over = bool(first[3])
    for sub, has_value, value, ends in others:
        path += (sub,)
        if has_value and not is_over:
            nodes[path] = value
        if ends:
            closed = ends.count("</Node>")
            is_over = is_over or closed > len(path)
            path = path[:-closed]
    if text.count("<Data>") != len(nodes):
        raise InvalidInput(
            f"{item.name} has two values for one node, or holds two globals",
            place=f"line {item.line}", cure="export the package again", line=item.line,
        )
    return tuple(map(NEW_NODE, nodes.items()))


def decoded(text: str, line: int, name: str) -> str:
    """Text of Base64; bytes that are not UTF-8 become lone surrogates."""
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Wrong(f"{name}: not Base64: {error}", line=line) from error
    return data.decode("utf-8", "surrogateescape")


BUILDERS: Dict[str, Callable[[str, Dict[str, str], int], Builder]] = {
    "Routine": TextItem, "RoutineBase64": TextItem, "CSP": TreeItem, "CSPBase64": TreeItem,
    "Global": GlobalItem, "Class": TreeItem, "Project": TreeItem, "Document": TreeItem,
    "Package": TreeItem,
}
