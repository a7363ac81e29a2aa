# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of objects: of a production its items, of an item its settings (FACTS 4.1, language)."""

from __future__ import annotations

from emulated.errors import MError
from emulated.library import status
from emulated.machine import Machine
from emulated.registry import method
from emulated.values import Oref, Value, integer


class ListOfObjects(Oref):
    """Positions count from 1. ``changed``: elements were put in, replaced or taken out."""

    class_name = "%Collection.ListOfObj"

    def __init__(self, holds: str, elements: list[Oref]) -> None:
        super().__init__()
        self.holds = holds
        self.elements = elements
        self.changed = False

    def get_property(self, name: str) -> Value:
        raise MError("PROPERTY DOES NOT EXIST", f"*{name},{self.class_name}")


def _element(this: ListOfObjects, given: object) -> Oref:
    if not isinstance(given, Oref) or given.class_name != this.holds:
        raise MError("INVALID OREF", why=f"a list of {this.holds} takes nothing else")
    return given


@method("%Collection.ListOfObj", "Count", instance=True)
def count(vm: Machine, this: ListOfObjects) -> Value:
    return len(this.elements)


@method("%Collection.ListOfObj", "GetAt", "key", instance=True)
def get_at(vm: Machine, this: ListOfObjects, key: Value) -> Value:
    """"" where there is no such position."""
    at = integer(key)
    return this.elements[at - 1] if 0 < at <= len(this.elements) else ""


@method("%Collection.ListOfObj", "SetAt", "element,key", instance=True)
def set_at(vm: Machine, this: ListOfObjects, element: Value, key: Value) -> Value:
    at = integer(key)
    if not 0 < at <= len(this.elements):
        return status.error(5001, f"Position {at} is outside the list")
    this.elements[at - 1] = _element(this, element)
    this.changed = True
    return status.OK


@method("%Collection.ListOfObj", "Insert", "element", instance=True)
def insert(vm: Machine, this: ListOfObjects, element: Value) -> Value:
    this.elements.append(_element(this, element))
    this.changed = True
    return status.OK


@method("%Collection.ListOfObj", "RemoveAt", "key", instance=True)
def remove_at(vm: Machine, this: ListOfObjects, key: Value) -> Value:
    at = integer(key)
    if not 0 < at <= len(this.elements):
        return ""
    this.changed = True
    return this.elements.pop(at - 1)
