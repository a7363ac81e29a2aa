# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that runs code: its stack, its namespace, and what happens to an error."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from emulated import syntax
from emulated.devices import Devices
from emulated.errors import Halt, MError, ThrownObject
from emulated.facts import Facts
from emulated.globals import Globals
from emulated.layout import Settings
from emulated.namespaces import Namespaces
from emulated.parser import parse_expression, parse_line
from emulated.places import GlobalPlace
from emulated.syntax import Command, Label, Line, Routine
from emulated.values import Oref, Value, text
from emulated.variables import Scope, Tree

_DEEPEST = 200


class Quit(Exception):
    """QUIT on its way out; ``value`` None if it has none."""

    def __init__(self, value: Value | None = None) -> None:
        super().__init__()
        self.value = value


class Return(Quit):
    """RETURN: ends the whole call, through loops and TRY."""


class Continue(Exception):
    """CONTINUE of a loop."""


class Goto(Exception):
    """GOTO within or between routines."""

    def __init__(self, entry: syntax.Entry) -> None:
        super().__init__(entry)
        self.entry = entry


class Given:
    """An actual argument: a value, or the tree of a variable passed by reference, or neither."""

    def __init__(self, value: Value | None = None, tree: Tree | None = None) -> None:
        self.value = value
        self.tree = tree


class Frame:
    """A level of the stack. ``kind``: "d" DO, "x" function, "e" XECUTE, "" direct mode."""

    def __init__(
        self, kind: str, scope: Scope, routine: Routine | None = None, label: str = "", line: int = 0,
        this: Oref | None = None, class_name: str = "", wants_value: bool = False,
    ) -> None:
        self.kind = kind
        self.scope = scope
        self.routine = routine
        self.label = label
        self.method = label
        self.first_line = line
        self.line = line
        self.at = -1
        self.this = this
        self.class_name = class_name
        self.wants_value = wants_value
        self.saved: list[tuple[str, Tree | None]] = []
        self.restore: list[Callable[[], None]] = []
        self.ztrap = ""

    def place(self) -> str:
        """``label+n^RTN`` of the line being run."""
        if self.routine is None:
            return ""
        offset = self.line - self.first_line
        return f"{self.label}{f'+{offset}' if offset else ''}^{self.routine.name}"


