# SPDX-License-Identifier: GPL-3.0-or-later
"""What the elements of a Caché XML export become: one builder for each shape."""

from __future__ import annotations

import base64
import binascii
from typing import Callable, ClassVar, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import (
    Node,
    Path,
    digest_nodes,
    digest_text,
    lines_of,
    normal_text,
    reference,
)

ROUTINE_TYPES = ("MAC", "INT", "INC", "BAS", "MVI", "MVB", "OBJ")
# They change with every save and compile, the class does not.
TIMES = frozenset(["TimeChanged", "TimeCreated"])


class ExportItem(NamedTuple):
    """One item of a package.

    ``kind``: routine, global, class, csp, project, document or package. ``name`` as Caché
    lists it: ``CASE.MAC``, ``App.Case.CLS``, ``^CFG``, ``/csp/app/x.csp``. ``line``: where it
    starts in the file. ``text``: source of a routine or page; ``nodes``: of a global.
    ``digest``: of the content, line ends and times of change ignored (T35).
    """

    kind: str
    name: str
    line: int
    digest: str
    text: str = ""
    nodes: Tuple[Node, ...] = ()
    generated: bool = False

    @property
    def lines(self) -> Tuple[str, ...]:
        """The source's lines."""
        return lines_of(self.text)


class Wrong(Exception):
    """Something that an export does not contain; ``line`` 0: where the parser stands."""

    def __init__(self, message: str, cure: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure
        self.line = line


class Builder:
    """Collects one item; ``finish`` gives it."""

    def __init__(self, tag: str, attributes: Dict[str, str], line: int) -> None:
        self.tag = tag
        self.attributes = attributes
        self.line = line

    def start(self, tag: str, attributes: Dict[str, str], line: int) -> None:
        """An element inside the item."""
        raise Wrong(f"unknown element {tag} in {self.tag}", line=line)

    def end(self, tag: str, line: int) -> None:
        """The end of an element inside the item."""

    def text(self, text: str) -> None:
        """Character data."""
        raise NotImplementedError

    def finish(self) -> ExportItem:
        """The item."""
        raise NotImplementedError

    def named(self) -> str:
        """The name attribute, which must be there."""
        name = self.attributes.get("name", "")
        if not name.strip():
            raise Wrong(f"{self.tag} has no name", line=self.line)
        return name


class TextItem(Builder):
    """Routine, CSP and their Base64 variants: one text."""

    def __init__(self, tag: str, attributes: Dict[str, str], line: int) -> None:
        super().__init__(tag, attributes, line)
        self.kind = "csp" if tag.startswith("CSP") else "routine"
        self.name = self.page() if self.kind == "csp" else self.routine()
        self.parts: List[str] = []

    def routine(self) -> str:
        """``CASE.MAC``: name and type."""
        kind = self.attributes.get("type", "").upper()
        if kind not in ROUTINE_TYPES:
            raise Wrong(f"routine {self.named()} has the unknown type {kind!r}", line=self.line)
        return f"{self.named()}.{kind}"

    def page(self) -> str:
        """``/csp/app/page.csp``: application and file."""
        application = self.attributes.get("application", "").rstrip("/")
        return f"{application}/{self.named()}" if application else self.named()

    def text(self, text: str) -> None:
        self.parts.append(text)

    def finish(self) -> ExportItem:
        text = "".join(self.parts)
        if self.tag.endswith("Base64"):
            text = decoded(text, self.line, self.name)
        # The text begins after the line end that follows the start tag.
        text = normal_text(text)
        text = text[1:] if text.startswith("\n") else text
        if not text.strip():
            raise Wrong(f"{self.name} is empty", line=self.line)
        generated = self.attributes.get("generated") == "1"
        return ExportItem(self.kind, self.name, self.line, digest_text(text), text, (), generated)


class GlobalItem(Builder):
    """Global: nested nodes, each with one subscript and perhaps a value."""

    INSIDE = frozenset(["Sub", "SubBase64", "Data", "DataBase64"])

    def __init__(self, tag: str, attributes: Dict[str, str], line: int) -> None:
        super().__init__(tag, attributes, line)
        self.path: List[Optional[str]] = []
        self.nodes: Dict[Path, str] = {}
        self.name = ""
        self.inside = ""
        self.parts: List[str] = []

    def start(self, tag: str, attributes: Dict[str, str], line: int) -> None:
        if self.inside or tag not in self.INSIDE | {"Node"}:
            raise Wrong(f"unknown element {tag} in {self.inside or 'Global'}", line=line)
        if tag == "Node":
            self.known(line)
            self.path.append(None)
        else:
            self.inside, self.parts = tag, []

    def end(self, tag: str, line: int) -> None:
        if tag == "Node":
            self.known(line)
            self.path.pop()
            return
        text = "".join(self.parts)
        if tag.endswith("Base64"):
            text = decoded(text, line, self.name or "a global")
        self.inside = ""
        if tag.startswith("Sub"):
            self.subscript(text, line)
        else:
            self.value(text, line)

    def text(self, text: str) -> None:
        if self.inside:
            self.parts.append(text)
        elif text.strip():
            raise Wrong(f"text between the nodes of a global: {text.strip()[:40]!r}")

    def subscript(self, text: str, line: int) -> None:
        """The subscript of the innermost node; that of the outermost is the global's name."""
        if not self.path or self.path[-1] is not None:
            raise Wrong("a Sub that belongs to no node, or the second one of a node", line=line)
        self.path[-1] = text
        if len(self.path) == 1 and (not text.startswith("^") or self.name not in ("", text)):
            raise Wrong(f"{text!r} is not the name of this global", line=line)
        self.name = self.name or text

    def value(self, text: str, line: int) -> None:
        """The value of the innermost node."""
        self.known(line)
        path = tuple(one or "" for one in self.path[1:])
        if not self.path or path in self.nodes:
            raise Wrong(f"{reference(self.name, path)} has two values", line=line)
        self.nodes[path] = text

    def known(self, line: int) -> None:
        """The innermost node has its subscript."""
        if self.path and self.path[-1] is None:
            raise Wrong(f"a node of {self.name or 'a global'} has no Sub", line=line)

    def finish(self) -> ExportItem:
        if not self.nodes:
            raise Wrong(f"global {self.name or 'without a name'} has no value", line=self.line)
        nodes = tuple(Node(path, value) for path, value in self.nodes.items())
        return ExportItem("global", self.name, self.line, digest_nodes(nodes), "", nodes)


class TreeItem(Builder):
    """Class, Project, Document, Package: only name and digest are kept."""

    KINDS: ClassVar[Dict[str, Tuple[str, str]]] = {
        "Class": ("class", ".CLS"), "Project": ("project", ".PRJ"), "Document": ("document", ""),
        "Package": ("package", ".PKG"),
    }

    def __init__(self, tag: str, attributes: Dict[str, str], line: int) -> None:
        super().__init__(tag, attributes, line)
        self.kind, extension = self.KINDS[tag]
        self.name = self.named() + extension
        self.events: List[str] = []
        self.parts: List[str] = []
        self.skipping = False

    def start(self, tag: str, attributes: Dict[str, str], line: int) -> None:
        self.flush()
        self.skipping = tag in TIMES
        if not self.skipping:
            self.events.append("<" + tag)
            self.events.extend(f"@{key}={attributes[key]}" for key in sorted(attributes))

    def end(self, tag: str, line: int) -> None:
        self.flush()
        if not self.skipping:
            self.events.append(">" + tag)
        self.skipping = False

    def text(self, text: str) -> None:
        self.parts.append(text)

    def flush(self) -> None:
        """Text between tags counts unless it is white space alone."""
        if self.parts:
            text = "".join(self.parts)
            self.parts = []
            if not self.skipping and not text.isspace():
                self.events.append("=" + normal_text(text))

    def finish(self) -> ExportItem:
        self.flush()
        # No event holds a NUL: XML has none. So no two lists of events give one text.
        return ExportItem(self.kind, self.name, self.line, digest_text("\0".join(self.events)))


def decoded(text: str, line: int, name: str) -> str:
    """Text of Base64; bytes that are not UTF-8 become lone surrogates."""
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Wrong(f"{name}: not Base64: {error}", line=line) from error
    return data.decode("utf-8", "surrogateescape")


BUILDERS: Dict[str, Callable[[str, Dict[str, str], int], Builder]] = {
    "Routine": TextItem, "RoutineBase64": TextItem, "CSP": TextItem, "CSPBase64": TextItem,
    "Global": GlobalItem, "Class": TreeItem, "Project": TreeItem, "Document": TreeItem,
    "Package": TreeItem,
}
