# SPDX-License-Identifier: GPL-3.0-or-later
"""Parser of expressions: operators left to right without precedence, as in M."""

from __future__ import annotations

import re
from collections.abc import Mapping

from emulated import syntax
from emulated.lexer import Lexer
from emulated.names import FUNCTIONS, OMITS, SPECIALS, TAKES_NAME
from emulated.syntax import Argument, Expression
from emulated.values import Value, number

_OPERATORS = ("'<=", "'>=", "']]", "&&", "||", "**", "]]", "<=", ">=", "'=", "'<", "'>", "'[", "']", "'&", "'!",
              "+", "-", "*", "/", "\\", "#", "_", "=", "<", ">", "[", "]", "&", "!")
_VARIABLES = (syntax.Local, syntax.Global, syntax.Naked, syntax.Indirect, syntax.Property)
_PATTERN_ATOM = re.compile(r"(\d*)(\.?)(\d*)([A-Za-z]+)?")
#: Status macros of the system's own include file, as expressions.
_MACROS = {
    "OK": "1", "YES": "1", "NO": "0", "NULLOREF": '""', "ISOK": "$system.Status.IsOK(%1)",
    "ISERR": "$system.Status.IsError(%1)", "ERROR": "$system.Status.Error(%*)", "GeneralError": "5001",
    "ObjectScriptError": "5002",
}


