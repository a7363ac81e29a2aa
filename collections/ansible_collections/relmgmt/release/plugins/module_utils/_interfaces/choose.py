# SPDX-License-Identifier: GPL-3.0-or-later
"""From the settings of this host to the adapters that hold them.

A managed host compiles whatever a module imports, anew in every call: an adapter is imported where it is made.
"""

from __future__ import annotations

from contextlib import closing
from typing import Callable, Dict, List, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import Queue, SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context, Places


def _globals(settings: Sequence[SettingPlace], context: Context) -> Places:
    from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.globals import GlobalPlaces

    return GlobalPlaces(settings, context)


def _files(settings: Sequence[SettingPlace], context: Context) -> Places:
    from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.files import FilePlaces

    return FilePlaces(settings, context)


def _app_server(settings: Sequence[SettingPlace], context: Context) -> Places:
    from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.app_server import AppServerPlaces

    return AppServerPlaces(settings, context)


def _liberty_files(settings: Sequence[SettingPlace], context: Context) -> Places:
    from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.liberty_files import LibertyFilePlaces

    return LibertyFilePlaces(settings, context)


def _interoperability(settings: Sequence[SettingPlace], context: Context) -> Places:
    from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.interoperability import (
        InteroperabilityPlaces,
    )

    return InteroperabilityPlaces(settings, context)


def _command(settings: Sequence[SettingPlace], context: Context) -> Places:
    from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.command import CommandPlaces

    return CommandPlaces(settings, context)


Make = Callable[[Sequence[SettingPlace], Context], Places]
#: by kind, or kind and type; those of one adapter are written together, in this order
ADAPTERS: Dict[str, Make] = {
    "global_node": _globals,
    "production_setting": _interoperability,
    "default_setting": _interoperability,
    "file": _files,
    "liberty server_xml": _liberty_files,
    "liberty bootstrap_property": _liberty_files,
    "liberty variable": _app_server,
    "websphere": _app_server,
    "command": _command,
}
INTEROPERABILITY_QUEUE = "interoperability_queue"
#: engines that have such places, and kinds of application servers
_OF_INSTANCE = {
    "global_node": ("gtm", "iris"),
    "production_setting": ("iris",),
    "default_setting": ("iris",),
    INTEROPERABILITY_QUEUE: ("iris",),
}
_OF_SERVER = {"liberty": ("liberty",), "websphere": ("liberty", "was")}


def places_of(settings: Sequence[SettingPlace], context: Context) -> List[Places]:
    """The adapters of these settings, M datasets first. To be closed after use.

    Raises InvalidInput, before anything is opened, for a setting that this host cannot hold.
    """
    for setting in settings:
        _require_here(setting.interface, setting.kind, context)
    found: List[Places] = []
    for make in dict.fromkeys(ADAPTERS.values()):
        ours = [setting for setting in settings if _adapter(setting) is make]
        if ours:
            found.append(make(ours, context))
    return found


def read_all(places: Sequence[Places]) -> Dict[str, Optional[str]]:
    """The values of all settings by key, as they stand."""
    found: Dict[str, Optional[str]] = {}
    for one in places:
        found.update(one.read())
    return found


def queue_depths(queues: Sequence[Queue], context: Context) -> Dict[str, int]:
    """How much each interface has still to send, by its name; raises HostStateUnknown where that is no number."""
    for one in queues:
        _require_here(one.interface, one.kind, context)
    said = _productions_queues([one for one in queues if one.kind == INTEROPERABILITY_QUEUE], context)
    others = [SettingPlace(*one, "", "") for one in queues if one.kind != INTEROPERABILITY_QUEUE]
    for places in places_of(others, context):
        with closing(places):
            values = places.read()
            said.update({one.interface: values[one.key] for one in places.settings})
    return {one.interface: _depth(one, said[one.interface]) for one in queues}


def _productions_queues(queues: Sequence[Queue], context: Context) -> Dict[str, Optional[str]]:
    if not queues:
        return {}
    from ansible_collections.relmgmt.release.plugins.module_utils._interfaces import interoperability

    return dict(interoperability.queue_depths(queues, context))


def _depth(queue: Queue, value: Optional[str]) -> int:
    text = (value or "").strip()
    if text and not (text.isascii() and text.isdigit()):
        cure = "correct the queue's place: it holds nothing, or how many messages wait"
        raise HostStateUnknown("the queue says %.80r" % text, "interface %s.queue" % queue.interface, cure)
    return int(text or "0")


def _adapter(setting: SettingPlace) -> Make:
    with_type = "%s %s" % (setting.kind, setting.options.get("type", ""))
    found = ADAPTERS.get(with_type) or ADAPTERS.get(setting.kind)
    if found is None:
        cure = "use another kind of place"
        raise InvalidInput("no adapter for %r" % setting.kind, "interface " + setting.interface, cure)
    return found


def _require_here(interface: str, kind: str, context: Context) -> None:
    instance = None if context.instance is None else context.instance.get("engine")
    if instance not in _OF_INSTANCE.get(kind, (instance,)):
        raise _not_here(interface, kind, "instance")
    server = None if context.websphere is None else context.websphere.get("kind") or "liberty"
    if server not in _OF_SERVER.get(kind, (server,)):
        raise _not_here(interface, kind, "websphere")


def _not_here(interface: str, kind: str, what: str) -> InvalidInput:
    message = "this host has no %s that a place of kind %s could be in" % (what, kind)
    cure = "name a group under `hosts` whose hosts have such a relmgmt_%s" % what
    return InvalidInput(message, "interface " + interface, cure)
