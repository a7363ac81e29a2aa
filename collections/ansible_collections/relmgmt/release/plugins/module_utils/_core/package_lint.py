# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong, or unwise, about a package, told without an instance (TRAPS: what users ask for, 7).

Looks at the items and at what the release says of them: a release that leaves something unsaid
is not guessed at. Keeps names only, so a package of any size can be looked at.
"""

from __future__ import annotations

import codecs
from fnmatch import fnmatchcase
from typing import AbstractSet, Any, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple
from xml.parsers import expat

from ansible_collections.relmgmt.release.plugins.module_utils._core import cache_xml_encoding
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ROUTINE_TYPES, ExportItem
from ansible_collections.relmgmt.release.plugins.module_utils._core.finding import ERROR, WARNING, Finding
from ansible_collections.relmgmt.release.plugins.module_utils._core.package_file import CACHE_XML, read_package
from ansible_collections.relmgmt.release.plugins.module_utils._core.steps import Step, steps_of
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

#: error that only a word of the release can lift: data would be overwritten
UNNAMED_GLOBAL = "global"
LOST = "\ufffd"


class Terms(NamedTuple):
    """What the release says of a package. ``modes``: merge or replace, by global; ``percent_items``:
    items whose name begins with %, that it may bring; ``*`` stands for any characters."""

    drops: Tuple[str, ...] = ()
    modes: Mapping[str, str] = {}
    percent_items: Tuple[str, ...] = ()
    steps: Tuple[Mapping[str, Any], ...] = ()


def terms_of(options: Mapping[str, Any]) -> Terms:
    """From a package's options in ``release.yml``, or from a module's parameters."""
    return Terms(
        tuple(options.get("drops") or ()),
        {entry["name"]: entry["mode"] for entry in options.get("globals") or ()},
        tuple(options.get("percent_items") or ()),
        tuple(options.get("steps") or ()),
    )


def lint_package(kind: str, chunks: Iterable[bytes], terms: Terms, file: str) -> Tuple[List[Finding], Dict[str, int]]:
    """Findings on a package file, and its items by name with their lines.

    A file that cannot be read is one finding.
    """
    stream = iter(chunks)
    head = next(stream, b"")
    linter = Linter(terms, file)
    found = _label_findings(head, file) if kind == CACHE_XML else []
    try:
        for item in read_package(kind, _again(head, stream), file):
            linter.see(item)
    except InvalidInput as error:
        line = int(error.detail.get("line", 0))
        return [*found, Finding(ERROR, "unreadable", "", line, error.message, error.cure, file)], {}
    return [*found, *linter.end()], linter.lines


def lint(items: Iterable[ExportItem], terms: Terms, file: str) -> List[Finding]:
    """Findings on items that were read already."""
    linter = Linter(terms, file)
    for item in items:
        linter.see(item)
    return linter.end()


class Linter:
    """Sees the items of one file, one after the other."""

    def __init__(self, terms: Terms, file: str) -> None:
        self.terms = terms
        self.file = file
        self.lines: Dict[str, int] = {}
        self.found: List[Finding] = []
        self.members: List[Tuple[ExportItem, str, str]] = []

    def see(self, item: ExportItem) -> None:
        """Look at one item."""
        self.lines[item.name] = item.line
        if item.kind == "global":
            self._global(item)
        if _bare(item.name).startswith("%") and not _allowed(item.name, self.terms.percent_items):
            self._tell(
                ERROR, "percent", item, "belongs to every namespace: a name that begins with %",
                "name it in percent_items of the package in release.yml, or take it out",
            )
        if item.name.endswith(".OBJ"):
            self._tell(ERROR, "object_code", item, "is object code without its source", "export the source")
        if LOST in item.text or LOST.encode() in item.element:
            self._tell(
                WARNING, "lost_characters", item, "holds U+FFFD: characters were lost before it was exported",
                "export it again from a server with the right locale",
            )
        if item.kind == "project" and item.element:
            self.members += [(item, name, kind) for name, kind in project_members(item.element)]

    def end(self) -> List[Finding]:
        """Every finding, once all items were seen."""
        self._compiled()
        self._projects()
        for name in self.terms.drops:
            if name in self.lines:
                self._about(ERROR, "dropped", name, "is in the package and dropped by it", "keep one of the two")
        for name in sorted(set(self.terms.modes) - set(self.lines)):
            self._about(
                ERROR, "absent", name, "is named by the release and not in the package",
                "correct globals of the package in release.yml",
            )
        for pattern in self.terms.percent_items:
            if not any(fnmatchcase(name, pattern) for name in self.lines):
                self._about(
                    WARNING, "absent", pattern, "is allowed by the release and not in the package",
                    "correct percent_items of the package in release.yml",
                )
        return [*self.found, *lint_steps(self.terms.steps, self.file)]

    def _global(self, item: ExportItem) -> None:
        if item.name not in self.terms.modes:
            self._tell(
                ERROR, UNNAMED_GLOBAL, item, "would overwrite data: a global that the release does not name",
                "name each under globals with mode merge or replace, or take it out of the package",
            )
        try:
            item.nodes  # noqa: B018 - a global that was cut out whole is looked at now
        except InvalidInput as error:
            self._tell(ERROR, "nodes", item, error.message, error.cure)

    def _compiled(self) -> None:
        for name in self.lines:
            if name.endswith(".INT") and f"{name[:-4]}.MAC" in self.lines:
                self._about(
                    ERROR, "generated", name, f"is what {name[:-4]}.MAC of the same package compiles to",
                    "export without generated routines, or take one of the two out",
                )

    def _projects(self) -> None:
        names = {name.lower() for name in self.lines}
        for project, name, kind in self.members:
            wanted = _member_names(name, kind)
            if wanted and not any(_held(one, names) for one in wanted):
                self._tell(
                    ERROR, "project", project, f"names {name} ({kind}), which the package does not hold",
                    "export the project with its items, or take the project out of the package",
                )

    def _tell(self, level: str, rule: str, item: ExportItem, message: str, cure: str) -> None:
        self.found.append(Finding(level, rule, item.name, item.line, message, cure, self.file))

    def _about(self, level: str, rule: str, name: str, message: str, cure: str) -> None:
        self.found.append(Finding(level, rule, name, self.lines.get(name, 0), message, cure, self.file))


def lint_steps(steps: Sequence[Mapping[str, Any]], file: str) -> List[Finding]:
    """Steps whose names cannot be called, or that cannot be told apart."""
    try:
        known: List[Step] = steps_of(steps)
    except InvalidInput as error:
        return [Finding(ERROR, "step", "", 0, error.message, error.cure, file)]
    names = [step.name for step in known]
    return [
        Finding(ERROR, "step", "", 0, f"two steps are called {name!r}", "give each a name of its own", file)
        for name in sorted({one for one in names if names.count(one) > 1})
    ]


def lint_together(lines: Mapping[str, Mapping[str, int]]) -> List[Finding]:
    """Items that two files of a release hold; ``lines``: of each file, its items with their lines."""
    first: Dict[str, str] = {}
    found: List[Finding] = []
    for file, items in lines.items():
        for name, line in items.items():
            if name in first:
                found.append(Finding(
                    ERROR, "twice", name, line, f"is in {first[name]} too, line {lines[first[name]][name]}",
                    "keep the one that is meant", file,
                ))
            first.setdefault(name, file)
    return found


def project_members(element: bytes) -> List[Tuple[str, str]]:
    """Name and type of each item that a project names."""
    found: List[Tuple[str, str]] = []

    def start(tag: str, attributes: Dict[str, str]) -> None:
        if tag == "ProjectItem":
            found.append((attributes.get("name", ""), attributes.get("type", "").upper()))

    parser = expat.ParserCreate("UTF-8")
    parser.StartElementHandler = start
    parser.Parse(element, True)
    return found


def _label_findings(head: bytes, file: str) -> List[Finding]:
    label = cache_xml_encoding.label(head)
    try:
        name = codecs.lookup(label).name if label else ""
    except LookupError:
        return []  # the reader refuses it
    if label and name == "utf-8" and label.upper() != "UTF-8":
        return [Finding(
            WARNING, "encoding", "", 1, f"the encoding is written {label!r}, which strict readers do not know",
            "write encoding=\"UTF-8\" into the first line", file,
        )]
    return []


def _member_names(name: str, kind: str) -> List[str]:
    """Names that a member may have among the items; none for kinds that say nothing checkable."""
    if kind == "GBL":
        bare = name.lstrip("^")
        return ["^" + (bare[:-4] if bare.upper().endswith(".GBL") else bare)]
    if kind in ("PKG", "DIR"):
        return [name.lstrip("/") + ("." if kind == "PKG" else "/")]
    if kind in ("CSP", "CSR"):
        return [name.lstrip("/")]
    is_code = kind == "CLS" or kind in ROUTINE_TYPES
    return [f"{name}.{kind}"] if is_code and not name.upper().endswith(f".{kind}") else [name]


def _held(wanted: str, names: AbstractSet[str]) -> bool:
    one = wanted.lower()
    if one.endswith((".", "/")):
        return any(name.lstrip("/").startswith(one) for name in names)
    return one in names or f"/{one}" in names


def _bare(name: str) -> str:
    return name[1:] if name.startswith("^") else name


def _allowed(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _again(head: bytes, rest: Iterable[bytes]) -> Iterable[bytes]:
    yield head
    yield from rest
