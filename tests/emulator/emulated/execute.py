# SPDX-License-Identifier: GPL-3.0-or-later
"""What commands do. A command that parses and is not here is refused with <SYNTAX>."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from emulated import lists, syntax, values
from emulated.errors import Halt, MError, ThrownObject
from emulated.evaluate import call_entry, call_object, place
from emulated.machine import Continue, Goto, Machine, Quit, Return
from emulated.syntax import Command
from emulated.values import Oref, text
from emulated.variables import Scope


def _set(vm: Machine, command: Command) -> None:
    for targets, expression in command.arguments:
        if expression is None:
            _set_indirect(vm, targets[0])
            continue
        found = [None if isinstance(each, syntax.Intrinsic) else place(vm, each) for each in targets]
        value = vm.evaluate(expression)
        for each, where in zip(targets, found, strict=True):
            if where is not None:
                where.set(value)
            else:
                _set_part(vm, each, value)


def _set_indirect(vm: Machine, node: syntax.Indirect) -> None:
    from emulated.parser import parse_line

    vm.run(parse_line("set " + vm.string(node.target)))


def _set_part(vm: Machine, node: syntax.Intrinsic, value: values.Value) -> None:
    """SET $PIECE, $EXTRACT and $LIST."""
    where = place(vm, node.arguments[0])
    before = where.read()
    numbers = [vm.evaluate(each) for each in node.arguments[1:] if each is not None]
    where.set(_PARTS[node.name](text(before if before is not None else ""), numbers, value))


def _set_piece(before: str, numbers: list[values.Value], value: values.Value) -> str:
    delimiter = text(numbers[0])
    first = values.integer(numbers[1]) if len(numbers) > 1 else 1
    last = values.integer(numbers[2]) if len(numbers) > 2 else first
    pieces = before.split(delimiter)
    pieces += [""] * (first - len(pieces))
    pieces[first - 1 : max(last, first)] = [text(value)]
    return delimiter.join(pieces)


def _set_extract(before: str, numbers: list[values.Value], value: values.Value) -> str:
    first = values.integer(numbers[0]) if numbers else 1
    last = values.integer(numbers[1]) if len(numbers) > 1 else first
    return before.ljust(first - 1)[: first - 1] + text(value) + before[last:]


def _set_list(before: str, numbers: list[values.Value], value: values.Value) -> str:
    elements = lists.parse(before)
    at = values.integer(numbers[0])
    at = len(elements) if at == -1 else at
    elements += [None] * (at - len(elements))
    elements[at - 1] = value
    return lists.build(elements)


_PARTS: dict[str, Callable[[str, list[values.Value], values.Value], str]] = {
    "piece": _set_piece, "extract": _set_extract, "list": _set_list,
}


def _do(vm: Machine, command: Command) -> None:
    if command.body is not None:
        _repeat(vm, command)
        return
    if not command.arguments:
        vm.dotted_block()
        return
    for node, condition in command.arguments:
        if condition is None or vm.true(condition):
            _do_one(vm, node)


def _do_one(vm: Machine, node: Any) -> None:
    if isinstance(node, syntax.Entry):
        call_entry(vm, node, False)
    elif isinstance(node, (syntax.ClassCall, syntax.MethodCall, syntax.SuperCall)):
        call_object(vm, node, False)
    elif isinstance(node, syntax.Extrinsic):
        call_entry(vm, node.entry, False)
    elif isinstance(node, syntax.Indirect):
        from emulated.parser import parse_line

        vm.run(parse_line("do " + vm.string(node.target)))
    elif isinstance(node, syntax.Intrinsic):
        vm.evaluate(node)
    else:
        raise MError("SYNTAX", why=f"do of {type(node).__name__}")


def _repeat(vm: Machine, command: Command) -> None:
    """DO { } WHILE condition."""
    try:
        while True:
            _pass(vm, command.body or ())
            if not vm.true(command.arguments[1]):
                return
    except Return:
        raise
    except Quit as leaving:
        _without_value(leaving)


def _write(vm: Machine, command: Command) -> None:
    if not command.arguments:
        _zwrite(vm, command)
    for node in command.arguments:
        device = vm.devices.current
        if not isinstance(node, syntax.Format):
            device.write(vm.string(node))
        elif node.kind == "!":
            device.new_line()
        elif node.kind == "#":
            device.write("\f")
        elif node.kind == "*":
            device.write(chr(values.integer(vm.evaluate(node.expression))))
        else:
            device.tab(values.integer(vm.evaluate(node.expression)))


def _read(vm: Machine, command: Command) -> None:
    for target, count, timeout in command.arguments:
        if isinstance(target, (syntax.Format, syntax.Literal)):
            _write(vm, command._replace(arguments=(target,)))
            continue
        node, single = target
        device = vm.devices.current
        if single or count is not None:
            size = 1 if single else values.integer(vm.evaluate(count))
            got: str | None = device.read_count(size) or None
        else:
            got = device.read_line()
        if got is None:
            vm.devices.end_of_file = True
            _end_of_input(vm)
        if timeout is not None:
            vm.test = got is not None
        place(vm, node).set(ord(got[0]) if single and got else got or "")


def _end_of_input(vm: Machine) -> None:
    if vm.devices.current is vm.devices.principal:
        raise Halt(0)
    raise MError("ENDOFFILE")


def _kill(vm: Machine, command: Command, descend: bool = True) -> None:
    if not command.arguments:
        for name in list(vm.scope.names):
            vm.scope.kill(name)
    for node in command.arguments:
        if isinstance(node, tuple) and node and isinstance(node[0], str) and type(node) is tuple:
            for name in [each for each in vm.scope.names if each not in node]:
                vm.scope.kill(name)
        else:
            place(vm, node).kill(descend)


def _zkill(vm: Machine, command: Command) -> None:
    _kill(vm, command, descend=False)


def _new(vm: Machine, command: Command) -> None:
    if not command.arguments:
        _new_all(vm, ())
    for node in command.arguments:
        if type(node) is tuple:
            _new_all(vm, node)
        elif isinstance(node, syntax.Local) and not node.subscripts:
            vm.new_name(vm.frame, node.name, None)
        elif isinstance(node, syntax.Special):
            _new_special(vm, node.name)
        else:
            raise MError("SYNTAX", why="new of what is no local")


def _new_all(vm: Machine, kept: tuple[object, ...]) -> None:
    scope: Scope = vm.scope
    for name in [each for each in scope.names if each not in kept]:
        vm.new_name(vm.frame, name, None)


def _new_special(vm: Machine, name: str) -> None:
    frame = vm.frame
    if name in ("namespace", "znspace"):
        before = vm.namespace
        frame.restore.append(lambda: vm.switch_namespace(before))
    elif name == "ztrap":
        trap = frame.ztrap
        frame.restore.append(lambda: setattr(frame, "ztrap", trap))
    elif name not in ("etrap", "estack", "ecode", "test"):
        raise MError("SYNTAX", why=f"new ${name}")


def _if(vm: Machine, command: Command) -> None:
    kind, what = command.arguments[0], command.arguments[1]
    if kind == "line":
        if what:
            vm.test = all(vm.true(each) for each in what)
        if vm.test:
            vm.run(command.body or ())
        return
    for conditions, body in what:
        if all(vm.true(each) for each in conditions):
            vm.run(body)
            return


def _else(vm: Machine, command: Command) -> None:
    if not vm.test:
        vm.run(command.body or ())


def _for(vm: Machine, command: Command) -> None:
    try:
        if not command.arguments:
            while True:
                _pass(vm, command.body or ())
        target, ranges = command.arguments
        for steps in ranges:
            where = place(vm, target)
            for value in _steps(vm, steps, where):
                where.set(value)
                _pass(vm, command.body or ())
    except Return:
        raise
    except Quit as leaving:
        _without_value(leaving)


def _steps(vm: Machine, steps: tuple[Any, ...], where: Any) -> Iterator[values.Value]:
    found = [vm.evaluate(each) for each in steps]
    if len(found) == 1:
        yield found[0]
        return
    value, step = values.number(found[0]), values.number(found[1])
    last = values.number(found[2]) if len(found) > 2 else None
    while last is None or (value <= last if step >= 0 else value >= last):
        yield value
        value = values.number(values.compute("+", where.value(), step))


def _while(vm: Machine, command: Command) -> None:
    try:
        while all(vm.true(each) for each in command.arguments):
            _pass(vm, command.body or ())
    except Return:
        raise
    except Quit as leaving:
        _without_value(leaving)


def _pass(vm: Machine, body: tuple[Command, ...]) -> None:
    try:
        vm.run(body)
    except Continue:
        return


def _without_value(leaving: Quit) -> None:
    if leaving.value is not None:
        raise MError("COMMAND", why="QUIT with a value in a loop")


def _quit(vm: Machine, command: Command) -> None:
    raise Quit(_result(vm, command))


def _return(vm: Machine, command: Command) -> None:
    raise Return(_result(vm, command))


def _result(vm: Machine, command: Command) -> values.Value | None:
    if not command.arguments:
        return None
    return vm.evaluate(command.arguments[0])


def _continue(vm: Machine, command: Command) -> None:
    raise Continue


def _goto(vm: Machine, command: Command) -> None:
    for node, condition in command.arguments:
        if condition is None or vm.true(condition):
            raise Goto(node)


def _halt(vm: Machine, command: Command) -> None:
    raise Halt(0)


def _hang(vm: Machine, command: Command) -> None:
    vm.devices.current.flush()
    for node in command.arguments:
        time.sleep(max(0.0, float(values.number(vm.evaluate(node)))))


def _zn(vm: Machine, command: Command) -> None:
    node, condition = command.arguments[0]
    if condition is None or vm.true(condition):
        vm.switch_namespace(vm.string(node))


def _xecute(vm: Machine, command: Command) -> None:
    for node, condition in command.arguments:
        if condition is None or vm.true(condition):
            vm.execute(vm.string(node))


def _try(vm: Machine, command: Command) -> None:
    name, handler = command.arguments
    depth = len(vm.frames)
    vm.guards += 1
    guarded = True
    try:
        vm.run(command.body or ())
    except Return:
        raise
    except Quit as leaving:
        if leaving.value is not None:
            raise MError("COMMAND", why="QUIT with a value in TRY") from None
    except (MError, ThrownObject) as error:
        vm.leave_to(depth)
        vm.guards -= 1
        guarded = False
        _catch(vm, str(name), handler, error)
    finally:
        vm.guards -= guarded


def _catch(vm: Machine, name: str, handler: tuple[Command, ...], error: MError | ThrownObject) -> None:
    from emulated.library.exceptions import caught

    found = caught(vm, error)
    if name:
        vm.scope.make(name).set([], found)
    try:
        vm.run(handler)
    except Return:
        raise
    except Quit as leaving:
        if leaving.value is not None:
            raise MError("COMMAND", why="QUIT with a value in CATCH") from None


def _throw(vm: Machine, command: Command) -> None:
    found = vm.evaluate(command.arguments[0])
    if not isinstance(found, Oref):
        raise MError("THROW")
    raise ThrownObject(found)


def _tstart(vm: Machine, command: Command) -> None:
    vm.level = vm.globals.ask("begin")


def _tcommit(vm: Machine, command: Command) -> None:
    vm.level = vm.globals.ask("commit")


def _trollback(vm: Machine, command: Command) -> None:
    vm.level = vm.globals.ask("rollback")


def _merge(vm: Machine, command: Command) -> None:
    for target, source in command.arguments:
        to = target
        rows = list(place(vm, source).nodes())
        for subscripts, value in rows:
            place(vm, to, tuple(syntax.Literal(each) for each in subscripts)).set(value)


def _open(vm: Machine, command: Command) -> None:
    for parts in command.arguments:
        name, *rest = parts
        mode = _mode(vm, rest[0]) if rest else ""
        opened = vm.devices.open(vm.string(name), mode)
        if len(rest) > 1:
            vm.test = opened
        elif not opened:
            raise MError("NOTOPEN")


def _mode(vm: Machine, given: object) -> str:
    parameters = given if type(given) is tuple else (given,)
    letters = ""
    for each in parameters:
        if each is None:
            continue
        if type(each) is tuple and each and isinstance(each[0], str):
            letters += {"new": "N", "write": "W", "read": "R", "stream": "S"}.get(each[0], "")
        else:
            letters += vm.string(each)
    return letters


def _use(vm: Machine, command: Command) -> None:
    for parts in command.arguments:
        vm.devices.use(vm.string(parts[0]))


def _close(vm: Machine, command: Command) -> None:
    for parts in command.arguments:
        vm.devices.close(vm.string(parts[0]))


def _zwrite(vm: Machine, command: Command) -> None:
    nodes = command.arguments or tuple(syntax.Local(name) for name in sorted(vm.scope.names))
    for node in nodes:
        where = place(vm, node)
        top = where.written().removesuffix(")")
        for subscripts, value in where.nodes():
            inner = ",".join(values.quoted(each) for each in subscripts)
            joint = ("," if where.subscripts else "(") if inner else ""
            closing = ")" if where.subscripts or inner else ""
            written = values.quoted(value) if not isinstance(value, Oref) else f"<OBJECT REFERENCE>[{value}]"
            vm.devices.current.write(f"{top}{joint}{inner}{closing}={written}\n")


COMMANDS: dict[str, Callable[[Machine, Command], None]] = {
    "set": _set, "do": _do, "write": _write, "read": _read, "kill": _kill, "zkill": _zkill, "new": _new, "if": _if,
    "else": _else, "for": _for, "while": _while, "quit": _quit, "return": _return, "continue": _continue,
    "goto": _goto, "halt": _halt, "hang": _hang, "znspace": _zn, "xecute": _xecute, "try": _try, "throw": _throw,
    "tstart": _tstart, "tcommit": _tcommit, "trollback": _trollback, "merge": _merge, "open": _open, "use": _use,
    "close": _close, "zwrite": _zwrite,
}
