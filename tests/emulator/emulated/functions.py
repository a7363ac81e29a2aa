# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions of the language that look at variables and strings."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from emulated import lists, syntax, values
from emulated.errors import MError
from emulated.evaluate import place
from emulated.machine import Machine
from emulated.names import TAKES_NAME
from emulated.values import Oref, Value, integer, text

Function = Callable[..., Value]


def call_function(vm: Machine, node: syntax.Intrinsic) -> Value:
    """An intrinsic function; one that is not known here is refused."""
    from emulated.conversions import CONVERSIONS

    name, nodes = node.name, node.arguments
    if name in TAKES_NAME:
        by_name = _BY_NAME.get(name)
        if by_name is None or not nodes or nodes[0] is None:
            raise MError("SYNTAX", why=f"${name} is not emulated")
        return by_name(vm, nodes[0], [vm.evaluate(each) for each in nodes[1:] if each is not None])
    if name == "list" or name in ("listget", "zutil"):
        return _WITH_MACHINE[name](vm, nodes)
    function = _PLAIN.get(name) or CONVERSIONS.get(name)
    if function is None:
        raise MError("SYNTAX", why=f"${name} is not emulated")
    given = [None if each is None else vm.evaluate(each) for each in nodes]
    try:
        return function(*given)
    except TypeError as error:
        raise MError("SYNTAX", why=f"${name} with {len(given)} arguments: {error}") from error


# -- by name -------------------------------------------------------------------------


def _get(vm: Machine, node: Any, rest: list[Value]) -> Value:
    found = place(vm, node).read()
    return found if found is not None else (rest[0] if rest else "")


def _data(vm: Machine, node: Any, rest: list[Value]) -> Value:
    return place(vm, node).data()


def _order(vm: Machine, node: Any, rest: list[Value]) -> Value:
    return place(vm, node).next(backwards=bool(rest) and values.number(rest[0]) < 0)


def _previous(vm: Machine, node: Any, rest: list[Value]) -> Value:
    return place(vm, node).next(backwards=True)


def _query(vm: Machine, node: Any, rest: list[Value]) -> Value:
    return place(vm, node).query(backwards=bool(rest) and values.number(rest[0]) < 0)


def _name(vm: Machine, node: Any, rest: list[Value]) -> Value:
    return place(vm, node).written()


def _increment(vm: Machine, node: Any, rest: list[Value]) -> Value:
    where = place(vm, node)
    before = where.read()
    value = values.compute("+", before if before is not None else 0, rest[0] if rest else 1)
    where.set(value)
    return value


_BY_NAME: dict[str, Callable[[Machine, Any, list[Value]], Value]] = {
    "get": _get, "data": _data, "order": _order, "zorder": _query, "query": _query, "name": _name,
    "increment": _increment, "zincr": _increment, "zprevious": _previous,
}


# -- lists ---------------------------------------------------------------------------


def _list(vm: Machine, nodes: tuple[Any, ...]) -> Value:
    given = [vm.evaluate(each) for each in nodes]
    elements = lists.parse(text(given[0]))
    if len(given) > 2:
        first, last = integer(given[1]), integer(given[2])
        last = len(elements) if last == -1 else last
        return lists.build(elements[max(first, 1) - 1 : last])
    at = integer(given[1]) if len(given) > 1 else 1
    found = _element(elements, at)
    if found is None:
        raise MError("NULL VALUE")
    return found


def _listget(vm: Machine, nodes: tuple[Any, ...]) -> Value:
    elements = lists.parse(vm.string(nodes[0]))
    found = _element(elements, integer(vm.evaluate(nodes[1])) if len(nodes) > 1 else 1)
    if found is not None:
        return found
    return vm.evaluate(nodes[2]) if len(nodes) > 2 else ""


def _element(elements: list[Value | None], at: int) -> Value | None:
    if at == -1:
        return elements[-1] if elements else None
    return elements[at - 1] if 0 < at <= len(elements) else None


def _zutil(vm: Machine, nodes: tuple[Any, ...]) -> Value:
    """$ZUTIL(4,pid,status) ends a process (FACTS 1.2); $ZUTIL(5) is the namespace."""
    given = [vm.evaluate(each) for each in nodes]
    number = integer(given[0])
    if number == 4:
        from emulated.library.system import terminate

        return terminate(vm, given[1] if len(given) > 1 else vm.job, given[2] if len(given) > 2 else 0)
    if number == 5:
        before = vm.namespace
        if len(given) > 1:
            vm.switch_namespace(text(given[1]))
        return vm.namespace if len(given) > 1 else before
    raise MError("FUNCTION", why=f"$zutil({number})")