class Machine:
    """A process of the instance."""

    def __init__(self, settings: Settings, globals_: Globals, devices: Devices, namespace: str) -> None:
        self.settings = settings
        self.globals = globals_
        self.devices = devices
        self.namespaces = Namespaces(settings)
        self.namespace = namespace
        self.frames = [Frame("", Scope())]
        self.test = False
        self.zerror = ""
        self.naked: tuple[str, str, list[Any]] | None = None
        self.level = 0
        self.job = os.getpid()
        self.at_column = 0
        self.guards = 0
        self.cache: dict[str, Any] = {}
        self._expressions: dict[str, Any] = {}

    # -- looking ---------------------------------------------------------------------

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    @property
    def scope(self) -> Scope:
        return self.frames[-1].scope

    @property
    def facts(self) -> Facts:
        return self.settings.facts

    def expression(self, source: str) -> Any:
        """An expression from text, as indirection needs it; parsed once."""
        if source not in self._expressions:
            self._expressions[source] = parse_expression(source)
        return self._expressions[source]

    def place(self, name: str, subscripts: list[Any], namespace: str = "", prefix: str = "") -> GlobalPlace:
        """A node of a global as a namespace maps it; ``^^dir`` names a database itself."""
        directory = self.namespaces.directory(namespace or self.namespace, name)
        return GlobalPlace(self.globals, directory, name, subscripts, prefix)

    def switch_namespace(self, name: str) -> None:
        self.namespace = self.namespaces.known(name)
        self.globals.ask("enter", self.namespace)
        self.cache.clear()

    # -- stack -----------------------------------------------------------------------

    @contextmanager
    def entered(self, frame: Frame) -> Iterator[Frame]:
        """A level of the stack while it lasts; an error leaves its place in the error."""
        if len(self.frames) >= _DEEPEST:
            raise MError("FRAMESTACK")
        self.frames.append(frame)
        try:
            yield frame
        except MError as error:
            if error.location is None:
                error.location = frame.place()
            if self.guards or not self.facts.stack_kept or any(each.ztrap for each in self.frames):
                self.leave(frame)
            raise
        except BaseException:
            self.leave(frame)
            raise
        else:
            self.leave(frame)

    def leave(self, frame: Frame) -> None:
        """Pop down to below a frame, and give back what NEW took."""
        while frame in self.frames:
            top = self.frames.pop()
            self.undo_new(top)

    def leave_to(self, depth: int) -> None:
        """Pop down to a depth, as CATCH does."""
        while len(self.frames) > depth:
            self.undo_new(self.frames.pop())

    def undo_new(self, frame: Frame) -> None:
        for name, tree in reversed(frame.saved):
            frame.scope.bind(name, tree)
        for each in reversed(frame.restore):
            each()
        frame.saved.clear()
        frame.restore.clear()

    # -- running ---------------------------------------------------------------------

    def run(self, commands: tuple[Command, ...]) -> None:
        from emulated.execute import COMMANDS

        for command in commands:
            frame = self.frames[-1]
            frame.line = command.line
            self.at_column = command.column
            if command.condition is not None and not self.true(command.condition):
                continue
            action = COMMANDS.get(command.name)
            if action is None:
                raise MError("SYNTAX", why=f"command {command.name} is not emulated")
            action(self, command)

    def evaluate(self, node: Any) -> Value:
        from emulated.evaluate import EVALUATE

        return EVALUATE[type(node)](self, node)

    def true(self, node: Any) -> bool:
        from emulated.values import truth

        return truth(self.evaluate(node))

    def string(self, node: Any) -> str:
        return text(self.evaluate(node))

    def execute(self, source: str, kind: str = "e") -> None:
        """A line of code as XECUTE runs it."""
        commands = parse_line(source)
        with self.entered(Frame(kind, self.scope, this=self.frame.this, class_name=self.frame.class_name)):
            try:
                self.run(commands)
            except Quit as leaving:
                if leaving.value is not None:
                    raise MError("COMMAND", why="QUIT with a value in XECUTE") from None

    # -- calls -----------------------------------------------------------------------

    def call(
        self, routine: Routine, label: Label, given: list[Given], wants_value: bool, *,
        this: Oref | None = None, class_name: str = "", offset: int = 0,
    ) -> Value | None:
        """Run a label of a routine; its value, None if it gives none."""
        procedure = label.body is not None
        caller = self.scope
        scope = Scope(caller, label.public) if procedure else caller
        frame = Frame("x" if wants_value else "d", scope, routine, label.name, label.line, this,
                      class_name or routine.class_name, wants_value)
        with self.entered(frame):
            self.bind(frame, label, given)
            result = self._trapped(frame, label, offset)
        if wants_value and result is None:
            raise MError("COMMAND", why=f"no value from {label.name}^{routine.name}")
        return result

    def bind(self, frame: Frame, label: Label, given: list[Given]) -> None:
        """Formal arguments get their values; by-reference ones their trees."""
        formals = list(label.formals or ())
        if formals and formals[-1].variadic:
            self._variadic(frame, formals.pop(), given[len(formals):])
            given = given[: len(formals)]
        if len(given) > len(formals):
            raise MError("PARAMETER", why=f"{label.name} takes {len(formals)} arguments")
        for index, formal in enumerate(formals):
            actual = given[index] if index < len(given) else Given()
            tree = actual.tree
            if tree is None:
                value = actual.value
                if value is None and formal.default is not None:
                    value = self.evaluate(formal.default)
                tree = Tree(value)
            self.new_name(frame, formal.name, tree)

    def _variadic(self, frame: Frame, formal: syntax.Formal, given: list[Given]) -> None:
        tree = Tree(len(given))
        for index, each in enumerate(given, 1):
            if each.value is not None:
                tree.set([index], each.value)
        self.new_name(frame, formal.name, tree)

    def new_name(self, frame: Frame, name: str, tree: Tree | None) -> None:
        """NEW of one name, for the life of a frame."""
        frame.saved.append((name, frame.scope.get(name)))
        frame.scope.bind(name, tree)

    def _trapped(self, frame: Frame, label: Label, offset: int) -> Value | None:
        """Run a frame's code; its $ZTRAP gets an error of it or of what it called."""
        try:
            return self._body(frame, label, offset)
        except MError as error:
            if not frame.ztrap:
                raise
            error.location = error.location if error.location is not None else frame.place()
            self.zerror = error.text()
            trap, frame.ztrap = frame.ztrap, ""
            return self._body(frame, *self._trap_entry(frame, trap))

    def _trap_entry(self, frame: Frame, trap: str) -> tuple[Label, int]:
        parser_entry = self.expression("$$" + trap.lstrip("*")).entry
        routine = self.routine(parser_entry.routine) if parser_entry.routine else frame.routine
        assert routine is not None
        frame.routine = routine
        label = find_label(routine, parser_entry.label)
        frame.label, frame.first_line = label.name, label.line
        return label, 0

    def _body(self, frame: Frame, label: Label, offset: int) -> Value | None:
        try:
            while True:
                try:
                    if label.body is not None and not offset:
                        self.run(label.body)
                    else:
                        self._lines(frame, label.line + offset)
                    return None
                except Goto as jump:
                    label, offset = self._jump(frame, jump.entry)
        except Quit as leaving:
            return leaving.value

    def _jump(self, frame: Frame, entry: syntax.Entry) -> tuple[Label, int]:
        if entry.routine:
            frame.routine = self.routine(entry.routine)
        if frame.routine is None:
            raise MError("SYNTAX", why="GOTO in direct mode")
        label = find_label(frame.routine, entry.label)
        frame.label, frame.first_line = label.name, label.line
        from emulated.values import integer

        return label, integer(self.evaluate(entry.offset)) if entry.offset is not None else 0

    def _lines(self, frame: Frame, first: int, level: int = 0) -> None:
        """Lines of a routine from one on, those of this level of dots; deeper ones wait for a DO."""
        assert frame.routine is not None
        lines = frame.routine.lines
        for index in range(len(lines)):
            if lines[index].number < first:
                continue
            if lines[index].level < level:
                return
            if lines[index].level == level:
                frame.at = index
                self._label_of(frame, lines[index])
                self.run(lines[index].commands)

    def _label_of(self, frame: Frame, line: Line) -> None:
        """Falling into a further label changes what places are counted from."""
        assert frame.routine is not None
        for label in frame.routine.labels.values():
            if label.line == line.number:
                frame.label, frame.first_line = label.name, label.line

    def dotted_block(self) -> None:
        """Argumentless DO: the lines that follow with one more dot."""
        frame = self.frame
        if frame.routine is None or frame.at < 0:
            raise MError("SYNTAX", why="argumentless DO in direct mode")
        lines, at = frame.routine.lines, frame.at
        level = lines[at].level + 1
        saved, label, first = frame.saved, frame.label, frame.first_line
        frame.saved = []
        test = self.test
        try:
            if at + 1 < len(lines) and lines[at + 1].level >= level:
                self._lines(frame, lines[at + 1].number, level)
        except Return:
            raise
        except Quit as leaving:
            if leaving.value is not None:
                raise
        finally:
            for name, tree in reversed(frame.saved):
                frame.scope.bind(name, tree)
            frame.saved, frame.at, frame.label, frame.first_line = saved, at, label, first
            self.test = test

    # -- routines and classes --------------------------------------------------------

    def routine(self, name: str, namespace: str = "") -> Routine:
        from emulated.code import load_routine

        return load_routine(self, name, namespace)

    def call_class(
        self, class_name: str, method: str, given: list[Given], wants_value: bool, this: Oref | None = None
    ) -> Value | None:
        from emulated.classes import call_method

        return call_method(self, class_name, method, given, wants_value, this)

    # -- errors ----------------------------------------------------------------------

    def noted(self, error: MError) -> str:
        """An error's text, kept in $ZERROR."""
        if error.location is None:
            error.location = self.frame.place()
        self.zerror = error.text()
        if error.why:
            self.refuse(error)
        return self.zerror

    def refuse(self, error: MError) -> None:
        """Say to the emulator's user what was asked for and is not there."""
        with (self.settings.private / "refused.log").open("a", encoding="utf-8") as file:
            file.write(f"{error.text()}  {error.why}\n")


def find_label(routine: Routine, name: str) -> Label:
    """A label; without a name, the beginning of the routine. <NOLINE> if there is none."""
    if not name:
        first = next((each for each in routine.labels.values() if each.line == 0), None)
        return first or Label(routine.name, 0, None)
    found = routine.labels.get(name)
    if found is None:
        raise MError("NOLINE", f"*{name}^{routine.name}")
    return found


__all__ = ["Continue", "Frame", "Given", "Goto", "Halt", "Machine", "Quit", "Return", "ThrownObject", "find_label"]
