# SPDX-License-Identifier: GPL-3.0-or-later
"""Edits of YAML text that leave every other character, comments included, as it was.

Positions come from PyYAML's composer; new values are written as JSON, which is YAML too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from relmgmt_runner.errors import RunnerError, UsageError


def append_entry(text: str, key: str, entry: Mapping[str, str]) -> str:
    """The text with a mapping added to the list under a top-level key, which may be missing or empty."""
    root = _compose(text)
    listed = None if root is None else _value(root, key)
    edited = _with_entry(text, root, listed, key, entry)
    if _entries(edited, key) != [*_entries(text, key), dict(entry)]:
        raise RunnerError("the list could not be extended without changing it", key, "add the entry by hand")
    return edited


def set_digests(text: str, digests: Mapping[str, str]) -> str:
    """The text of a release.yml with the ``sha256`` of each file set; ``digests``: by file."""
    edits = [_digest_edit(text, entry, digests) for entry in _with_files(text)]
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def package_files(text: str) -> list[str]:
    """The ``file`` of every package and of configuration, of a release.yml that may have no digests yet."""
    return [_file(entry).value for entry in _with_files(text)]


def _with_files(text: str) -> list[Any]:
    """The packages, and the entries of the configuration that have a file."""
    root = _compose(text)
    packages = None if root is None else _value(root, "packages")
    if root is None or not isinstance(packages, yaml.SequenceNode):
        raise UsageError("release.yml lists no packages", "packages", "see the example bundles")
    listed = _value(root, "configuration")
    entries = listed.value if isinstance(listed, yaml.SequenceNode) else []
    return [*packages.value, *(one for one in entries if isinstance(one, yaml.MappingNode) and _value(one, "file"))]


def _compose(text: str) -> yaml.MappingNode | None:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UsageError(f"not a YAML document: {error}", "", "correct it") from error
    if root is not None and not isinstance(root, yaml.MappingNode):
        raise UsageError("the document is not a mapping", "", "see the examples")
    return root


def _value(node: yaml.MappingNode, key: str) -> Any:
    return next((value for name, value in node.value if name.value == key), None)


def _entries(text: str, key: str) -> list[Any]:
    try:
        document = yaml.load(text, Loader=yaml.BaseLoader) or {}  # noqa: S506 - makes nothing but strings
    except yaml.YAMLError:
        return []
    return list(document.get(key) or [])


def _with_entry(text: str, root: Any, listed: Any, key: str, entry: Mapping[str, str]) -> str:
    if listed is None:
        closing = "" if not text or text.endswith("\n") else "\n"
        if root is not None and root.flow_style:
            raise UsageError("the document is written in one line", key, "write it in block style")
        return f"{text}{closing}{key}:\n{_block(entry, 2)}"
    if not isinstance(listed, yaml.SequenceNode):
        end = _line_end(text, listed.end_mark.index)
        return text[:end] + _newline(text, end) + _block(entry, 2) + text[end:]
    if not listed.value:
        start, end = listed.start_mark.index, listed.end_mark.index
        return text[:start].rstrip(" ") + "\n" + _block(entry, 2).rstrip("\n") + text[end:]
    if listed.flow_style:
        end = _leaf(listed.value[-1]).end_mark.index
        return text[:end] + ", " + json.dumps(dict(entry), ensure_ascii=False) + text[end:]
    end = _line_end(text, _leaf(listed.value[-1]).end_mark.index)
    return text[:end] + _newline(text, end) + _block(entry, listed.start_mark.column) + text[end:]


def _block(entry: Mapping[str, str], indent: int) -> str:
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in entry.items()]
    space = " " * indent
    return f"{space}- " + f"\n{space}  ".join(lines) + "\n"


def _leaf(node: Any) -> Any:
    """The last node of a collection whose end is exact: block collections end after their comments."""
    while node.value and not isinstance(node, yaml.ScalarNode) and not node.flow_style:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    return node


def _line_end(text: str, position: int) -> int:
    """The start of the line after a position."""
    if position and text[position - 1] == "\n":
        return position
    return text.find("\n", position) + 1 or len(text)


def _newline(text: str, end: int) -> str:
    return "" if text[:end].endswith("\n") else "\n"


def _file(package: Any) -> Any:
    found = _value(package, "file") if isinstance(package, yaml.MappingNode) else None
    if not isinstance(found, yaml.ScalarNode):
        line = package.start_mark.line + 1
        raise UsageError("a package without a file", f"release.yml:{line}", "name its file")
    return found


def _digest_edit(text: str, package: Any, digests: Mapping[str, str]) -> tuple[int, int, str]:
    file, present = _file(package), _value(package, "sha256")
    digest = digests[file.value]
    plain = json.dumps(digest) if digest.isdigit() else digest
    if present is not None and present.start_mark.index != present.end_mark.index:
        return present.start_mark.index, present.end_mark.index, plain
    if present is not None:
        return present.start_mark.index, present.end_mark.index, " " + plain
    if package.flow_style:
        return file.end_mark.index, file.end_mark.index, f", sha256: {plain}"
    end = _line_end(text, file.end_mark.index)
    line = f"{_newline(text, end)}{' ' * package.start_mark.column}sha256: {plain}\n"
    return end, end, line
