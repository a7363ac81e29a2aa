# SPDX-License-Identifier: GPL-3.0-or-later
"""Parser of commands, lines and routines."""

from __future__ import annotations

import re
from collections.abc import Callable

from emulated import syntax
from emulated.device_arguments import DeviceParser
from emulated.names import COMMANDS
from emulated.syntax import Command, Expression

_WORD = re.compile(r"[A-Za-z]+")
#: Commands that mean something without arguments.
_BARE = frozenset({"break", "continue", "do", "for", "halt", "if", "kill", "lock", "new", "quit", "return", "tcommit",
                   "trollback", "tstart", "write", "zwrite", "ztrap", "zquit", "zprint", "zremove", "zinsert",
                   "zload", "zsave", "zhalt", "zbreak", "zdeallocate", "view", "print", "goto"})
_NEWABLE = frozenset({"namespace", "znspace", "ztrap", "etrap", "estack", "ecode"})
_SETTABLE = frozenset({"namespace", "znspace", "ztrap", "etrap", "ecode", "zerror", "x", "y", "device", "key", "roles",
                       "username", "zname", "halt"})


class CommandParser(DeviceParser):
    """Commands of one text: a line of a session, or a whole routine."""

    def commands(self, inside_block: bool) -> tuple[Command, ...]:
        """Commands up to the end of the line, or of the block whose brace was taken."""
        found: list[Command] = []
        while True:
            if inside_block:
                self.skip_blank()
                if self.accept("}"):
                    return tuple(found)
                if self.at >= len(self.source):
                    self.fault("Expected }")
                if self.peek() == "#":
                    self._directive()
                    continue
            elif self._line_is_over():
                return tuple(found)
            found.append(self.command(inside_block))

    def _line_is_over(self) -> bool:
        while True:
            self.skip_spaces()
            if self.at_end_of_line() or self.peek() == "}":
                return True
            if not self.skip_comment():
                return False

    def command(self, inside_block: bool) -> Command:
        start = self.at
        word = self.take(_WORD).lower()
        full = COMMANDS.get(word)
        if full is None:
            self.fault("Expected a command" if not word else f"Unknown command '{word}'", start)
        assert full is not None
        full = self._expanded(word, full)
        line, column = self._place(start)
        condition = None
        if self.accept(":"):
            condition = self.expression(spaces=False)
        special = _STATEMENTS.get(full)
        if special is not None:
            arguments, body = special(self, inside_block)
        else:
            arguments, body = self._arguments(full), None
        self._end_of_command()
        return Command(full, line, column, condition, arguments, body)

    def _expanded(self, word: str, full: str) -> str:
        """``h`` alone is HALT, ``h 3`` is HANG."""
        if word == "h" and not self._is_bare():
            return "hang"
        return full

    def _place(self, at: int) -> tuple[int, int]:
        return self.source.count("\n", 0, at), at - self.source.rfind("\n", 0, at) - 1

    def _end_of_command(self) -> None:
        if self.peek() not in ("", " ", "\t", "\n", "\r", "}", ";") and self.peek(2) not in ("//", "/*"):
            self.fault("Expected space")

    def _is_bare(self) -> bool:
        """Whether a command has no arguments: two spaces, the end of the line or of the block."""
        rest = self.peek(2)
        if rest[:1] in ("", "\n", "\r", "}", ";"):
            return True
        return rest[:1] in " \t" and (rest[1:] in ("", " ", "\t", "\n", "\r", "}", ";", "{") or self._comment_ahead())

    def _comment_ahead(self) -> bool:
        return self.source.startswith(("//", "/*"), self.at + 1)

    # -- arguments of plain commands -------------------------------------------------

    def _arguments(self, full: str) -> tuple[object, ...]:
        if full in _BARE and self._is_bare():
            return ()
        if self.peek() not in (" ", "\t"):
            self.fault("Expected space")
        self.skip_spaces()
        item = _ITEMS.get(full, CommandParser._plain)
        found = [item(self)]
        while True:
            start = self.at
            if full == "read" and self.peek() in ("!", "#", "?"):
                found.append(item(self))
                continue
            self.skip_spaces()
            if not self.accept(","):
                self.at = start
                return tuple(found)
            self.skip_blank_in_list()
            found.append(item(self))

    def skip_blank_in_list(self) -> None:
        """After a comma a list may go on, also on the next line."""
        while self.peek() and self.peek() in " \t\r\n":
            self.at += 1

    def _plain(self) -> object:
        return self.expression()

    def _conditional(self) -> object:
        found = self.expression()
        return found, self._postcondition()

    def _postcondition(self) -> Expression | None:
        return self.expression(spaces=False) if self.accept(":") else None

    def _call(self) -> object:
        """An argument of DO, GOTO or JOB."""
        found: object
        if self.peek() == "@":
            found = self._indirect_call()
        elif self.peek() in ("#", "$", "."):
            found = self.expression()
        else:
            found = self._entry_or_method()
        if self.peek() == ":" and self.peek(2) == "::":
            self.at += 1
        return found, self._postcondition()

    def _indirect_call(self) -> object:
        start = self.at
        found = self.operand()
        if self.peek() not in ("^", "+", "("):
            return found
        self.at = start
        return self.entry()

    def _entry_or_method(self) -> object:
        start = self.at
        name = self.name()
        if name and self.peek() in (".", "(") and self._is_object_call(start):
            self.at = start
            return self.expression()
        self.at = start
        return self.entry()

    def _is_object_call(self, start: int) -> bool:
        """``do x.M()`` and ``do x(1).M()``, unlike ``do label(1)``."""
        if self.peek() == ".":
            return True
        depth = 0
        for at in range(self.at, len(self.source)):
            char = self.source[at]
            depth += (char == "(") - (char == ")")
            if char == "\n" or not depth:
                return self.source[at + 1 : at + 2] == "."
        return False

    def _assignment(self) -> object:
        targets = tuple(self.listed(self._target)) if self.peek() == "(" else (self._target(),)
        start = self.at
        self.skip_spaces()
        if len(targets) == 1 and isinstance(targets[0], syntax.Indirect) and self.peek() != "=":
            self.at = start
            return (targets[0],), None
        self.require("=")
        self.skip_spaces()
        return targets, self.expression()

    def _target(self) -> Expression:
        start = self.at
        found = self.operand()
        if isinstance(found, syntax.Intrinsic) and found.name in ("piece", "extract", "list", "zutil"):
            return found
        kinds = (syntax.Local, syntax.Global, syntax.Naked, syntax.Indirect, syntax.Property, syntax.Special)
        if not isinstance(found, kinds) or (isinstance(found, syntax.Special) and found.name not in _SETTABLE):
            self.fault("Expected a variable", start)
        return found

    def _merge(self) -> object:
        target = self.variable()
        self.skip_spaces()
        self.require("=")
        self.skip_spaces()
        return target, self.variable()

    def _name(self) -> object:
        """An argument of KILL or NEW: a variable, or the names in parentheses that are kept."""
        if self.peek() == "(":
            return tuple(self.listed(self.required_name))
        if self.peek() == "$":
            return self.operand()
        found = self.variable()
        while self.peek() == ".":
            found = self._chain(found)
        return found

    def _new_name(self) -> object:
        start = self.at
        found = self._name()
        if isinstance(found, syntax.Local) and found.subscripts:
            self.fault("Expected a variable without subscripts", start)
        if isinstance(found, syntax.Special) and found.name not in _NEWABLE:
            self.fault(f"${found.name} cannot be saved", start)
        if not isinstance(found, (syntax.Local, syntax.Special, syntax.Indirect)) and type(found) is not tuple:
            self.fault("Expected a local variable", start)
        return found

    def _write(self) -> object:
        char = self.peek()
        if char and char in "!#" and self.peek(2) != "##":
            self.at += 1
            return syntax.Format(char)
        if char in ("?", "*") and char:
            self.at += 1
            return syntax.Format(char, self.expression())
        return self.expression()

    def write_arguments(self) -> tuple[object, ...]:
        """``!!,"x",?5`` : format controls may follow one another without a comma."""
        if self._is_bare():
            return ()
        if self.peek() not in (" ", "\t"):
            self.fault("Expected space")
        self.skip_spaces()
        found = [self._write()]
        while True:
            last = found[-1]
            start = self.at
            if isinstance(last, syntax.Format) and last.kind in "!#" and self.peek() and self.peek() in "!#?":
                found.append(self._write())
                continue
            self.skip_spaces()
            if not self.accept(","):
                self.at = start
                return tuple(found)
            self.skip_blank_in_list()
            found.append(self._write())

    def _read(self) -> object:
        char = self.peek()
        if char in ("!", "#", "?") and char:
            return self._write(), None, None
        literal = self.string()
        if literal is not None:
            return syntax.Literal(literal), None, None
        single = self.accept("*")
        target = self.variable()
        count = self.expression() if self.accept("#") else None
        timeout = self.expression() if self.accept(":") else None
        return (target, single), count, timeout

    # -- commands with bodies --------------------------------------------------------

    def _rest(self, inside_block: bool) -> tuple[Command, ...]:
        """What a command without braces governs: the rest of its line."""
        found: list[Command] = []
        while not self._line_is_over():
            found.append(self.command(inside_block))
        return tuple(found)

    def _block_ahead(self) -> bool:
        start = self.at
        self.skip_blank()
        if self.accept("{"):
            return True
        self.at = start
        return False

    def _if(self, inside_block: bool) -> tuple[tuple[object, ...], tuple[Command, ...]]:
        conditions: list[Expression] = []
        if not self._is_bare():
            self.skip_spaces()
            conditions.append(self.expression())
            while self.accept(","):
                self.skip_spaces()
                conditions.append(self.expression())
        if not conditions or not self._block_ahead():
            return ("line", tuple(conditions)), self._rest(inside_block)
        body = self.commands(True)
        branches = [(tuple(conditions), body)]
        while True:
            start = self.at
            self.skip_blank()
            if self.accept("elseif"):
                self.skip_spaces()
                branches.append(((self.expression(),), self._braced()))
            elif self.starts("else") and self._else_block():
                branches.append(((), self._braced()))
                return ("blocks", tuple(branches)), body
            else:
                self.at = start
                return ("blocks", tuple(branches)), body

    def _else_block(self) -> bool:
        start = self.at
        self.accept("else")
        found = self._block_ahead()
        self.at = self.at - 1 if found else start
        return found

    def _braced(self) -> tuple[Command, ...]:
        self.skip_blank()
        self.require("{")
        return self.commands(True)

    def _else(self, inside_block: bool) -> tuple[tuple[object, ...], tuple[Command, ...]]:
        if self._block_ahead():
            self.fault("Expected IF before ELSE")
        return (), self._rest(inside_block)

    def _for(self, inside_block: bool) -> tuple[tuple[object, ...], tuple[Command, ...]]:
        arguments: tuple[object, ...] = ()
        if not self._is_bare():
            self.skip_spaces()
            target = self.variable()
            self.skip_spaces()
            self.require("=")
            self.skip_spaces()
            arguments = (target, self._ranges())
        if self._block_ahead():
            return arguments, self.commands(True)
        return arguments, self._rest(inside_block)

    def _ranges(self) -> tuple[tuple[Expression, ...], ...]:
        found = []
        while True:
            parts = [self.expression()]
            while self.accept(":"):
                parts.append(self.expression())
            found.append(tuple(parts))
            if not self.accept(","):
                return tuple(found)
            self.skip_spaces()

    def _while(self, inside_block: bool) -> tuple[tuple[object, ...], tuple[Command, ...]]:
        self.skip_spaces()
        conditions = [self.expression()]
        while self.accept(","):
            self.skip_spaces()
            conditions.append(self.expression())
        return tuple(conditions), self._braced()

    def _do(self, inside_block: bool) -> tuple[tuple[object, ...], tuple[Command, ...] | None]:
        start = self.at
        if self._block_ahead():
            body = self.commands(True)
            self.skip_blank()
            self.require("while")
            self.skip_spaces()
            return ("while", self.expression()), body
        self.at = start
        return self._arguments("do"), None

    def _try(self, inside_block: bool) -> tuple[tuple[object, ...], tuple[Command, ...]]:
        body = self._braced()
        self.skip_blank()
        self.require("catch")
        self.skip_spaces()
        name = ""
        if self.accept("("):
            name = self.required_name()
            self.require(")")
        elif self.peek() != "{":
            name = self.name()
        return (name, self._braced()), body

    def _write_command(self, inside_block: bool) -> tuple[tuple[object, ...], None]:
        return self.write_arguments(), None

    def _misplaced(self, inside_block: bool) -> tuple[tuple[object, ...], None]:
        self.fault("CATCH and ELSEIF follow a block")
        return (), None

    def _directive(self) -> None:
        """A preprocessor line inside a block: ``macros.py`` has read it before."""
        self.skip_line()


