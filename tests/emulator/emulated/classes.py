# SPDX-License-Identifier: GPL-3.0-or-later
"""Methods of classes: the system's own, and compiled ones of the application."""

from __future__ import annotations

from typing import Any

from emulated import registry
from emulated.code import compiled_class, load_routine
from emulated.errors import MError
from emulated.machine import Given, Machine
from emulated.values import Oref, Value


class Instance(Oref):
    """An object of a class of the application: its properties, nothing that lasts."""

    def __init__(self, class_name: str) -> None:
        super().__init__()
        self.class_name = class_name
        self.properties: dict[str, Value] = {}

    def get_property(self, name: str) -> Value:
        if name not in self.properties:
            raise MError("PROPERTY DOES NOT EXIST", f"*{name},{self.class_name}")
        return self.properties[name]

    def set_property(self, name: str, value: Value) -> None:
        if name not in self.properties:
            raise MError("PROPERTY DOES NOT EXIST", f"*{name},{self.class_name}")
        self.properties[name] = value


def call_method(
    vm: Machine, class_name: str, name: str, given: list[Given], wants_value: bool, this: Oref | None = None
) -> Value | None:
    """A method of a class, or of an object of it (``this``)."""
    native = registry.system_class(vm, class_name)
    if native is not None:
        found = native.get(name)
        if found is None or found.instance != (this is not None and found.instance):
            raise MError("METHOD DOES NOT EXIST", f"*{name},{class_name}")
        return registry.call(vm, found, f"{class_name}.{name}", given, this)
    return _application_method(vm, class_name, name, given, wants_value, this)


def _application_method(
    vm: Machine, class_name: str, name: str, given: list[Given], wants_value: bool, this: Oref | None
) -> Value | None:
    for each in lineage(vm, class_name):
        routine = load_routine(vm, f"{each}.1") if name in compiled_class(vm, each).methods else None
        if routine is not None:
            return vm.call(routine, routine.labels["z" + name], given, wants_value, this=this, class_name=class_name)
    if name == "%New":
        return _new_object(vm, class_name)
    raise MError("METHOD DOES NOT EXIST", f"*{name},{class_name}")


def lineage(vm: Machine, class_name: str) -> list[str]:
    """A compiled class and its superclasses of the application; <CLASS DOES NOT EXIST> if it is not compiled."""
    found, waiting = [], [class_name]
    while waiting:
        each = waiting.pop(0)
        if each in found or (each.startswith("%") and each != class_name):
            continue
        definition = compiled_class(vm, each)
        found.append(each)
        waiting += definition.superclasses
    return found


def _new_object(vm: Machine, class_name: str) -> Value:
    made = Instance(class_name)
    for each in lineage(vm, class_name):
        for name, initial in compiled_class(vm, each).properties.items():
            made.properties.setdefault(name, vm.evaluate(vm.expression(initial)) if initial else "")
    return made


def call_super(vm: Machine, given: list[Given], wants_value: bool) -> Value | None:
    """##super(): the same method of the superclass."""
    frame = vm.frame
    assert frame.routine is not None
    own = frame.routine.class_name
    name = frame.method.removeprefix("z")
    for each in lineage(vm, own)[1:]:
        if name in compiled_class(vm, each).methods:
            routine = load_routine(vm, f"{each}.1")
            return vm.call(routine, routine.labels["z" + name], given, wants_value, this=frame.this,
                           class_name=frame.class_name)
    raise MError("METHOD DOES NOT EXIST", f"*{name},{own}")


def parameter(vm: Machine, class_name: str, name: str) -> Value:
    """A class parameter."""
    for each in lineage(vm, class_name):
        found: dict[str, Any] = compiled_class(vm, each).parameters
        if name in found:
            return found[name]  # type: ignore[no-any-return]
    raise MError("PARAMETER DOES NOT EXIST", f"*{name},{class_name}")
