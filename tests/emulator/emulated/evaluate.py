# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of expressions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from emulated import syntax, values
from emulated.errors import MError
from emulated.machine import Frame, Given, Machine, find_label
from emulated.places import LocalPlace, Place
from emulated.values import Oref, Value, text, truth

# -- references ----------------------------------------------------------------------


def place(vm: Machine, node: Any, extra: tuple[Any, ...] = ()) -> Place:
    """What a reference names now. ``extra`` subscripts come from ``@x@(...)``."""
    if isinstance(node, syntax.Local):
        return LocalPlace(vm.scope, node.name, _keys(vm, node.subscripts + extra))
    if isinstance(node, syntax.Global):
        return _global(vm, node, extra)
    if isinstance(node, syntax.Naked):
        if vm.naked is None:
            raise MError("NAKED")
        directory, name, top = vm.naked
        found = vm.place(name, [*top, *_keys(vm, node.subscripts + extra)], "^^" + directory)
        vm.naked = (directory, name, found.subscripts[:-1])
        return found
    if isinstance(node, syntax.Indirect):
        return place(vm, vm.expression(vm.string(node.target)), node.subscripts + extra)
    if isinstance(node, syntax.Property):
        return PropertyPlace(vm, node)
    if isinstance(node, syntax.Special):
        return SpecialPlace(vm, node.name)
    raise MError("SYNTAX", why=f"{type(node).__name__} is no variable")


def _keys(vm: Machine, nodes: tuple[Any, ...]) -> list[values.Key]:
    return [values.key(vm.evaluate(each)) for each in nodes]


def _global(vm: Machine, node: syntax.Global, extra: tuple[Any, ...]) -> Place:
    if node.name.startswith("$"):
        if node.name.lower() in ("$job", "$j") and vm.facts.processes_listed:
            return JobPlace(vm, _keys(vm, node.subscripts + extra))
        raise MError("SYNTAX", why=f"^{node.name} is not emulated")
    namespace = vm.string(node.place) if node.place is not None else ""
    found = vm.place(node.name, _keys(vm, node.subscripts + extra), namespace,
                     f'|"{namespace}"|' if namespace else "")
    vm.naked = (found.directory, found.name, found.subscripts[:-1])
    return found


class _Single(Place):
    """A place without subscripts."""

    def __init__(self) -> None:
        self.subscripts: list[values.Key] = []

    def kill(self, descend: bool = True) -> None:
        raise MError("SYNTAX", why="kill of " + self.written())

    def data(self) -> int:
        return 1

    def next(self, backwards: bool = False) -> values.Key:
        raise MError("SYNTAX", why="$order of " + self.written())

    def query(self, backwards: bool = False) -> str:
        raise MError("SYNTAX", why="$query of " + self.written())

    def nodes(self) -> Any:
        return iter([((), self.value())])


class PropertyPlace(_Single):
    """A property of an object."""

    def __init__(self, vm: Machine, node: syntax.Property) -> None:
        super().__init__()
        self.name = node.name
        self.object = target(vm, node.target)

    def written(self) -> str:
        return f"{self.name},{self.object.class_name}"

    def read(self) -> Value | None:
        return get_property(self.object, self.name)

    def set(self, value: Value) -> None:
        set_property(self.object, self.name, value)


class JobPlace(_Single):
    """``^$JOB(pid)``: the processes of the instance."""

    def __init__(self, vm: Machine, subscripts: list[values.Key]) -> None:
        self.vm = vm
        self.subscripts = subscripts

    def written(self) -> str:
        return "^$JOB"

    def read(self) -> Value | None:
        return None

    def set(self, value: Value) -> None:
        raise MError("SYNTAX", why="set of ^$JOB")

    def data(self) -> int:
        return int(bool(self.subscripts) and text(self.subscripts[0]) in self._processes())

    def next(self, backwards: bool = False) -> values.Key:
        found = sorted(int(each) for each in self._processes())
        at = self.subscripts[0] if self.subscripts else ""
        return next((each for each in found if at == "" or each > values.number(at)), "")

    def _processes(self) -> dict[str, str]:
        return self.vm.globals.ask("processes")  # type: ignore[no-any-return]


class SpecialPlace(_Single):
    """A special variable that may be set."""

    def __init__(self, vm: Machine, name: str) -> None:
        super().__init__()
        self.vm = vm
        self.name = name

    def written(self) -> str:
        return "$" + self.name

    def read(self) -> Value | None:
        return _special(self.vm, syntax.Special(self.name))

    def set(self, value: Value) -> None:
        vm = self.vm
        if self.name in ("namespace", "znspace"):
            vm.switch_namespace(text(value))
        elif self.name == "ztrap":
            vm.frame.ztrap = text(value)
        elif self.name == "zerror":
            vm.zerror = text(value)
        elif self.name in ("x", "y"):
            setattr(vm.devices.current, self.name, values.integer(value))
        elif self.name not in ("ecode", "etrap"):
            raise MError("SYNTAX", why=f"set of ${self.name}")


