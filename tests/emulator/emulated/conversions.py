# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions of the language that convert: case, hexadecimal, dates, numbers for display."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable

from emulated import values
from emulated.errors import MError
from emulated.values import Value, integer, text

_DAY_ZERO = datetime.date(1840, 12, 31)


def _zconvert(written: Value, kind: Value, table: Value = "", *rest: Value) -> Value:
    """Case, and translation to and from UTF-8."""
    whole, letter = text(written), text(kind).upper()
    if letter in ("U", "L"):
        return whole.upper() if letter == "U" else whole.lower()
    if text(table).upper() != "UTF8" or letter not in ("I", "O"):
        raise MError("FUNCTION", why=f"$zconvert {letter} {text(table)}")
    if letter == "O":
        return whole.encode("utf-8", "surrogatepass").decode("latin-1")
    return whole.encode("latin-1", "replace").decode("utf-8", "replace")


def _zhex(value: Value) -> Value:
    """A number to hexadecimal, a string of hexadecimal digits to a number."""
    if isinstance(value, str) and not values.is_canonical(value):
        return int(value or "0", 16)
    if isinstance(value, str):
        return int(value, 16)
    return f"{integer(value):X}" if integer(value) >= 0 else f"{integer(value) & 0xFFFFFFFFFFFFFFFF:X}"


def _zdate(value: Value, form: Value = 1, *rest: Value) -> Value:
    day = _DAY_ZERO + datetime.timedelta(days=integer(text(value).partition(",")[0]))
    forms = {1: "%m/%d/%Y", 2: "%d %b %Y", 3: "%Y-%m-%d", 4: "%d/%m/%Y", 8: "%Y%m%d"}
    if integer(form) not in forms:
        raise MError("FUNCTION", why=f"$zdate form {text(form)}")
    return day.strftime(forms[integer(form)])


def _ztime(value: Value, form: Value = 1, *rest: Value) -> Value:
    if integer(form) not in (1, 3):
        raise MError("FUNCTION", why=f"$ztime form {text(form)}")
    minutes, seconds = divmod(integer(value), 60)
    shown = f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return shown if integer(form) == 1 else shown + "Z"


def _zdatetime(value: Value, date_form: Value = 1, time_form: Value = 1, *rest: Value) -> Value:
    day, _, seconds = text(value).partition(",")
    joint = "T" if integer(time_form) == 3 else " "
    return f"{_zdate(day, date_form)}{joint}{_ztime(seconds, time_form)}"


def _zdateh(written: Value, form: Value = 1, *rest: Value) -> Value:
    forms = {1: "%m/%d/%Y", 3: "%Y-%m-%d", 8: "%Y%m%d"}
    try:
        day = datetime.datetime.strptime(text(written), forms[integer(form)]).date()
    except (KeyError, ValueError) as error:
        raise MError("ILLEGAL VALUE", why="$zdateh") from error
    return (day - _DAY_ZERO).days


def _zstrip(written: Value, action: Value, *rest: Value) -> Value:
    """``<>W`` and the like: white space at the ends, or everywhere."""
    whole, code = text(written), text(action).upper()
    if not code.endswith(("W", "C")):
        raise MError("FUNCTION", why=f"$zstrip {code}")
    kinds = " \t" if code.endswith("W") else "".join(map(chr, range(32)))
    if "*" in code:
        return re.sub(f"[{kinds}]", "", whole)
    whole = whole.lstrip(kinds) if "<" in code else whole
    return whole.rstrip(kinds) if ">" in code else whole


def _fnumber(value: Value, form: Value, decimals: Value | None = None) -> Value:
    shown = text(values.number(value)) if decimals is None else values.fixed(value, integer(decimals))
    if "," in text(form):
        whole, dot, fraction = shown.partition(".")
        return f"{int(whole):,}{dot}{fraction}"
    return shown


def _zcrc(written: Value, kind: Value = 7) -> Value:
    import zlib

    if integer(kind) != 7:
        raise MError("FUNCTION", why="$zcrc")
    return zlib.crc32(text(written).encode("latin-1", "replace"))


def _zboolean(left: Value, right: Value, operation: Value) -> Value:
    a, b = integer(left), integer(right)
    results = {1: a & b, 7: a | b, 6: a ^ b}
    if integer(operation) not in results:
        raise MError("FUNCTION", why="$zboolean")
    return results[integer(operation)]


def _zabs(value: Value) -> Value:
    found = values.number(value)
    return -found if found < 0 else found


CONVERSIONS: dict[str, Callable[..., Value]] = {
    "zconvert": _zconvert, "zhex": _zhex, "zdate": _zdate, "zdateh": _zdateh, "ztime": _ztime,
    "zdatetime": _zdatetime, "zstrip": _zstrip, "fnumber": _fnumber, "zcrc": _zcrc, "zboolean": _zboolean,
    "zabs": _zabs,
}
