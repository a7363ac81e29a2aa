# SPDX-License-Identifier: GPL-3.0-or-later
"""Exception objects, as CATCH gets them (FACTS 1.2: the pattern with try and catch)."""

from __future__ import annotations

from emulated.errors import MError, ThrownObject
from emulated.library import status
from emulated.machine import Machine
from emulated.registry import BASES, method
from emulated.values import Oref, Value, text


class ExceptionObject(Oref):
    """Name, code, place and data of what went wrong."""

    def __init__(self, class_name: str, name: str, code: Value, location: str, data: str, carried: Value) -> None:
        super().__init__()
        self.class_name = class_name
        self.properties: dict[str, Value] = {"Name": name, "Code": code, "Location": location, "Data": data}
        self.carried = carried

    def get_property(self, name: str) -> Value:
        if name not in self.properties:
            raise MError("PROPERTY DOES NOT EXIST", f"*{name},{self.class_name}")
        return self.properties[name]

    def set_property(self, name: str, value: Value) -> None:
        self.get_property(name)
        self.properties[name] = value


for _each in ("SystemException", "StatusException", "General"):
    BASES[f"%Exception.{_each}"] = "%Exception.AbstractException"


def caught(vm: Machine, error: MError | ThrownObject) -> Oref:
    """The object of CATCH for an error; $ZERROR has its text."""
    if isinstance(error, ThrownObject):
        assert isinstance(error.thrown, Oref)
        return error.thrown
    shown = vm.noted(error)
    return ExceptionObject("%Exception.SystemException", f"<{error.name}>", 0, error.location or "", error.data,
                           status.error(5002, shown))


@method("%Exception.AbstractException", "DisplayString", instance=True)
def display_string(vm: Machine, this: ExceptionObject) -> Value:
    if this.class_name == "%Exception.StatusException":
        return status.full_text(vm, this.carried)
    name, place, data = (text(this.properties[each]) for each in ("Name", "Location", "Data"))
    return f"{name}{place}{' ' + data if data else ''}"


@method("%Exception.AbstractException", "AsStatus", instance=True)
def as_status(vm: Machine, this: ExceptionObject) -> Value:
    return this.carried


@method("%Exception.AbstractException", "AsSystemError", instance=True)
def as_system_error(vm: Machine, this: ExceptionObject) -> Value:
    return display_string(vm, this)


@method("%Exception.StatusException", "CreateFromStatus", "sc")
def create_from_status(vm: Machine, given: Value) -> Value:
    return ExceptionObject("%Exception.StatusException", text(status.code_of(given)), status.code_of(given), "", "",
                           given)


@method("%Exception.StatusException", "ThrowIfInterrupt", "sc")
def throw_if_interrupt(vm: Machine, given: Value) -> Value:
    return given


@method("%Exception.General", "%New", "name=,code=0,location=,data=")
def new_general(vm: Machine, name: Value, code: Value, location: Value, data: Value) -> Value:
    return ExceptionObject("%Exception.General", text(name), code, text(location), text(data),
                           status.error(5001, text(name)))
