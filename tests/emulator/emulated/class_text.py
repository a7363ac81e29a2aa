# SPDX-License-Identifier: GPL-3.0-or-later
"""A class as its ``<Class>`` element: as lines, as what running code needs, as the routine that is generated."""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from emulated.code import ClassText, CompiledClass

#: Elements whose text is code or prose: always CDATA (FACTS 2.3).
_CDATA = frozenset({"Implementation", "Content", "Data", "Description", "Code", "SqlQuery", "SqlComputeCode", "CSP"})
_MEMBERS = frozenset({"UDLText", "Parameter", "Property", "Index", "ForeignKey", "Method", "Query", "Trigger",
                      "XData", "Projection", "Storage"})
_TIMES = ("TimeChanged", "TimeCreated")


class MethodCode(NamedTuple):
    """A method as it is compiled: the label in the generated routine, and its source lines."""

    name: str
    formal_spec: str
    lines: list[str]
    class_method: bool


def lines_of(element: Element, split: bool = True) -> list[str]:
    """An element as exports write it: one element per line, no indentation (2.3)."""
    return serialized(element, split).split("\n")


def serialized(element: Element, split: bool = True) -> str:
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in element.attrib.items())
    if not len(element):
        content = element.text or ""
        if not content:
            return f"<{element.tag}{attributes}/>"
        return f"<{element.tag}{attributes}>{_text(element.tag, content, split)}</{element.tag}>"
    inner = "\n".join(
        ("\n" if child.tag in _MEMBERS else "") + serialized(child, split) for child in element)
    return f"<{element.tag}{attributes}>\n{inner}\n</{element.tag}>"


def _text(tag: str, content: str, split: bool) -> str:
    if tag not in _CDATA and "\n" not in content and not re.search(r"[<&]", content):
        return escape(content)
    return cdata(content, split)


def cdata(content: str, split: bool = True) -> str:
    """Text as CDATA; what holds the end mark is split in two sections, or escaped (2.3)."""
    if "]]>" in content and not split:
        return escape(content)
    return "<![CDATA[" + content.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def element_of(text: ClassText) -> Element:
    return ElementTree.fromstring("\n".join(text.lines))  # the emulator's own lines


def without_times(element: Element) -> Element:
    """As /diffexport writes it: no TimeChanged, no TimeCreated (2.3)."""
    for tag in _TIMES:
        for each in element.findall(tag):
            element.remove(each)
    return element


def set_times(element: Element, changed: str, created: str) -> None:
    """Times stand behind the keywords and before the members."""
    without_times(element)
    at = next((index for index, child in enumerate(element) if child.tag in _MEMBERS), len(element))
    for tag, value in reversed(list(zip(_TIMES, (changed, created), strict=True))):
        made = Element(tag)
        made.text = value
        element.insert(at, made)


def super_classes(element: Element) -> list[str]:
    return [each.strip() for each in (element.findtext("Super") or "").split(",") if each.strip()]


def production_data(element: Element) -> Element | None:
    """The text of XData ProductionDefinition, None if the class is no production (4.1)."""
    for each in element.findall("XData"):
        if each.get("name") == "ProductionDefinition":
            return each.find("Data")
    return None


def describe(text: ClassText) -> CompiledClass:
    """What running code needs to know."""
    element = element_of(text)
    return CompiledClass(
        text.name, super_classes(element),
        {each.name: each.formal_spec for each in methods_of(element)},
        {each.get("name", ""): each.findtext("InitialExpression") or "" for each in element.findall("Property")},
        {each.get("name", ""): each.findtext("Default") or "" for each in element.findall("Parameter")},
    )


def storage_globals(element: Element) -> list[str]:
    """Globals that hold the extent of a class: of its storage, else the default ones."""
    named = [each.text for tag in ("DataLocation", "IndexLocation", "StreamLocation", "IdLocation")
             for each in element.iter(tag) if each.text]
    if named:
        return sorted({each.lstrip("^").partition("(")[0] for each in named})
    name = element.get("name", "")
    return [f"{name}D", f"{name}I", f"{name}S"]


def methods_of(element: Element) -> list[MethodCode]:
    """Methods with code, in order."""
    found = []
    for each in element.findall("Method"):
        body = (each.findtext("Implementation") or "").replace("\r\n", "\n").strip("\n")
        found.append(MethodCode(each.get("name", ""), each.findtext("FormalSpec") or "", body.split("\n"),
                                each.findtext("ClassMethod") == "1"))
    return found


def generated_routine(element: Element) -> list[str]:
    """The routine ``P.C.1``: a label ``zName`` for each method, as places in errors show it (2.2)."""
    lines = [f" ;{element.get('name')}.1"]
    for method in methods_of(element):
        lines.append(f"z{method.name}({_formals(method.formal_spec)}) public {{")
        lines += method.lines
        lines.append("}")
    return lines


def _formals(spec: str) -> str:
    """``a:%String=1,&b`` as formal arguments; types and passing conventions do not matter to the machine."""
    found = []
    for each in _split(spec):
        name, _, default = each.partition("=")
        name = name.strip().lstrip("&*").partition(":")[0].strip()
        found.append(f"{name}={default.strip()}" if default else name)
    return ",".join(found)


def _split(spec: str) -> list[str]:
    """Arguments of a FormalSpec; commas in quotes and parentheses do not part them."""
    found, depth, quoted, start = [], 0, False, 0
    for at, char in enumerate(spec):
        quoted ^= char == '"'
        if not quoted:
            depth += (char == "(") - (char == ")")
            if char == "," and not depth:
                found.append(spec[start:at])
                start = at + 1
    return [*found, spec[start:]] if spec else []
