# SPDX-License-Identifier: GPL-3.0-or-later
"""System Default Settings: what a setting is where the production says nothing (FACTS 4.1)."""

from __future__ import annotations

from itertools import product
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from emulated.errors import MError
from emulated.library import status
from emulated.machine import Machine
from emulated.registry import method
from emulated.values import Oref, Value, text
from emulated.variables import Tree

CLASS = "Ens.Config.DefaultSettings"
_TABLE = "Ens.Config.DefaultSettingsD"
_FIELDS = ("ProductionName", "ItemName", "HostClassName", "SettingName", "SettingValue", "Description", "Deployable")
_ATTRIBUTES = ("production", "item", "hostclass", "setting", "value", "description", "deployable")


class DefaultSetting(Oref):
    """One row."""

    class_name = CLASS

    def __init__(self) -> None:
        super().__init__()
        self.properties: dict[str, Value] = dict.fromkeys(_FIELDS, "")

    def get_property(self, name: str) -> Value:
        if name not in self.properties:
            raise MError("PROPERTY DOES NOT EXIST", f"*{name},{self.class_name}")
        return self.properties[name]

    def set_property(self, name: str, value: Value) -> None:
        self.get_property(name)
        self.properties[name] = value

    def id(self) -> str:
        """IdKey: Production||Item||HostClass||Setting."""
        return "||".join(text(self.properties[each]) for each in _FIELDS[:4])


def names(vm: Machine) -> list[str]:
    """Settings that have a default for anybody."""
    return sorted({text(subscripts[0]).rpartition("||")[2] for subscripts, _ in vm.place(_TABLE, []).nodes()})


def value(vm: Machine, production: str, item: str, host_class: str, setting: str) -> str | None:
    """The most specific default; which part counts most is a switch."""
    parts = [(production, "*"), (item, "*"), (host_class, "*")]
    order = {"production": (0, 1, 2), "item": (1, 0, 2)}[vm.facts.default_precedence]
    for chosen in product(*(parts[index] for index in order)):
        by_part = dict(zip(order, chosen, strict=True))
        found = vm.place(_TABLE, ["||".join([by_part[0], by_part[1], by_part[2], setting]), "SettingValue"]).read()
        if found is not None:
            return text(found)
    return None


@method(CLASS, "%New")
def new_setting(vm: Machine) -> Value:
    return DefaultSetting()


@method(CLASS, "%ExistsId", "id")
def setting_exists(vm: Machine, key: Value) -> Value:
    return int(vm.place(_TABLE, [text(key)]).data() != 0)


@method(CLASS, "%OpenId", "id,concurrency=-1,&sc")
def open_setting(vm: Machine, key: Value, concurrency: Value, found: Tree) -> Value:
    if not vm.place(_TABLE, [text(key)]).data():
        found.value = status.error(5809, CLASS, key)
        return ""
    made = DefaultSetting()
    for subscripts, held in vm.place(_TABLE, [text(key)]).nodes():
        made.properties[text(subscripts[0])] = held
    found.value = status.OK
    return made


@method(CLASS, "%Save", instance=True)
def save_setting(vm: Machine, this: DefaultSetting) -> Value:
    for each in _FIELDS[:4]:
        if this.properties[each] == "":
            return status.error(5659, each)
    for name, held in this.properties.items():
        vm.place(_TABLE, [this.id(), name]).set(held)
    return status.OK


@method(CLASS, "%DeleteId", "id")
def delete_setting(vm: Machine, key: Value) -> Value:
    if not vm.place(_TABLE, [text(key)]).data():
        return status.error(5810, CLASS, key)
    vm.place(_TABLE, [text(key)]).kill()
    return status.OK


def import_defaults(vm: Machine, element: Element) -> None:
    """Rows of the document Ens.Config.DefaultSettings.esd."""
    for each in element.iter("item"):
        made = DefaultSetting()
        for field, attribute in zip(_FIELDS, _ATTRIBUTES, strict=True):
            made.properties[field] = each.get(attribute, "")
        save_setting(vm, made)


def export_defaults(vm: Machine) -> str:
    rows: dict[str, dict[str, str]] = {}
    for subscripts, held in vm.place(_TABLE, []).nodes():
        rows.setdefault(text(subscripts[0]), {})[text(subscripts[1])] = text(held)
    items = [
        "<item " + " ".join(f"{attribute}={quoteattr(row.get(field, ''))}"
                            for field, attribute in zip(_FIELDS, _ATTRIBUTES, strict=True)) + "/>"
        for row in rows.values()
    ]
    return "\n".join(['<Document name="Ens.Config.DefaultSettings.esd">', "<defaultSettings>", *items,
                      "</defaultSettings>", "</Document>", ""])