_WITH_MACHINE = {"list": _list, "listget": _listget, "zutil": _zutil}


def _listfind(written: Value, wanted: Value, start: Value = 0) -> Value:
    for at, each in enumerate(lists.parse(text(written)), 1):
        if at > integer(start) and each is not None and text(each) == text(wanted):
            return at
    return 0


def _listdata(written: Value, at: Value = 1) -> Value:
    return int(_element(lists.parse(text(written)), integer(at)) is not None)


def _listtostring(written: Value, delimiter: Value = ",", *flags: Value) -> Value:
    return text(delimiter).join("" if each is None else text(each) for each in lists.parse(text(written)))


def _listfromstring(written: Value, delimiter: Value = ",", *flags: Value) -> Value:
    return lists.build(text(written).split(text(delimiter))) if text(written) else ""


# -- strings -------------------------------------------------------------------------


def _piece(written: Value, delimiter: Value, first: Value = 1, last: Value | None = None) -> Value:
    pieces = text(written).split(text(delimiter)) if text(delimiter) else [""]
    start = integer(first)
    if last is None:
        return pieces[start - 1] if 0 < start <= len(pieces) else ""
    end = len(pieces) if text(last) == "*" else integer(last)
    return text(delimiter).join(pieces[max(start, 1) - 1 : max(end, 0)])


def _extract(written: Value, first: Value = 1, last: Value | None = None) -> Value:
    whole = text(written)
    start = _position(first, len(whole))
    end = start if last is None else _position(last, len(whole))
    return whole[max(start, 1) - 1 : max(end, 0)] if end >= start else ""


def _position(value: Value, size: int) -> int:
    """A number, or ``*`` for the last character and ``*-n`` before it."""
    written = text(value)
    if written.startswith("*"):
        return size + integer(written[1:] or 0)
    return integer(value)


def _length(written: Value, delimiter: Value | None = None) -> Value:
    if delimiter is None:
        return len(text(written))
    return text(written).count(text(delimiter)) + 1 if text(delimiter) else 0


def _find(written: Value, wanted: Value, start: Value = 1) -> Value:
    at = text(written).find(text(wanted), max(integer(start), 1) - 1)
    return 0 if at < 0 else at + len(text(wanted)) + 1


def _char(*codes: Value) -> Value:
    return "".join(chr(integer(each)) for each in codes if integer(each) >= 0)


def _ascii(written: Value, at: Value = 1) -> Value:
    whole, index = text(written), integer(at)
    return ord(whole[index - 1]) if 0 < index <= len(whole) else -1


def _translate(written: Value, old: Value, new: Value = "") -> Value:
    table: dict[int, str] = {}
    for index, each in enumerate(text(old)):
        table.setdefault(ord(each), text(new)[index : index + 1])
    return text(written).translate(table)


def _replace(written: Value, old: Value, new: Value, start: Value = 1, count: Value = -1, *rest: Value) -> Value:
    return text(written)[max(integer(start), 1) - 1 :].replace(text(old), text(new), integer(count))


def _justify(written: Value, width: Value, decimals: Value | None = None) -> Value:
    shown = text(written) if decimals is None else values.fixed(written, integer(decimals))
    return shown.rjust(integer(width))


def _random(limit: Value) -> Value:
    return random.randrange(max(1, integer(limit)))  # no secret


def _qlength(written: Value) -> Value:
    node = _reference(written)
    return len(node.subscripts)


def _qsubscript(written: Value, at: Value) -> Value:
    node = _reference(written)
    if integer(at) == 0:
        return f"{'^' if isinstance(node, syntax.Global) else ''}{node.name}"
    inner = node.subscripts[integer(at) - 1 : integer(at)]
    found: Value = inner[0].value if inner and isinstance(inner[0], syntax.Literal) else ""
    return found


def _reference(written: Value) -> Any:
    from emulated.parser import parse_expression

    return parse_expression(text(written))


def _isobject(value: Value) -> Value:
    return int(isinstance(value, Oref))


_PLAIN: dict[str, Function] = {
    "listbuild": lambda *given: lists.build(given),
    "listlength": lambda written: len(lists.parse(text(written))),
    "listvalid": lambda written: int(lists.is_list(text(written))),
    "listfind": _listfind, "listdata": _listdata, "listtostring": _listtostring, "listfromstring": _listfromstring,
    "piece": _piece, "extract": _extract, "length": _length, "find": _find, "char": _char, "ascii": _ascii,
    "zwchar": _char, "translate": _translate, "replace": _replace, "justify": _justify, "random": _random,
    "reverse": lambda written: text(written)[::-1], "qlength": _qlength, "qsubscript": _qsubscript,
    "isobject": _isobject,
}
