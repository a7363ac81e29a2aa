# SPDX-License-Identifier: GPL-3.0-or-later
"""ObjectScript against InterSystems' own grammar."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import tree_sitter_objectscript_routine as grammar
from tree_sitter import Language, Node, Parser


@pytest.fixture(scope="session")
def syntax_errors() -> Callable[[Sequence[str]], list[str]]:
    """What does not parse of these lines, each as a line of a routine."""
    parser = Parser(Language(grammar.language_objectscript_routine()))

    def check(lines: Sequence[str]) -> list[str]:
        # Each by itself: a line that breaks off would be completed by the next one.
        return [found for line in lines for found in _errors(parser, line)]

    return check


def _errors(parser: Parser, line: str) -> list[str]:
    source = f"ROUTINE X\n {line}\n".encode()
    return [_shown(node, source) for node in _nodes(parser.parse(source).root_node) if _wrong(node)]


def _nodes(node: Node) -> list[Node]:
    return [node, *(below for child in node.children for below in _nodes(child))]


def _wrong(node: Node) -> bool:
    return node.type == "ERROR" or node.is_missing


def _shown(node: Node, source: bytes) -> str:
    return f"{source[node.start_byte:node.end_byte].decode()!r} ({node.type}) in {source.decode()!r}"