Statement = Callable[[CommandParser, bool], tuple[tuple[object, ...], "tuple[Command, ...] | None"]]
_STATEMENTS: dict[str, Statement] = {
    "if": CommandParser._if, "else": CommandParser._else, "for": CommandParser._for, "while": CommandParser._while,
    "do": CommandParser._do, "try": CommandParser._try, "write": CommandParser._write_command,
    "catch": CommandParser._misplaced, "elseif": CommandParser._misplaced,
}
_ITEMS: dict[str, Callable[[CommandParser], object]] = {
    "set": CommandParser._assignment, "do": CommandParser._call, "goto": CommandParser._call,
    "job": CommandParser._call, "merge": CommandParser._merge, "kill": CommandParser._name,
    "new": CommandParser._new_name, "zkill": CommandParser._name, "zwrite": CommandParser._name,
    "read": CommandParser._read, "open": CommandParser._device, "use": CommandParser._device,
    "close": CommandParser._device, "lock": CommandParser._lock, "znspace": CommandParser._conditional,
    "xecute": CommandParser._conditional, "quit": CommandParser._plain,
}


def parse_line(source: str) -> tuple[Command, ...]:
    """The commands of a line typed at the prompt."""
    parser = CommandParser(source)
    parser.skip_spaces()
    found = parser.commands(False)
    if parser.at < len(source.rstrip()):
        parser.fault("Unexpected }" if parser.peek() == "}" else "Expected one line")
    return found


def parse_expression(source: str) -> Expression:
    """An expression that stands alone (indirection, default of an argument)."""
    parser = CommandParser(source)
    found = parser.expression()
    if parser.at < len(source):
        parser.fault("Expected the end")
    return found