def get_property(target_: Oref, name: str) -> Value:
    getter = getattr(target_, "get_property", None)
    if getter is None:
        raise MError("PROPERTY DOES NOT EXIST", f"*{name},{target_.class_name}")
    found: Value = getter(name)
    return found


def set_property(target_: Oref, name: str, value: Value) -> None:
    setter = getattr(target_, "set_property", None)
    if setter is None:
        raise MError("PROPERTY DOES NOT EXIST", f"*{name},{target_.class_name}")
    setter(name, value)


def target(vm: Machine, node: Any) -> Oref:
    """The object that a member is asked of; ``..`` is the method's own."""
    found = vm.frame.this if node is None else vm.evaluate(node)
    if not isinstance(found, Oref):
        raise MError("INVALID OREF")
    return found


# -- operators -----------------------------------------------------------------------


def _unary(vm: Machine, node: syntax.Unary) -> Value:
    value = vm.evaluate(node.operand)
    if node.operator == "'":
        return 0 if truth(value) else 1
    found = values.number(value)
    return -found if node.operator == "-" else found


def _binary(vm: Machine, node: syntax.Binary) -> Value:
    operator = node.operator
    if operator in ("&&", "||"):
        first = vm.true(node.left)
        if first is (operator == "||"):
            return int(first)
        return int(vm.true(node.right))
    left, right = vm.evaluate(node.left), vm.evaluate(node.right)
    if operator.startswith("'"):
        return 0 if truth(_compare(operator[1:], left, right)) else 1
    return _compare(operator, left, right)


def _compare(operator: str, left: Value, right: Value) -> Value:
    if operator in ("+", "-", "*", "/", "\\", "#", "**"):
        try:
            return values.compute(operator, left, right)
        except ArithmeticError as error:
            raise MError("DIVIDE" if not values.truth(right) else "ILLEGAL VALUE") from error
    return _TESTS[operator](left, right)


_TESTS: dict[str, Callable[[Value, Value], Value]] = {
    "_": lambda a, b: text(a) + text(b),
    "=": lambda a, b: int(text(a) == text(b)),
    "<": lambda a, b: int(values.number(a) < values.number(b)),
    ">": lambda a, b: int(values.number(a) > values.number(b)),
    "<=": lambda a, b: int(values.number(a) <= values.number(b)),
    ">=": lambda a, b: int(values.number(a) >= values.number(b)),
    "[": lambda a, b: int(text(b) in text(a)),
    "]": lambda a, b: int(text(a) > text(b)),
    "]]": lambda a, b: int(values.collation(values.key(a)) > values.collation(values.key(b))),
    "&": lambda a, b: int(truth(a) and truth(b)),
    "!": lambda a, b: int(truth(a) or truth(b)),
}
_CLASSES = {"N": "0-9", "A": "A-Za-z", "L": "a-z", "U": "A-Z", "P": r"!-/:-@\[-`{-~ ", "C": r"\x00-\x1f\x7f"}


def _match(vm: Machine, node: syntax.Match) -> Value:
    pattern = node.pattern
    if not isinstance(pattern, tuple) or (pattern and not isinstance(pattern[0], tuple)):
        pattern = vm.expression('""?' + vm.string(pattern)).pattern
    found = re.fullmatch(_expression(pattern), vm.string(node.operand), re.DOTALL) is not None
    return int(found != node.negated)


def _expression(pattern: tuple[Any, ...]) -> str:
    return "".join(_atom(each) for each in pattern)


def _atom(atom: tuple[int, int | None, Any]) -> str:
    low, high, what = atom
    if isinstance(what, str):
        inner = "." if "E" in what else f"[{''.join(_CLASSES.get(each, each) for each in what)}]"
    elif isinstance(what, tuple):
        inner = f"(?:{re.escape(what[0])})"
    else:
        inner = f"(?:{'|'.join(_expression(each) for each in what)})"
    return f"{inner}{{{low},{'' if high is None else high}}}"


# -- calls ---------------------------------------------------------------------------


def given(vm: Machine, arguments: tuple[syntax.Argument, ...] | None) -> list[Given]:
    """Actual arguments of a call."""
    return [_given(vm, each) for each in arguments or ()]


def _given(vm: Machine, argument: syntax.Argument) -> Given:
    node = argument.expression
    if node is None:
        return Given()
    if not argument.by_reference:
        return Given(vm.evaluate(node))
    found = place(vm, node)
    if isinstance(found, LocalPlace):
        if found.subscripts:
            raise MError("SYNTAX", why="a subscripted local by reference")
        return Given(tree=found.scope.make(found.name))
    return Given(found.value())


