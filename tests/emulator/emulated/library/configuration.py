# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of productions: tables beside the class that they are read from (FACTS 4.1).

A production is a class whose XData ProductionDefinition names items and their settings. Compiling it
reads that into the tables, whatever they held; SaveToClass writes the tables' object back. What is
saved to the tables alone is gone with the next compilation.
"""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from emulated import class_text
from emulated.code import ClassText, CodeStore
from emulated.errors import MError
from emulated.library import status
from emulated.library.collections import ListOfObjects
from emulated.machine import Machine
from emulated.registry import method
from emulated.specials import horolog
from emulated.values import Oref, Value, text, truth
from emulated.variables import Tree

PRODUCTION, ITEM, SETTING = "Ens.Config.Production", "Ens.Config.Item", "Ens.Config.Setting"
_TABLE = "Ens.Config.ProductionD"
_ATTRIBUTES = ("Name", "Category", "ClassName", "PoolSize", "Enabled", "Foreground", "Comment", "LogTraceEvents",
               "Schedule")


class _Record(Oref):
    """An object with named properties."""

    fields: tuple[str, ...] = ()

    def __init__(self) -> None:
        super().__init__()
        self.properties: dict[str, Value] = dict.fromkeys(self.fields, "")

    def get_property(self, name: str) -> Value:
        if name not in self.properties:
            raise MError("PROPERTY DOES NOT EXIST", f"*{name},{self.class_name}")
        return self.properties[name]

    def set_property(self, name: str, value: Value) -> None:
        if isinstance(self.get_property(name), Oref):
            raise MError("CANNOT SET THIS PROPERTY", f"*{name},{self.class_name}")
        self.properties[name] = value


class Setting(_Record):
    """One setting of an item; blanks around its value do not count."""

    class_name = SETTING
    fields = ("Target", "Name", "Value")

    def __init__(self, target: str = "Adapter", name: str = "", value: str = "") -> None:
        super().__init__()
        self.properties.update({"Target": target, "Name": name, "Value": value})

    def set_property(self, name: str, value: Value) -> None:
        super().set_property(name, text(value).strip() if name == "Value" else value)

    def row(self) -> list[str]:
        return [text(self.properties[each]) for each in self.fields]


class Item(_Record):
    """A business host of a production."""

    class_name = ITEM
    fields = _ATTRIBUTES

    def __init__(self, production: str, number: int, attributes: dict[str, str], rows: list[list[str]]) -> None:
        super().__init__()
        self.production, self.number, self.stored = production, number, rows
        self.properties.update({"Enabled": "1", **attributes})
        self.settings = ListOfObjects(SETTING, [Setting(*each) for each in rows])
        self.properties["Settings"] = self.settings

    def rows(self, vm: Machine) -> list[list[str]]:
        """What a save stores: an element that was altered in its list counts only if the list noticed."""
        if self.settings.changed or vm.facts.embedded_change_noticed:
            return [each.row() for each in self.settings.elements if isinstance(each, Setting)]
        return self.stored

    def attributes(self) -> dict[str, str]:
        return {name: text(value) for name, value in self.properties.items() if name != "Settings" and value != ""}


class Production(_Record):
    """A production as the tables have it."""

    class_name = PRODUCTION
    fields = ("Name",)

    def __init__(self, name: str, items: list[Item]) -> None:
        super().__init__()
        self.properties.update({"Name": name, "Items": ListOfObjects(ITEM, list(items))})

    def items(self) -> list[Item]:
        held = self.properties["Items"]
        assert isinstance(held, ListOfObjects)
        return [each for each in held.elements if isinstance(each, Item)]


# -- class and tables ----------------------------------------------------------------


def definition(vm: Machine, name: str) -> Element | None:
    """The element Production that a compiled class holds."""
    found = CodeStore(vm).compiled(name)
    data = class_text.production_data(class_text.element_of(found)) if found else None
    return None if data is None else ElementTree.fromstring((data.text or "").strip())  # the emulator's own store


def load_from_class(vm: Machine, name: str) -> bool:
    """Class to tables, whatever they held."""
    found = definition(vm, name)
    if found is None:
        return False
    forget(vm, name)
    vm.place(_TABLE, [name]).set("1")
    for number, each in enumerate(found.findall("Item"), 1):
        attributes = dict(each.attrib)
        attributes["Enabled"] = str(int(attributes.get("Enabled", "true") in ("true", "1")))
        rows = [[one.get("Target", "Adapter"), one.get("Name", ""), (one.text or "").strip()]
                for one in each.findall("Setting")]
        store_item(vm, name, number, attributes, rows)
    return True


def store_item(vm: Machine, production: str, number: int, attributes: dict[str, str], rows: list[list[str]]) -> None:
    vm.place(_TABLE, [production, number]).set(json.dumps([attributes, rows]))


def forget(vm: Machine, name: str) -> None:
    """The class is gone, or about to be read anew."""
    vm.place(_TABLE, [name]).kill()


def open_items(vm: Machine, name: str) -> list[Item] | None:
    """Items as the tables have them, None without such a production."""
    if not name or not vm.place(_TABLE, [name]).data():
        return None
    found: list[Item] = []
    for subscripts, value in vm.place(_TABLE, [name]).nodes():
        if subscripts:
            attributes, rows = json.loads(text(value))
            found.append(Item(name, int(text(subscripts[0])), attributes, rows))
    return found


def write_back(vm: Machine, name: str, items: list[Item]) -> bool:
    """Tables to class: source and what runs."""
    found = CodeStore(vm).compiled(name)
    if found is None:
        return False
    element = class_text.element_of(found)
    data = class_text.production_data(element)
    assert data is not None
    production = ElementTree.fromstring((data.text or "").strip())
    for each in production.findall("Item"):
        production.remove(each)
    for item in items:
        _append(vm, production, item)
    ElementTree.indent(production)
    data.text = "\n" + ElementTree.tostring(production, encoding="unicode") + "\n"
    changed = ClassText(found.name, class_text.lines_of(element), horolog(fraction=True), found.created)
    store = CodeStore(vm)
    store.put_definition(changed)
    store.put_compiled(changed)
    return True


def _append(vm: Machine, production: Element, item: Item) -> None:
    attributes: dict[str, Any] = item.attributes()
    attributes["Enabled"] = "true" if truth(attributes.get("Enabled", "1")) else "false"
    made = SubElement(production, "Item", attributes)
    for target, name, value in item.rows(vm):
        SubElement(made, "Setting", {"Target": target, "Name": name}).text = value


# -- the classes ---------------------------------------------------------------------


@method(PRODUCTION, "%ExistsId", "id")
def production_exists(vm: Machine, name: Value) -> Value:
    return int(open_items(vm, text(name)) is not None)


@method(PRODUCTION, "%OpenId", "id,concurrency=-1,&sc")
def open_production(vm: Machine, name: Value, concurrency: Value, found: Tree) -> Value:
    items = open_items(vm, text(name))
    if items is None:
        found.value = status.error(5809, PRODUCTION, name)
        return ""
    found.value = status.OK
    return Production(text(name), items)


@method(PRODUCTION, "LoadFromClass", "name")
def load_production(vm: Machine, name: Value) -> Value:
    return status.OK if load_from_class(vm, text(name)) else status.error(5351, name)


@method(PRODUCTION, "%Save", instance=True)
def save_production(vm: Machine, this: Production) -> Value:
    for each in this.items():
        save_item(vm, each)
    return status.OK


@method(PRODUCTION, "SaveToClass", "item=", instance=True)
def save_to_class(vm: Machine, this: Production, item: Value) -> Value:
    name = text(this.properties["Name"])
    if vm.settings.scenario.class_read_only:
        return status.error(5001, f"Class '{name}' is read-only")
    return status.OK if write_back(vm, name, this.items()) else status.error(5351, name)


@method(ITEM, "%Save", instance=True)
def save_item(vm: Machine, this: Item) -> Value:
    for each in this.settings.elements:
        if isinstance(each, Setting) and each.properties["Name"] == "":
            return status.error(5659, "Name")
    this.stored = this.rows(vm)
    this.settings.changed = False
    store_item(vm, this.production, this.number, this.attributes(), this.stored)
    return status.OK


@method(SETTING, "%New")
def new_setting(vm: Machine) -> Value:
    return Setting()
