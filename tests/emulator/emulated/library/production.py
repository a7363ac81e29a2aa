# SPDX-License-Identifier: GPL-3.0-or-later
"""Productions: control and default settings, as little as releases touch (FACTS 4.1, 4.2).

A production is a compiled class with XData ProductionDefinition; which one runs is in ^Ens.Runtime.
"""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from emulated import class_text
from emulated.code import ClassText, CodeStore
from emulated.errors import MError
from emulated.library import status
from emulated.machine import Machine
from emulated.registry import flag, method
from emulated.values import Oref, Value, text
from emulated.variables import Tree

_RUNNING = 1
_DEFAULTS = "Ens.Config.DefaultSettingsD"
_FIELDS = ("ProductionName", "ItemName", "HostClassName", "SettingName", "SettingValue", "Description", "Deployable")
_ATTRIBUTES = ("production", "item", "hostclass", "setting", "value", "description", "deployable")


# -- Ens.Director --------------------------------------------------------------------


def _active(vm: Machine) -> str:
    return text(vm.place("Ens.Runtime", ["Name"]).read() or "")


def _runs(vm: Machine) -> bool:
    return text(vm.place("Ens.Runtime", ["State"]).read() or "") == "1"


def _production(vm: Machine, name: str) -> tuple[ClassText, Element, Element] | None:
    """The class's text and element, and its production definition."""
    found = CodeStore(vm).compiled(name)
    if found is None:
        return None
    element = class_text.element_of(found)
    data = next((each.findtext("Data") for each in element.findall("XData")
                 if each.get("name") == "ProductionDefinition"), None)
    if data is None:
        return None
    return found, element, ElementTree.fromstring(data.strip())  # the emulator's own store


@method("Ens.Director", "GetProductionStatus", "&name,&state")
def production_status(vm: Machine, name: Tree, state: Tree) -> Value:
    """1 running; the other numbers are [M]."""
    name.value = _active(vm)
    state.value = _RUNNING if _runs(vm) else vm.facts.production_stopped
    return status.OK


@method("Ens.Director", "IsProductionRunning", "&name,&state")
def is_running(vm: Machine, name: Tree, state: Tree) -> Value:
    production_status(vm, name, state)
    return int(_runs(vm))


@method("Ens.Director", "GetActiveProductionName")
def active_name(vm: Machine) -> Value:
    return _active(vm) if _runs(vm) else ""


@method("Ens.Director", "StartProduction", "name=")
def start(vm: Machine, name: Value) -> Value:
    """Only one production runs per namespace."""
    wanted = text(name) or _active(vm)
    if _runs(vm):
        return status.error(5001, f"Production '{_active(vm)}' is already running")
    if _production(vm, wanted) is None:
        return status.error(5351, wanted)
    vm.place("Ens.Runtime", ["Name"]).set(wanted)
    vm.place("Ens.Runtime", ["State"]).set("1")
    return status.OK


@method("Ens.Director", "StopProduction", "timeout=10,force=0")
def stop(vm: Machine, timeout: Value, force: Value) -> Value:
    if not _runs(vm):
        return status.error(5001, "No production is running")
    vm.place("Ens.Runtime", ["State"]).set("0")
    return status.OK


@method("Ens.Director", "UpdateProduction", "timeout=10,force=0")
def update(vm: Machine, timeout: Value, force: Value) -> Value:
    return status.OK if _runs(vm) else status.error(5001, "No production is running")


@method("Ens.Director", "ProductionNeedsUpdate", "&reason")
def needs_update(vm: Machine, reason: Tree) -> Value:
    return 0


@method("Ens.Director", "EnableConfigItem", "item,enable=1,doUpdate=1")
def enable_item(vm: Machine, item: Value, enable: Value, do_update: Value) -> Value:
    """Lasts: it is written to the class."""
    found = _production(vm, _active(vm))
    one = next((each for each in found[2].findall("Item") if each.get("Name") == text(item)), None) if found else None
    if found is None or one is None:
        return status.error(5001, f"Item '{text(item)}' is not in the production")
    one.set("Enabled", "true" if flag(enable) else "false")
    compiled, element, production = found
    for each in element.findall("XData"):
        data = each.find("Data")
        if each.get("name") == "ProductionDefinition" and data is not None:
            data.text = "\n" + ElementTree.tostring(production, encoding="unicode") + "\n"
    changed = ClassText(compiled.name, class_text.lines_of(element), compiled.changed, compiled.created)
    store = CodeStore(vm)
    store.put_definition(changed)
    store.put_compiled(changed)
    return status.OK


@method("Ens.Director", "IsItemEnabled", "item")
def is_item_enabled(vm: Machine, item: Value) -> Value:
    found = _production(vm, _active(vm))
    items = found[2].findall("Item") if found else []
    return int(any(each.get("Name") == text(item) and each.get("Enabled", "true") == "true" for each in items))


# -- default settings ----------------------------------------------------------------


class DefaultSetting(Oref):
    """One row: the value of a setting where the production says none."""

    class_name = "Ens.Config.DefaultSettings"

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


@method("Ens.Config.DefaultSettings", "%New")
def new_setting(vm: Machine) -> Value:
    return DefaultSetting()


@method("Ens.Config.DefaultSettings", "%ExistsId", "id")
def setting_exists(vm: Machine, key: Value) -> Value:
    return int(vm.place(_DEFAULTS, [text(key)]).data() != 0)


@method("Ens.Config.DefaultSettings", "%OpenId", "id,concurrency=-1,&sc")
def open_setting(vm: Machine, key: Value, concurrency: Value, found: Tree) -> Value:
    if not vm.place(_DEFAULTS, [text(key)]).data():
        found.value = status.error(5809, "Ens.Config.DefaultSettings", key)
        return ""
    made = DefaultSetting()
    for subscripts, value in vm.place(_DEFAULTS, [text(key)]).nodes():
        made.properties[text(subscripts[0])] = value
    found.value = status.OK
    return made


@method("Ens.Config.DefaultSettings", "%Save", instance=True)
def save_setting(vm: Machine, this: DefaultSetting) -> Value:
    for each in _FIELDS[:4]:
        if this.properties[each] == "":
            return status.error(5659, each)
    for name, value in this.properties.items():
        vm.place(_DEFAULTS, [this.id(), name]).set(value)
    return status.OK


@method("Ens.Config.DefaultSettings", "%DeleteId", "id")
def delete_setting(vm: Machine, key: Value) -> Value:
    vm.place(_DEFAULTS, [text(key)]).kill()
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
    for subscripts, value in vm.place(_DEFAULTS, []).nodes():
        rows.setdefault(text(subscripts[0]), {})[text(subscripts[1])] = text(value)
    items = [
        "<item " + " ".join(f"{attribute}={quoteattr(row.get(field, ''))}"
                            for field, attribute in zip(_FIELDS, _ATTRIBUTES, strict=True)) + "/>"
        for row in rows.values()
    ]
    return "\n".join(['<Document name="Ens.Config.DefaultSettings.esd">', "<defaultSettings>", *items,
                      "</defaultSettings>", "</Document>", ""])
