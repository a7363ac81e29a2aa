# SPDX-License-Identifier: GPL-3.0-or-later
"""Productions that run: Ens.Director, and the queues before their items (FACTS 4.2).

Which one runs is in ^Ens.Runtime, and with what values: an item goes on with those it was started with until the
production is updated.
"""

from __future__ import annotations

import json

from emulated.library import configuration, defaults, status
from emulated.library.configuration import Item
from emulated.machine import Machine
from emulated.registry import flag, method
from emulated.values import Value, text
from emulated.variables import Tree

RUNNING, SUSPENDED, TROUBLED = 1, 3, 4
_RUNTIME = "Ens.Runtime"


def _active(vm: Machine) -> str:
    return text(vm.place(_RUNTIME, ["Name"]).read() or "")


def _state(vm: Machine) -> int:
    runs = text(vm.place(_RUNTIME, ["State"]).read() or "") == "1"
    return vm.settings.scenario.production_state or (RUNNING if runs else vm.facts.production_stopped)


def _runs(vm: Machine) -> bool:
    return _state(vm) == RUNNING


def effective(vm: Machine, production: str) -> dict[str, dict[str, str]]:
    """By item: every setting that has a value in the item or in a default, ``Target Name`` or ``Name``."""
    found: dict[str, dict[str, str]] = {}
    for item in configuration.open_items(vm, production) or []:
        held = {f"{target} {name}": value for target, name, value in item.stored}
        explicit = {name for _target, name, _value in item.stored}
        for name in defaults.names(vm):
            value = defaults.value(vm, production, _name(item), text(item.properties["ClassName"]), name)
            if name not in explicit and value is not None:
                held[name] = value
        found[_name(item)] = held
    return found


def _name(item: Item) -> str:
    return text(item.properties["Name"])


def _take_over(vm: Machine) -> None:
    """The items run with what the configuration says now."""
    vm.place(_RUNTIME, ["Values"]).set(json.dumps(effective(vm, _active(vm)), sort_keys=True))


@method("Ens.Director", "GetProductionStatus", "&name,&state")
def production_status(vm: Machine, name: Tree, state: Tree) -> Value:
    """1 running; the other numbers are [M]."""
    name.value = _active(vm)
    state.value = _state(vm)
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
    if configuration.open_items(vm, wanted) is None:
        return status.error(5351, wanted)
    vm.place(_RUNTIME, ["Name"]).set(wanted)
    vm.place(_RUNTIME, ["State"]).set("1")
    _take_over(vm)
    return status.OK


@method("Ens.Director", "StopProduction", "timeout=10,force=0")
def stop(vm: Machine, timeout: Value, force: Value) -> Value:
    if not _runs(vm):
        return status.error(5001, "No production is running")
    vm.place(_RUNTIME, ["State"]).set("0")
    return status.OK


@method("Ens.Director", "UpdateProduction", "timeout=10,force=0")
def update(vm: Machine, timeout: Value, force: Value) -> Value:
    """A job that does not end makes it time out, unless it is killed; the items keep their old values then."""
    if not _runs(vm):
        return status.error(5001, "No production is running")
    if vm.settings.scenario.update_hangs and not flag(force):
        return status.error(5001, f"Production '{_active(vm)}' was not updated within {text(timeout)} seconds")
    _take_over(vm)
    return status.OK


@method("Ens.Director", "ProductionNeedsUpdate", "&reason")
def needs_update(vm: Machine, reason: Tree) -> Value:
    running = json.loads(text(vm.place(_RUNTIME, ["Values"]).read() or "{}"))
    wanted = effective(vm, _active(vm))
    changed = sorted(name for name in {*running, *wanted} if running.get(name) != wanted.get(name))
    if not _runs(vm) or not changed:
        return 0
    reason.value = f"Item '{changed[0]}' has been modified"
    return 1


@method("Ens.Director", "GetItemSettingValue", "item,target,setting,&sc",
        when=lambda settings: settings.facts.item_setting_value != "absent")
def item_setting_value(vm: Machine, name: Value, target: Value, setting: Value, found: Tree) -> Value:
    """``Item`` of the active production, or ``Production||Item``."""
    production, _, item = text(name).rpartition("||")
    held = effective(vm, production or _active(vm)).get(item)
    if held is None:
        found.value = status.error(5001, f"Item '{item}' is not in the production")
        return ""
    found.value = status.OK
    default = held.get(text(setting), "") if vm.facts.item_setting_value == "effective" else ""
    return held.get(f"{text(target)} {text(setting)}", default)


@method("Ens.Director", "EnableConfigItem", "item,enable=1,doUpdate=1")
def enable_item(vm: Machine, item: Value, enable: Value, do_update: Value) -> Value:
    """Lasts: it is written to tables and class."""
    items = configuration.open_items(vm, _active(vm)) or []
    one = next((each for each in items if _name(each) == text(item)), None)
    if one is None:
        return status.error(5001, f"Item '{text(item)}' is not in the production")
    one.properties["Enabled"] = str(int(flag(enable)))
    configuration.save_item(vm, one)
    configuration.write_back(vm, _active(vm), items)
    return status.OK


@method("Ens.Director", "IsItemEnabled", "item")
def is_item_enabled(vm: Machine, item: Value) -> Value:
    items = configuration.open_items(vm, _active(vm)) or []
    return int(any(_name(each) == text(item) and flag(each.properties["Enabled"]) for each in items))


def queues(vm: Machine) -> list[dict[str, str]]:
    """Rows of Ens.Queue:Enumerate: queues and what waits in them, as a test laid them down in ^Ens.Queue."""
    return [{"Name": text(subscripts[0]), "Count": text(value)}
            for subscripts, value in vm.place("Ens.Queue", []).nodes() if len(subscripts) == 1]
