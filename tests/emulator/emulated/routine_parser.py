# SPDX-License-Identifier: GPL-3.0-or-later
"""Parser of a whole routine: macros, labels, procedures, lines with dots."""

from __future__ import annotations

import re

from emulated import syntax
from emulated.errors import SyntaxFault
from emulated.parser import CommandParser
from emulated.syntax import Formal, Label, Line, Routine

_LABEL = re.compile(r"%?[^\x00-/:-@\[-`{-\x7f]+|%")
_DEFINE = re.compile(r"\s*#def(?:1arg|ine)\s+([%A-Za-z][\w%]*)(\([^)]*\))?\s*(.*)", re.IGNORECASE)
_INCLUDE = re.compile(r"\s*#include\s+(\S+)", re.IGNORECASE)


class RoutineParser(CommandParser):
    """Reads a routine line by line; a procedure's block may span lines."""

    def routine(self, name: str, class_name: str = "") -> Routine:
        labels: dict[str, Label] = {}
        lines: list[Line] = []
        while self.at < len(self.source):
            line = self._line(labels)
            if line is not None:
                lines.append(line)
            self._end_of_line()
        return Routine(name, tuple(self.source.split("\n")), labels, tuple(lines), class_name)

    def _end_of_line(self) -> None:
        if self.peek() == "\r":
            self.at += 1
        if self.at < len(self.source) and not self.accept("\n"):
            self.fault("Expected space")

    def _line(self, labels: dict[str, Label]) -> Line | None:
        number, _ = self._place(self.at)
        if self.peek() == "#" and self.peek(2) != "##":
            self.skip_line()
            return None
        label = self.take(_LABEL) if self.peek() not in ("", " ", "\t", "\n") else ""
        if label:
            if self._label(label, number, labels):
                return None
        elif self.peek() not in ("", " ", "\t", "\n", "\r", ";", "/"):
            self.fault("Expected a label, a space or a comment")
        return Line(number, self._dots(), self.commands(False))

    def _label(self, name: str, number: int, labels: dict[str, Label]) -> bool:
        """Take a label's formal arguments; True if it begins a procedure, whose block is taken too."""
        if name in labels:
            self.fault(f"Label '{name}' is there twice")
        formals = self.formals() if self.peek() == "(" else None
        start = self.at
        public, opens = self._procedure_head()
        if not opens:
            self.at = start
            labels[name] = Label(name, number, formals)
            if self.peek() not in ("", " ", "\t", "\n", "\r", ";", "/"):
                self.fault("Expected space")
            return False
        labels[name] = Label(name, number, formals or (), self.commands(True), public)
        self._line_is_over()
        return True

    def _procedure_head(self) -> tuple[frozenset[str], bool]:
        self.skip_spaces()
        public: set[str] = set()
        if self.accept("["):
            self.skip_spaces()
            while not self.accept("]"):
                public.add(self.required_name())
                self.skip_spaces()
                self.accept(",")
                self.skip_spaces()
        self.skip_spaces()
        for word in ("public", "private", "methodimpl"):
            self.accept(word)
        self.skip_blank()
        return frozenset(public), self.accept("{")

    def formals(self) -> tuple[Formal, ...]:
        """Formal arguments of a label, in parentheses."""
        self.require("(")
        found: list[Formal] = []
        self.skip_blank()
        while not self.accept(")"):
            self.accept("&")
            name = self.required_name()
            variadic = self.accept("...")
            if self.accept(":"):
                self.dotted()
            default = self.expression() if self.accept("=") else None
            found.append(Formal(name, default, variadic))
            self.skip_blank()
            if self.accept(","):
                self.skip_blank()
        return tuple(found)

    def _dots(self) -> int:
        level = 0
        while True:
            self.skip_spaces()
            if self.peek() != ".":
                return level
            self.at += 1
            level += 1


def parse_routine(name: str, source: str, class_name: str = "", macros: dict[str, str] | None = None) -> Routine:
    """A routine from its source; SyntaxFault says line, column and text."""
    return RoutineParser(_without_line_ends(source), {**own_macros(source), **(macros or {})}).routine(name, class_name)


def own_macros(source: str) -> dict[str, str]:
    """What a source #defines."""
    found: dict[str, str] = {}
    for line in source.split("\n"):
        match = _DEFINE.match(line.rstrip("\r"))
        if match:
            found[match.group(1)] = _numbered(match.group(2) or "", match.group(3))
    return found


def _numbered(formals: str, body: str) -> str:
    for index, name in enumerate(each.strip() for each in formals.strip("()").split(",") if each.strip()):
        body = body.replace(name, f"%{index + 1}")
    return body or '""'


def includes(source: str) -> list[str]:
    """The include files that a source names."""
    return [match.group(1) for match in map(_INCLUDE.match, source.split("\n")) if match]


def faults(name: str, source: str, class_name: str = "", macros: dict[str, str] | None = None) -> list[SyntaxFault]:
    """What is wrong with a source: the first fault, as a compiler that stops there tells it."""
    try:
        parse_routine(name, source, class_name, macros)
    except SyntaxFault as fault:
        return [fault]
    return []


def _without_line_ends(source: str) -> str:
    return source.replace("\r\n", "\n")


__all__ = ["RoutineParser", "faults", "includes", "own_macros", "parse_routine", "syntax"]
