# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of interoperability productions: which value is in effect, and what hides one (FACTS 4.1).

A setting has its value from the first of: the item in the production; the most specific System Default
Setting; the class of the item or adapter. A value in the item counts even if it is empty.

[M], so nothing rests on it: which of two default settings wins of which neither is more specific (such a
pair is told and refused, unless both say the same); what target a default is for (one of this name in
either target hides it); items of sub-productions (they are not looked at).
"""

from __future__ import annotations

import re
from itertools import product
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union
from xml.etree import ElementTree

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import Record
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, InvalidInput

ANY = "*"
PRODUCTION_SETTING, DEFAULT_SETTING = "production_setting", "default_setting"
DEFINITION = "ProductionDefinition"
TARGETS = ("Adapter", "Host")
#: what GetProductionStatus says; 1 was seen, the others are [M]
RUNNING, STOPPED, SUSPENDED, TROUBLED, NETWORK_STOPPED = "1", "2", "3", "4", "5"
STATES = {
    RUNNING: "running", STOPPED: "stopped", SUSPENDED: "suspended", TROUBLED: "troubled",
    NETWORK_STOPPED: "stopped on another node",
}
#: states in which a configuration can be changed
CHANGEABLE = (RUNNING, STOPPED, NETWORK_STOPPED)
CLASS_NAME = re.compile(r"%?[^\W\d_][^\W_]*(?:\.[^\W_]+)*\Z")
PROPERTY = re.compile(r"%?[^\W\d_][^\W_]*\Z")
LONGEST_ITEM, LONGEST = 128, 255
SEPARATOR = "||"


class ItemSetting(NamedTuple):
    """A setting that an item of a production has of its own. ``target``: Adapter or Host."""

    production: str
    item: str
    target: str
    setting: str

    def applies_to(self, production: str, item: "Item") -> bool:
        """Whether it is the setting of this item."""
        return (self.production, self.item) == (production, item.name)


class DefaultSetting(NamedTuple):
    """The key of a System Default Setting; ``*`` is any."""

    production: str
    item: str
    host_class: str
    setting: str

    @property
    def id(self) -> str:
        """As %OpenId takes it."""
        return SEPARATOR.join(self)

    def applies_to(self, production: str, item: "Item") -> bool:
        """Whether an item of a production has this default, if nothing goes before it."""
        return (self.production in (ANY, production) and self.item in (ANY, item.name)
                and self.host_class in (ANY, item.class_name))

    def within(self, other: "DefaultSetting") -> bool:
        """Whether it is the other, or more specific than it."""
        return all(theirs in (ANY, mine) for mine, theirs in zip(self, other))


Place = Union[ItemSetting, DefaultSetting]


class Setting(NamedTuple):
    """One setting of an item as the production has it."""

    target: str
    name: str
    value: str


class Item(NamedTuple):
    """A business host of a production."""

    name: str
    class_name: str
    enabled: bool
    settings: Tuple[Setting, ...]


class Production(NamedTuple):
    """A production: from the tables, or from its class."""

    name: str
    items: Tuple[Item, ...]


class Director(NamedTuple):
    """What runs. ``production``: "" if none was ever started; ``outdated``: why it needs an update, or ""."""

    production: str
    state: str
    outdated: str

    @property
    def running(self) -> bool:
        """Whether items run, and so go on with old values until the production is updated."""
        return self.state == RUNNING

    @property
    def shown(self) -> str:
        """The state in words."""
        return "%s (state %s)" % (STATES.get(self.state, "in a state that nobody knows"), self.state)


class Effect(NamedTuple):
    """A value in effect and where it is from. ``rivals``: default settings that may go before it."""

    value: Optional[str]
    source: str
    rivals: Tuple[DefaultSetting, ...] = ()


# -- places --------------------------------------------------------------------------------------


def item_setting(options: Mapping[str, Any], where: str) -> ItemSetting:
    """The place that options name. Raises InvalidInput for what cannot be a name."""
    found = ItemSetting(*(str(options.get(name) or "") for name in ItemSetting._fields))
    _match(found.production, CLASS_NAME, LONGEST, "the class of a production", where)
    _check_part(found.item, LONGEST_ITEM, "an item", where)
    if found.target not in TARGETS:
        raise _wrong("target", found.target, where, "use %s" % " or ".join(TARGETS))
    _match(found.setting, PROPERTY, LONGEST, "a setting", where)
    return found


def default_setting(options: Mapping[str, Any], where: str) -> DefaultSetting:
    """The place that options name; what is left out is ``*``. Raises InvalidInput for what cannot be a name."""
    found = DefaultSetting(*(str(options.get(name) or ANY) for name in DefaultSetting._fields))
    for name, what in ((found.production, "the class of a production"), (found.host_class, "a host class")):
        if name != ANY:
            _match(name, CLASS_NAME, LONGEST, what, where)
    _check_part(found.item, LONGEST, "an item", where)
    _match(found.setting, PROPERTY, LONGEST, "a setting", where)
    return found


def _match(name: str, wanted: "re.Pattern[str]", longest: int, what: str, where: str) -> None:
    if not wanted.match(name) or len(name) > longest:
        raise _wrong(what, name, where, "correct it")


def _check_part(name: str, longest: int, what: str, where: str) -> None:
    # A separator within would make it the key of another row.
    if not name.strip() or name != name.strip() or not name.isprintable() or "|" in name or len(name) > longest:
        raise _wrong(what, name, where, "give it as the production has it; a | cannot be in it")


def _wrong(what: str, name: str, where: str, cure: str) -> InvalidInput:
    return InvalidInput("%r cannot be %s" % (name, what), where, cure)


# -- which value is in effect --------------------------------------------------------------------


def the_item(production: Production, name: str) -> Item:
    """The one item of this name. Raises InvalidInput if there is none or more than one."""
    found = [item for item in production.items if item.name == name]
    if len(found) != 1:
        what = "has no item" if not found else "has %d items" % len(found)
        raise InvalidInput("production %s %s %r" % (production.name, what, name), "relmgmt_interfaces",
                           "name an item that is there once")
    return found[0]


def own_value(production: Production, place: ItemSetting) -> Optional[str]:
    """What the item has of its own. Raises InvalidInput if item or setting is not there once."""
    found = [one.value for one in the_item(production, place.item).settings
             if (one.target, one.name) == (place.target, place.setting)]
    if len(found) > 1:
        raise InvalidInput(
            "item %r of production %s has %s of %s %d times" % (*_named(place), len(found)), "relmgmt_interfaces",
            "leave one of them in the production",
        )
    return found[0] if found else None


def _named(place: ItemSetting) -> Tuple[str, str, str, str]:
    return place.item, place.production, place.setting, place.target


def candidates(production: str, item: Item, setting: str) -> List[DefaultSetting]:
    """The default settings that an item could have, most specific first."""
    parts = product((production, ANY), (item.name, ANY), (item.class_name, ANY))
    return list(dict.fromkeys(DefaultSetting(*part, setting) for part in parts))


def default_of(
    production: str, item: Item, setting: str, held: Mapping[DefaultSetting, str]
) -> Optional[Tuple[DefaultSetting, Tuple[DefaultSetting, ...]]]:
    """The default setting that an item has, and those that may go before it; None if it has none."""
    there = [one for one in candidates(production, item, setting) if one in held]
    if not there:
        return None
    best = there[0]
    return best, tuple(one for one in there if not best.within(one) and held[one] != held[best])


def in_effect(production: Production, place: ItemSetting, held: Mapping[DefaultSetting, str]) -> Effect:
    """What the item would use if it were started now; None where the class decides."""
    own = own_value(production, place)
    if own is not None:
        return Effect(own, "the production")
    found = default_of(production.name, the_item(production, place.item), place.setting, held)
    if found is None:
        return Effect(None, "the class")
    return Effect(held[found[0]], "default setting %s" % found[0].id, found[1])


def hidden(place: DefaultSetting, production: Production, held: Mapping[DefaultSetting, str]) -> List[str]:
    """Why setting this default changes nothing for some item of a production; empty if it does for all."""
    concerned = [item for item in production.items if place.applies_to(production.name, item)]
    if not concerned:
        return ["it applies to no item of production %s" % production.name]
    before = [reason for item in concerned for reason in _before(place, production.name, item, held)]
    return hard_coded(place, production) + before


def hard_coded(place: DefaultSetting, production: Production) -> List[str]:
    """Which items that this default is for have a value of their own, a sentence each."""
    return [
        "item %r of production %s has its own %s %s: %r" % (
            item.name, production.name, one.target, one.name, one.value)
        for item in production.items if place.applies_to(production.name, item)
        for one in item.settings if one.name == place.setting
    ]


def _before(
    place: DefaultSetting, production: str, item: Item, held: Mapping[DefaultSetting, str]
) -> Iterable[str]:
    """Default settings that go before this one for an item, or may."""
    # With a value that nothing else has, every rival is one that says otherwise.
    found = default_of(production, item, place.setting, {**held, place: "\0"})
    best, rivals = found or (place, ())
    for other in rivals if best == place else (best,):
        what = "goes before it" if other.within(place) else "may go before it: neither is more specific"
        yield "for item %r of production %s default setting %s %s" % (item.name, production, other.id, what)


# -- the class of a production -------------------------------------------------------------------


def production_of(lines: Sequence[str]) -> Optional[Production]:
    """What the element of a class hard-codes, None if it is no production.

    Raises InvalidInput for what is no sound XML.
    """
    text = "\n".join(lines)
    if DEFINITION not in text:
        return None
    root = _root(text)
    for data in (each.find("Data") for each in root.iter("XData") if each.get("name") == DEFINITION):
        if data is not None and (data.text or "").strip():
            return _definition(_root((data.text or "").strip()), root.get("name", ""))
    return None


def _definition(root: ElementTree.Element, name: str) -> Production:
    return Production(root.get("Name") or name, tuple(
        Item(each.get("Name", each.get("ClassName", "")), each.get("ClassName", ""),
             each.get("Enabled", "true") in ("true", "1"), tuple(
                 Setting(one.get("Target", "Adapter"), one.get("Name", ""), (one.text or "").strip())
                 for one in each.findall("Setting")))
        for each in root.findall("Item")
    ))


def _root(text: str) -> ElementTree.Element:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InvalidInput("the definition of a production has a document type", "its class", "remove it")
    try:
        return ElementTree.fromstring(text)  # noqa: S314 - without a DOCTYPE there are no entities to expand
    except ElementTree.ParseError as error:
        raise InvalidInput("the definition of a production is no sound XML: %s" % error, "its class",
                           "export the class again") from error


def overridden_by_class(settings: Sequence[SettingPlace], lines: Sequence[str]) -> List[str]:
    """What loading this class does to settings of interfaces, a sentence each; lines: of its element.

    A production's class that hard-codes a value hides a default setting, and overwrites what the local
    production has of its own.
    """
    production = production_of(lines)
    if production is None:
        return []
    found: List[str] = []
    for setting in settings:
        if setting.kind == DEFAULT_SETTING:
            place = default_setting(setting.options, setting.key)
            found += ["%s: %s" % (setting.key, one) for one in hard_coded(place, production)]
        elif setting.kind == PRODUCTION_SETTING:
            found += _overwritten(setting, item_setting(setting.options, setting.key), production)
    return found


def _overwritten(setting: SettingPlace, place: ItemSetting, production: Production) -> List[str]:
    if place.production != production.name:
        return []
    values = [own_value(production, place)] if any(one.name == place.item for one in production.items) else [None]
    return ["%s: the class of production %s sets it to %r" % (setting.key, production.name, value)
            for value in values if value != setting.production]


# -- what a session answers ----------------------------------------------------------------------


def read_productions(records: Iterable[Record]) -> Dict[str, Optional[Production]]:
    """Productions by name, None for one that is not there: records PR, IT and SE."""
    found: Dict[str, Optional[Production]] = {}
    items: Dict[Tuple[str, str], Item] = {}
    for record in records:
        if record.tag == "PR":
            name, there = record.fields
            found[name] = Production(name, ()) if there == "1" else None
        elif record.tag == "IT":
            production, number, name, class_name, enabled = record.fields
            items[production, number] = Item(name, class_name, enabled != "0", ())
        elif record.tag == "SE":
            production, number, *setting = record.fields
            item = items[production, number]
            items[production, number] = item._replace(settings=(*item.settings, Setting(*setting)))
    for (production, _number), item in items.items():
        held = found[production]
        if held is not None:
            found[production] = held._replace(items=(*held.items, item))
    return found


def read_director(records: Sequence[Record]) -> Director:
    """The production of the namespace: records PS and NU. Raises HostStateUnknown for an answer that is none."""
    state = next((record.fields for record in records if record.tag == "PS"), ())
    if len(state) != 2 or not state[1].isdigit():
        raise HostStateUnknown("the state of the production is %r" % (state,), "Ens.Director.GetProductionStatus",
                               "ask in a terminal session, and report it")
    update = next((record.fields for record in records if record.tag == "NU"), ("0", ""))
    return Director(state[0], state[1], "" if update[0] in ("", "0") else update[1] or "no reason is given")


def read_defaults(records: Iterable[Record], wanted: Mapping[str, DefaultSetting]) -> Dict[DefaultSetting, str]:
    """Default settings that are there, of those that were asked for by id: records DS."""
    return {wanted[record.fields[0]]: record.fields[1] for record in records if record.tag == "DS"}


def depth_of(item: str, records: Sequence[Record], production: Optional[Production]) -> str:
    """What waits in the queue before an item: records QU, name and count.

    A queue that is not listed is empty if the production has the item. Raises HostStateUnknown if it does not,
    or if the count is no number.
    """
    for record in records:
        if record.tag == "QU" and record.fields[0] == item:
            if not record.fields[1].isdigit():
                raise HostStateUnknown("the count of queue %r is %r" % (item, record.fields[1]),
                                       "Ens.Queue:Enumerate", "see the queues in the management portal")
            return record.fields[1]
    if production is None or not any(one.name == item for one in production.items):
        name = production.name if production else "that was started"
        raise HostStateUnknown("there is no queue %r, and no such item in the production %s" % (item, name),
                               "relmgmt_interfaces", "name the item as the production has it")
    return "0"