class ExpressionParser(Lexer):
    """Expressions of one text. ``macros``: what ``$$$NAME`` stands for, beside the system's own."""

    def __init__(self, source: str, macros: Mapping[str, str] | None = None) -> None:
        super().__init__(source)
        self.macros = dict(macros or {})

    def expression(self, spaces: bool = True) -> Expression:
        """An expression; that of a postcondition ends at the first space outside parentheses."""
        left = self.operand()
        while True:
            start = self.at
            if spaces:
                self.skip_spaces()
            if self.peek(2) in ("//", "/*") or self.peek(3) in ("##;", "#;"):
                self.at = start
                return left
            negated = self.peek(2) == "'?"
            if negated or self.peek() == "?":
                self.at += 2 if negated else 1
                left = syntax.Match(left, self.pattern(), negated)
                continue
            operator = next((each for each in _OPERATORS if self.source.startswith(each, self.at)), "")
            if not operator:
                self.at = start
                return left
            self.at += len(operator)
            self.skip_spaces()
            left = syntax.Binary(operator, left, self.operand())

    # -- operands --------------------------------------------------------------------

    def operand(self) -> Expression:
        char = self.peek()
        if char and char in "+-'":
            self.at += 1
            self.skip_spaces()
            return syntax.Unary(char, self.operand())
        found = self._primary(char)
        return self._chain(found)

    def _primary(self, char: str) -> Expression:
        if char == '"':
            return syntax.Literal(self.string() or "")
        if char.isdigit() or (char == "." and self.peek(2)[1:].isdigit()):
            return syntax.Literal(_number(self.number()))
        if char == "(":
            self.at += 1
            self.skip_spaces()
            inner = self.expression()
            self.skip_spaces()
            self.require(")")
            return inner
        if char == "$":
            return self._dollar()
        if char == "#" or self.peek(2) == "..":
            return self._object_start()
        return self.variable()

    def variable(self) -> Expression:
        """A local, a global or an indirection."""
        char = self.peek()
        if char == "^":
            return self._global()
        if char == "@":
            return self._indirection()
        name = self.name()
        if not name:
            self.fault("Expected an expression")
        return syntax.Local(name, self.subscripts())

    def subscripts(self) -> tuple[Expression, ...]:
        if self.peek() != "(":
            return ()
        return tuple(self.listed(self.expression))

    def listed(self, item: object) -> list[Expression]:
        """Items in parentheses, at least one, separated by commas."""
        self.require("(")
        found = []
        while True:
            self.skip_spaces()
            found.append(item())  # type: ignore[operator]
            self.skip_spaces()
            if self.accept(")"):
                return found
            self.require(",")

    def _global(self) -> Expression:
        self.require("^")
        if self.peek() == "(":
            return syntax.Naked(self.subscripts())
        place = self.place()
        if self.accept("$"):
            # Structured system variables such as ^$GLOBAL parse; the machine refuses them.
            return syntax.Global("$" + self.required_name(), self.subscripts(), place)
        name = self.global_name()
        if not name:
            self.fault("Expected a global")
        return syntax.Global(name, self.subscripts(), place)

    def place(self) -> Expression | None:
        """``|"NS"|`` or ``["NS"]`` of an extended reference."""
        closing = {"|": "|", "[": "]"}.get(self.peek())
        if closing is None:
            return None
        self.at += 1
        # Within brackets "]" ends the reference and is no operator.
        found = self.operand()
        if self.accept(","):
            self.operand()
        self.require(closing)
        return found

    def _indirection(self) -> Expression:
        self.require("@")
        target = self._primary(self.peek())
        if self.peek(2) == "@(":
            self.at += 1
            return syntax.Indirect(target, self.subscripts())
        return syntax.Indirect(target)

    # -- objects and classes ---------------------------------------------------------

    def _object_start(self) -> Expression:
        if self.peek(2) == "..":
            self.at += 1
            return self._member(None)
        if self.accept("##super"):
            return syntax.SuperCall(self.arguments())
        self.require("##class(")
        name = self.string() or self.dotted()
        if not name:
            self.fault("Expected a class")
        self.require(")")
        if self.peek() != ".":
            # A cast: what follows is the object.
            return self.operand()
        self.at += 1
        if self.accept("#"):
            return syntax.Parameter(name, self.required_name())
        return syntax.ClassCall(name, self._member_name(), self.arguments())

    def _chain(self, found: Expression) -> Expression:
        while self.peek() == "." and _member_follows(self.peek(3)) and not isinstance(found, syntax.Literal):
            found = self._member(found)
        return found

    def _member(self, target: Expression | None) -> Expression:
        self.require(".")
        if self.accept("#"):
            return syntax.Parameter("", self.required_name())
        name = self._member_name()
        if self.peek() == "(":
            return syntax.MethodCall(target, name, self.arguments())
        return syntax.Property(target, name)

    def _member_name(self) -> str:
        quoted = self.string()
        return quoted if quoted is not None else self.required_name()

    def arguments(self) -> tuple[Argument, ...]:
        """Arguments in parentheses; () is none."""
        self.require("(")
        self.skip_blank()
        if self.accept(")"):
            return ()
        found = []
        while True:
            self.skip_blank()
            found.append(self._argument())
            self.skip_blank()
            if self.accept(")"):
                return tuple(found)
            self.require(",")

    def _argument(self) -> Argument:
        if self.peek() in ",)":
            return Argument(None)
        if self.peek() == "." and not self.peek(2)[1:].isdigit() and self.peek(2) != "..":
            self.at += 1
            target = self.variable() if self.peek() != "." else self._object_start()
            return Argument(target, by_reference=True)
        if self.accept("*"):
            # The last character, element or piece; "*-1" the one before it.
            below = self.operand() if self.peek() in ("-", "+") else syntax.Literal("")
            return Argument(syntax.Binary("_", syntax.Literal("*"), below))
        found = self.expression()
        self.accept("...")
        return Argument(found)

    # -- what begins with $ ----------------------------------------------------------

    def _dollar(self) -> Expression:
        start = self.at
        if self.accept("$$$"):
            return self._macro()
        if self.accept("$$"):
            return syntax.Extrinsic(self.entry())
        self.require("$")
        if self.starts("system.") or self.starts("sy."):
            return self._system()
        name = self.required_name().lower()
        if self.peek() == "(":
            return self._function(name, start)
        if name not in SPECIALS:
            self.fault(f"Unknown special variable ${name}", start)
        return syntax.Special(SPECIALS[name])

    def _system(self) -> Expression:
        self.name()
        self.require(".")
        names = self.dotted().split(".")
        if self.peek() != "(" or len(names) < 2:
            self.fault("Expected $SYSTEM.Class.Method(")
        return syntax.ClassCall("%SYSTEM." + ".".join(names[:-1]), names[-1], self.arguments())

    def _function(self, name: str, start: int) -> Expression:
        if name not in FUNCTIONS:
            self.fault(f"Unknown function ${name}", start)
        full = FUNCTIONS[name]
        if full == "select":
            return syntax.Cases(None, tuple(self.listed(self._branch)))  # type: ignore[arg-type]
        if full == "case":
            return self._case()
        if full == "text":
            self.require("(")
            entry = self.entry()
            self.require(")")
            return syntax.Text(entry)
        arguments = tuple(each.expression for each in self.arguments())
        if (None in arguments or not arguments) and full not in OMITS:
            self.fault("Expected an expression", start)
        if full in TAKES_NAME and not isinstance(arguments[0], _VARIABLES):
            self.fault("Expected a variable", start)
        return syntax.Intrinsic(full, arguments)

    def _case(self) -> Expression:
        self.require("(")
        subject = self.expression()
        branches = []
        while self.accept(","):
            self.skip_spaces()
            branches.append(self._branch())
        self.require(")")
        return syntax.Cases(subject, tuple(branches))

    def _branch(self) -> tuple[Expression | None, Expression]:
        condition = None if self.peek() == ":" else self.expression()
        self.skip_spaces()
        self.require(":")
        self.skip_spaces()
        return condition, self.expression()

    def _macro(self) -> Expression:
        name = self.required_name()
        written = self.macros.get(name, _MACROS.get(name))
        if written is None:
            self.fault(f"Referenced macro not defined: '{name}'")
        given = self._macro_arguments() if "%" in str(written) and self.peek() == "(" else []
        for index, each in enumerate(given, 1):
            written = str(written).replace(f"%{index}", each)
        inner = type(self)(str(written).replace("%*", ",".join(given)), self.macros)
        return inner.expression()

    def _macro_arguments(self) -> list[str]:
        self.require("(")
        found = []
        while True:
            start = self.at
            self.expression()
            found.append(self.source[start : self.at])
            if self.accept(")"):
                return found
            self.require(",")

    # -- entries and patterns --------------------------------------------------------

    def entry(self) -> syntax.Entry:
        """``label+offset^routine(arguments)``."""
        target = None
        if self.accept("@"):
            target = self._primary(self.peek())
        label = "" if target else self.name() or (self.take(re.compile(r"\d+")) if self.peek().isdigit() else "")
        offset = None
        if self.accept("+"):
            offset = self.operand()
        routine, place = "", None
        if self.accept("^"):
            place = self.place()
            routine = self.dotted() or self.global_name()
            if not routine:
                self.fault("Expected a routine")
        if not label and not routine and offset is None and target is None:
            self.fault("Expected a label or routine")
        arguments = self.arguments() if self.peek() == "(" else None
        return syntax.Entry(label, offset, routine, arguments, place, target)

    def pattern(self) -> tuple[object, ...] | Expression:
        self.skip_spaces()
        if self.peek() == "@":
            self.at += 1
            return self._primary(self.peek())
        found: list[object] = []
        while self.peek() and (self.peek().isdigit() or self.peek() == "."):
            found.append(self._pattern_atom())
        if not found:
            self.fault("Expected a pattern")
        return tuple(found)

    def _pattern_atom(self) -> object:
        match = _PATTERN_ATOM.match(self.source, self.at)
        assert match is not None
        self.at = match.end()
        least, dot, most, codes = match.groups()
        low = int(least or 0)
        high = int(most) if most else (None if dot else low)
        if codes:
            return low, high, codes.upper()
        literal = self.string()
        if literal is not None:
            return low, high, (literal,)
        choices = []
        self.require("(")
        while True:
            choices.append(self.pattern())
            if self.accept(")"):
                return low, high, [*choices]
            self.require(",")


def _number(written: str) -> Value:
    return number(written)


def _member_follows(written: str) -> bool:
    return len(written) > 1 and (written[1].isalpha() or written[1] in '%"#' or ord(written[1]) > 127)
