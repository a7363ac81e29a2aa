# SPDX-License-Identifier: GPL-3.0-or-later
"""One value of a YAML document: found by its path, replaced in its style, of the same type as before."""

from __future__ import annotations

import re
from typing import Optional, Sequence, Union

from ansible_collections.relmgmt.release.plugins.module_utils._core import edit_yaml_nodes as nodes
from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_text import Spot, Text

Path = Sequence[Union[str, int]]

STRING, NUMBER, BOOLEAN, NULL, DOUBTFUL = "text", "a number", "true or false", "nothing", "of no certain type"
_KINDS = (
    (NULL, re.compile(r"(?:~|null|Null|NULL)?\Z")),
    (BOOLEAN, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")),
    (NUMBER, re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\Z")),
    # What YAML 1.1, YAML 1.2 or one of their readers takes for something else than text.
    (DOUBTFUL, re.compile(r"(?:y|n|yes|no|on|off|<<|=|[-+]?\.(?:inf|nan))\Z", re.IGNORECASE)),
    (DOUBTFUL, re.compile(r"[-+]?0(?:x[0-9a-f_]+|b[01_]+|o[0-7_]+)\Z", re.IGNORECASE)),
    (DOUBTFUL, re.compile(r"[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]+)(?:e[-+]?[0-9]+)?\Z", re.IGNORECASE)),
    (DOUBTFUL, re.compile(r"[-+]?[0-9][0-9_]*(?::[0-9]{1,2})+(?:\.[0-9_]*)?\Z")),
    (DOUBTFUL, re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}")),
)
_PLAIN = re.compile(r"(?!---|\.\.\.)[A-Za-z0-9_/.](?:[^\s:#,\[\]{}]|:(?! |\Z)|(?<! )#|[,\[\]{}]| (?![ #]|\Z))*\Z")
_CURE = "write it in the file as text in quotes"


def locate(document: Text, path: Path) -> Optional[Spot]:
    """The value at a path of keys and numbers; None: there is none.

    Raises InvalidInput for what cannot be placed with certainty (see edit_yaml_nodes), for a key on the path that is
    there twice, an anchor, tag, alias or merge on the way, and a value that is no scalar of one line.
    """
    found: Optional[nodes.Node] = nodes.root_of(document)
    for step in path:
        if found is None:
            return None
        _require_alone(document, found, step)
        found = _step(document, found, step)
    if found is None:
        return None
    _require_alone(document, found, path[-1] if path else "")
    return _spot(document, found)


def _require_alone(document: Text, node: nodes.Node, step: Union[str, int]) -> None:
    if node.mark:
        message = "%s stands on the way to %r: an anchor's value counts elsewhere too" % (node.mark, step)
        document.refuse(message, "write it without anchor and tag", node.line)


def _step(document: Text, node: nodes.Node, step: Union[str, int]) -> Optional[nodes.Node]:
    if node.kind == nodes.SEQUENCE:
        is_number = re.match(r"[0-9]{1,9}\Z", str(step))
        return node.members[int(step)][1] if is_number and int(step) < len(node.members) else None
    if node.kind in (nodes.FLOW, nodes.ALIAS):
        cure = "write it as key: value below one another"
        document.refuse("%s stands on the way to %r" % (node.kind, step), cure, node.line)
    found = [member for key, member in node.members if key == str(step)]
    if len(found) > 1:
        document.refuse("the key %r is there twice" % step, "keep one of them", found[1].line)
    if not found and any(key == "<<" for key, _member in node.members):
        document.refuse("the key %r may come from a merge <<" % step, "write it where it is meant", node.line)
    return found[0] if found else None


def _spot(document: Text, node: nodes.Node) -> Spot:
    written = document.text[node.start : node.end]
    if node.kind not in nodes.SCALARS or (node.kind == nodes.PLAIN and _kind(written) == NULL):
        what = node.kind if node.kind not in nodes.SCALARS else NULL
        document.refuse("what stands there is no value of one line, but %s" % what, _CURE, node.line)
    value = nodes.unquoted(document, node.kind, written, node.line)

    def write(new: str) -> str:
        if node.kind == nodes.DOUBLE:
            return "".join(_in_double(document, letter) for letter in new)
        if node.kind == nodes.SINGLE:
            return _in_single(document, new, node.line)
        return _plain(document, _kind(written), new, node.line)

    return Spot(node.start, node.end, value, write)


def _kind(plain: str) -> str:
    return next((kind for kind, pattern in _KINDS if pattern.match(plain)), STRING)


def _plain(document: Text, kind: str, new: str, line: int) -> str:
    if kind == DOUBTFUL:
        document.refuse("readers differ over what stands there: it is %s" % kind, _CURE, line)
    if kind == STRING:
        is_plain = _PLAIN.match(new) and _kind(new) == STRING and new.isprintable() and document.can_hold(new)
        return new if is_plain else "'%s'" % _in_single(document, new, line)
    if _kind(new) != kind:
        document.refuse("what stands there is %s, and %r is none" % (kind, new), _CURE, line)
    return new


def _in_single(document: Text, new: str, line: int) -> str:
    if not new.isprintable() or not document.can_hold(new):
        document.refuse("%r cannot be written within single quotes" % new, "write it there in double quotes", line)
    return new.replace("'", "''")


def _in_double(document: Text, letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    if letter.isprintable() and document.can_hold(letter):
        return letter
    return "\\U%08x" % ord(letter)
