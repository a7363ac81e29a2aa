# SPDX-License-Identifier: GPL-3.0-or-later
"""Code as a tree: what the parser makes and the machine carries out. No behaviour here."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from emulated.values import Value


class Literal(NamedTuple):
    value: Value


class Local(NamedTuple):
    """``x`` or ``x(1,"a")``."""

    name: str
    subscripts: tuple[Expression, ...] = ()


class Global(NamedTuple):
    """``^G(1)``; ``place`` is the namespace or ``^^directory`` of an extended reference."""

    name: str
    subscripts: tuple[Expression, ...] = ()
    place: Expression | None = None


class Naked(NamedTuple):
    """``^(1)``: beside the last global named."""

    subscripts: tuple[Expression, ...]


class Indirect(NamedTuple):
    """``@x`` or ``@x@(1)``."""

    target: Expression
    subscripts: tuple[Expression, ...] = ()


class Property(NamedTuple):
    """``o.Name`` or ``..Name`` (``target`` None)."""

    target: Expression | None
    name: str
    subscripts: tuple[Expression, ...] = ()


class Parameter(NamedTuple):
    """``..#NAME`` or ``##class(C).#NAME``."""

    class_name: str
    name: str


class Argument(NamedTuple):
    """An argument of a call: an expression, ``.x`` by reference, or nothing."""

    expression: Expression | None
    by_reference: bool = False


class MethodCall(NamedTuple):
    """``o.M(1)``, ``..M(1)`` (``target`` None)."""

    target: Expression | None
    name: str
    arguments: tuple[Argument, ...]


class ClassCall(NamedTuple):
    """``##class(C).M(1)`` and ``$system.X.M(1)``."""

    class_name: str
    name: str
    arguments: tuple[Argument, ...]


class SuperCall(NamedTuple):
    """``##super(1)``."""

    arguments: tuple[Argument, ...]


class Entry(NamedTuple):
    """``label+offset^routine``; ``arguments`` None where no parentheses are written.

    ``target``: ``@x`` in place of the label, or of the whole entry.
    """

    label: str
    offset: Expression | None
    routine: str
    arguments: tuple[Argument, ...] | None = None
    place: Expression | None = None
    target: Expression | None = None


class Extrinsic(NamedTuple):
    """``$$label^routine(1)``."""

    entry: Entry


class Intrinsic(NamedTuple):
    """``$get(x)``: the function's full name in lower case."""

    name: str
    arguments: tuple[Expression | None, ...]


class Cases(NamedTuple):
    """``$select`` (``subject`` None) and ``$case``; a None condition is the default."""

    subject: Expression | None
    branches: tuple[tuple[Expression | None, Expression], ...]


class Text(NamedTuple):
    """``$text(label+offset^routine)``."""

    entry: Entry


class Special(NamedTuple):
    """``$job``: the variable's full name in lower case."""

    name: str


class Unary(NamedTuple):
    operator: str
    operand: Expression


class Binary(NamedTuple):
    operator: str
    left: Expression
    right: Expression


class Match(NamedTuple):
    """``x?1.N``; the pattern is a list of (least, most, codes or literal)."""

    operand: Expression
    pattern: tuple[object, ...] | Expression
    negated: bool


Expression: TypeAlias = (
    Literal | Local | Global | Naked | Indirect | Property | Parameter | MethodCall | ClassCall | SuperCall
    | Extrinsic | Intrinsic | Cases | Text | Special | Unary | Binary | Match
)


class Format(NamedTuple):
    """``!``, ``#``, ``?n`` and ``*n`` of WRITE."""

    kind: str
    expression: Expression | None = None


class Command(NamedTuple):
    """One command: its full name in lower case, where it stands, its postcondition and arguments.

    ``body``: what IF, ELSE, FOR, WHILE, TRY and blocks govern. ``line`` counts from 0.
    """

    name: str
    line: int
    column: int
    condition: Expression | None
    arguments: tuple[Any, ...] = ()
    body: tuple[Command, ...] | None = None


class Label(NamedTuple):
    """An entry of a routine; ``body`` of a procedure, with the names it shares (``public``)."""

    name: str
    line: int
    formals: tuple[Formal, ...] | None
    body: tuple[Command, ...] | None = None
    public: frozenset[str] = frozenset()


class Formal(NamedTuple):
    name: str
    default: Expression | None = None
    variadic: bool = False


class Line(NamedTuple):
    """A line of a routine: how many dots it has, and its commands."""

    number: int
    level: int
    commands: tuple[Command, ...]


class Routine(NamedTuple):
    name: str
    source: tuple[str, ...]
    labels: dict[str, Label]
    lines: tuple[Line, ...]
    class_name: str = ""
