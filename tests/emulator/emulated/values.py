# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of the language: strings, numbers, references to objects, and how each is read as another."""

from __future__ import annotations

import decimal
import re
from decimal import Decimal
from typing import Any, TypeAlias

#: Nineteen digits, as decimal arithmetic of the products has.
_CONTEXT = decimal.Context(prec=19, rounding=decimal.ROUND_HALF_UP, Emax=999, Emin=-999)
_CANONICAL = re.compile(r"-?(?:[1-9]\d{0,17}|(?=\.)|0(?!\.))(?:\.\d{0,17}[1-9])?\Z")
_PREFIX = re.compile(r"[+-]*(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d{1,3}(?!\d))?")


class Oref:
    """A reference to an object; its text is ``n@Class``."""

    class_name = "%RegisteredObject"
    _last = 0

    def __init__(self) -> None:
        Oref._last += 1
        self.number = Oref._last

    def __str__(self) -> str:
        return f"{self.number}@{self.class_name}"


Value: TypeAlias = str | int | Decimal | Oref
#: A subscript: a number if its text is canonical, else a string.
Key: TypeAlias = str | int | Decimal


def text(value: Value) -> str:
    """The string that a value is."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return _decimal_text(value)
    return str(value)


def _decimal_text(value: Decimal) -> str:
    if value == value.to_integral_value():
        return str(int(value))
    written = format(value.normalize(_CONTEXT), "f").rstrip("0")
    return written.replace("-0.", "-.") if written.startswith("-0.") else written.removeprefix("0")


def number(value: Value) -> int | Decimal:
    """The number that a value is read as: the longest numeric prefix of a string, else 0."""
    if isinstance(value, (int, Decimal)):
        return value
    if isinstance(value, Oref):
        return value.number
    match = _PREFIX.match(value)
    if not match:
        return 0
    found = match.group()
    signs = len(found) - len(found.lstrip("+-"))
    negative = found[:signs].count("-") % 2
    return tidy(-Decimal(found[signs:]) if negative else Decimal(found[signs:]))


def tidy(value: Decimal) -> int | Decimal:
    """A number in the precision of the products, an int if it is one."""
    rounded = _CONTEXT.plus(value)
    if rounded == rounded.to_integral_value() and abs(rounded) < 10**19:
        return int(rounded)
    return rounded


def integer(value: Value) -> int:
    """The whole part of a value's number."""
    return int(number(value))


def truth(value: Value) -> bool:
    """Whether a value counts as true: its number is not 0."""
    return isinstance(value, Oref) or number(value) != 0


def key(value: Value) -> Key:
    """A value as a subscript."""
    if isinstance(value, (int, Decimal)):
        return value
    written = text(value)
    return number(written) if is_canonical(written) else written


def is_canonical(written: str) -> bool:
    """Whether a string is exactly how its number would be written."""
    return bool(written) and _CANONICAL.match(written) is not None and written != "-"


def collation(subscript: Key) -> tuple[int, Any]:
    """Numbers before strings; "" before everything."""
    if isinstance(subscript, str):
        return (0, 0) if subscript == "" else (2, subscript)
    return (1, subscript)


def compute(operator: str, left: Value, right: Value) -> Value:
    """A binary arithmetic operator; DivisionByZero and Illegal as Python raises them."""
    a, b = number(left), number(right)
    if operator in "+-*":
        result = a + b if operator == "+" else a - b if operator == "-" else a * b
        return result if isinstance(result, int) and abs(result) < 10**18 else tidy(Decimal(result))
    if operator == "**":
        return tidy(_CONTEXT.power(Decimal(a), Decimal(b)))
    if operator == "/":
        return tidy(_CONTEXT.divide(Decimal(a), Decimal(b)))
    if b == 0:
        raise ZeroDivisionError
    if operator == "\\":
        return int(Decimal(a) / Decimal(b))
    return tidy(Decimal(a) - Decimal(b) * (Decimal(a) / Decimal(b)).to_integral_value(decimal.ROUND_FLOOR))


def fixed(value: Value, decimals: int) -> str:
    """A number with so many decimals, halves rounded away from zero."""
    exponent = Decimal(1).scaleb(-decimals)
    return format(Decimal(number(value)).quantize(exponent, decimal.ROUND_HALF_UP), "f")


def quoted(value: Value) -> str:
    """A value as it would be written in code: numbers bare, strings in quotes, others by $c()."""
    written = text(value)
    if isinstance(value, (int, Decimal)) or is_canonical(written):
        return written
    parts = re.split(r"([\x00-\x1f\x7f-\x9f]+)", written)
    out = []
    for index, part in enumerate(parts):
        if index % 2:
            out.append("$c(" + ",".join(str(ord(each)) for each in part) + ")")
        elif part or len(parts) == 1:
            out.append('"' + part.replace('"', '""') + '"')
    return "_".join(out)