def call_entry(vm: Machine, entry: syntax.Entry, wants_value: bool) -> Value | None:
    """DO label^routine, $$label^routine."""
    from emulated.code import system_entry

    entry = resolved(vm, entry)
    if entry.routine:
        name = entry.routine
        native = system_entry(vm, name, entry.label)
        if native is not None:
            return native(vm, given(vm, entry.arguments), wants_value)
        routine = vm.routine(name, vm.string(entry.place) if entry.place is not None else "")
    elif vm.frame.routine is not None:
        routine = vm.frame.routine
    else:
        raise MError("NOLINE", why="a label without a routine in direct mode")
    label = find_label(routine, entry.label)
    offset = values.integer(vm.evaluate(entry.offset)) if entry.offset is not None else 0
    if entry.arguments and label.formals is None:
        raise MError("PARAMETER")
    return vm.call(routine, label, given(vm, entry.arguments), wants_value, offset=offset,
                   this=vm.frame.this if not entry.routine else None)


def resolved(vm: Machine, entry: syntax.Entry) -> syntax.Entry:
    """An entry with its indirection replaced by what it stands for."""
    if entry.target is None:
        return entry
    found = vm.expression("$$" + vm.string(entry.target)).entry
    return entry._replace(
        target=None, label=found.label, routine=entry.routine or found.routine, offset=entry.offset or found.offset,
        arguments=entry.arguments if entry.arguments is not None else found.arguments)


def _extrinsic(vm: Machine, node: syntax.Extrinsic) -> Value:
    found = call_entry(vm, node.entry, True)
    assert found is not None
    return found


def call_object(vm: Machine, node: Any, wants_value: bool) -> Value | None:
    """A method of a class or of an object."""
    if isinstance(node, syntax.ClassCall):
        return vm.call_class(node.class_name, node.name, given(vm, node.arguments), wants_value)
    if isinstance(node, syntax.SuperCall):
        from emulated.classes import call_super

        return call_super(vm, given(vm, node.arguments), wants_value)
    if node.target is None and vm.frame.this is None:
        return vm.call_class(vm.frame.class_name, node.name, given(vm, node.arguments), wants_value)
    found = target(vm, node.target)
    return vm.call_class(found.class_name, node.name, given(vm, node.arguments), wants_value, found)


def _object_value(vm: Machine, node: Any) -> Value:
    found = call_object(vm, node, True)
    if found is None:
        raise MError("COMMAND", why=f"no value from {node.name}")
    return found


def _parameter(vm: Machine, node: syntax.Parameter) -> Value:
    from emulated.classes import parameter

    return parameter(vm, node.class_name or vm.frame.class_name, node.name)


def _cases(vm: Machine, node: syntax.Cases) -> Value:
    subject = text(vm.evaluate(node.subject)) if node.subject is not None else None
    for condition, value in node.branches:
        if condition is None:
            return vm.evaluate(value)
        found = vm.evaluate(condition)
        if truth(found) if subject is None else text(found) == subject:
            return vm.evaluate(value)
    raise MError("SELECT" if subject is None else "ILLEGAL VALUE")


def _text(vm: Machine, node: syntax.Text) -> Value:
    entry = resolved(vm, node.entry)
    routine = vm.routine(entry.routine) if entry.routine else vm.frame.routine
    if routine is None:
        return ""
    offset = values.integer(vm.evaluate(entry.offset)) if entry.offset is not None else 0
    if not entry.label and offset == 0:
        return routine.name
    start = routine.labels[entry.label].line + 1 if entry.label in routine.labels else 0
    at = (start + offset if entry.label else offset) - 1
    return routine.source[at] if 0 <= at < len(routine.source) else ""


def _intrinsic(vm: Machine, node: syntax.Intrinsic) -> Value:
    from emulated.functions import call_function

    return call_function(vm, node)


def _special(vm: Machine, node: syntax.Special) -> Value:
    from emulated.specials import SPECIALS

    found = SPECIALS.get(node.name)
    if found is None:
        raise MError("SYNTAX", why=f"${node.name} is not emulated")
    return found(vm)


def _variable(vm: Machine, node: Any) -> Value:
    return place(vm, node).value()


def _indirect(vm: Machine, node: syntax.Indirect) -> Value:
    if node.subscripts:
        return place(vm, node).value()
    return vm.evaluate(vm.expression(vm.string(node.target)))


def _property(vm: Machine, node: syntax.Property) -> Value:
    found = target(vm, node.target)
    return get_property(found, node.name)


EVALUATE: dict[type, Callable[[Machine, Any], Value]] = {
    syntax.Literal: lambda vm, node: node.value,
    syntax.Local: _variable, syntax.Global: _variable, syntax.Naked: _variable, syntax.Indirect: _indirect,
    syntax.Property: _property, syntax.Parameter: _parameter, syntax.MethodCall: _object_value,
    syntax.ClassCall: _object_value, syntax.SuperCall: _object_value, syntax.Extrinsic: _extrinsic,
    syntax.Intrinsic: _intrinsic, syntax.Cases: _cases, syntax.Text: _text, syntax.Special: _special,
    syntax.Unary: _unary, syntax.Binary: _binary, syntax.Match: _match,
}

__all__ = ["EVALUATE", "Frame", "call_entry", "call_object", "given", "place", "target"]
