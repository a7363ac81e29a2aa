# SPDX-License-Identifier: GPL-3.0-or-later
"""One safe loader for tickets, approvals and release.yml (T40, invariant 12).

Plain YAML only: no tags, anchors, aliases or duplicate keys, bounded in size and depth.
Dates and times stay text.
"""

from __future__ import annotations

import json
import os
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

try:
    import jsonschema
    import yaml
except ImportError as error:
    MISSING: ImportError | None = error
else:
    MISSING = None

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schemas")
PREFIX = "tag:yaml.org,2002:"
TIMESTAMP = PREFIX + "timestamp"
TAGS = {PREFIX + name for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp")}


def load_document(path: str, schema: str) -> dict[str, Any]:
    """Read a YAML document and hold it against ``schemas/<schema>.schema.json``.

    Raises InvalidInput naming file, place and cure.
    """
    if MISSING is not None:
        raise InvalidInput(
            f"a Python library is missing on the controller: {MISSING.name}",
            cure="install the project's requirements (make setup)",
        )
    text = _read(path)
    try:
        document = _parse(text, path)
    except yaml.YAMLError as error:
        raise InvalidInput(f"not a plain YAML document: {error}", place=path,
                           cure="correct the document at that place") from error
    validate(document, schema, path)
    return document  # type: ignore[no-any-return]


def validate(document: Any, schema: str, place: str) -> None:
    """Hold a value against a shipped schema; raises InvalidInput naming the first wrong place."""
    with open(os.path.join(SCHEMAS, schema + ".schema.json"), encoding="utf-8") as stream:
        validator = jsonschema.Draft202012Validator(json.load(stream))
    errors = sorted(validator.iter_errors(document), key=lambda found: [str(p) for p in found.path])
    if errors:
        where = ".".join(str(part) for part in errors[0].absolute_path) or "top level"
        raise InvalidInput(
            f"{errors[0].message[:300]} (at {where})", place=place,
            cure=f"correct it; the shape is in {schema}.schema.json",
        )


def _read(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror}", place=path,
                           cure="give the path of an existing document") from error
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"larger than {MAX_BYTES} bytes", place=path, cure="give the right document")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"not UTF-8: {error.reason} at byte {error.start}", place=path,
                           cure="save it as UTF-8") from error


def _parse(text: str, path: str) -> Any:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            line = event.start_mark.line + 1 if event.start_mark else 0
            raise InvalidInput("anchors and aliases are not accepted", cure="write the value out",
                               place=f"{path}:{line}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise InvalidInput(f"nested deeper than {MAX_DEPTH} levels", place=path, cure="flatten it")
    return _construct(yaml.compose(text, Loader=yaml.SafeLoader), path)


def _construct(node: Any, path: str) -> Any:
    """Values of a composed node: duplicates refused, dates kept as text."""
    if node is None:
        return None
    if node.tag not in TAGS:
        raise InvalidInput(f"the tag {node.tag} is not accepted", cure="write a plain value",
                           place=f"{path}:{node.start_mark.line + 1}")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path)
    if isinstance(node, yaml.SequenceNode):
        return [_construct(child, path) for child in node.value]
    if node.tag == TIMESTAMP:
        return node.value
    return yaml.constructor.SafeConstructor().construct_object(node)


def _mapping(node: Any, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        if key in found:
            raise InvalidInput(f"the key {key!r} is given twice", cure="keep one of them",
                               place=f"{path}:{key_node.start_mark.line + 1}")
        found[key] = _construct(value_node, path)
    return found
