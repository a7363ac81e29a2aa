# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings in productions of Ensemble and IRIS, System Default Settings, and what waits in queues.

All goes through a terminal session. A write is one session: it refuses a production that is suspended or
troubled, opens everything, sets, saves, writes productions back to their classes (what is in the tables
alone is gone with the next compilation), and updates the production if it runs. It stops at the first
status that is no success. No transaction is around it, for a class is written within; to write again, the
same or what was there before, is always right.

UpdateProduction is never forced, nothing is ever cleaned, and no item is stopped by itself.

Unconfirmed on a real system, FACTS 4.1 and 4.2 [M]: the states but 1; what GetItemSettingValue says of a
value that is not the item's own (it is believed only where it contradicts); that ProductionNeedsUpdate
gives a reason; the columns Name and Count of Ens.Queue:Enumerate (others end in an error).
"""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core import interoperability as core
from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import Queue, SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._core.interoperability import (
    ANY,
    DefaultSetting,
    Director,
    ItemSetting,
    Place,
    Production,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import saying
from ansible_collections.relmgmt.release.plugins.module_utils._engines import iris_items, iris_view
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_options import IrisOptions
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import LONG, IrisTerminal
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.interoperability_write import (
    carry_out,
    refused_state,
    require_success,
)
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context, Places, Written

DIRECTOR, DEFAULTS = "Ens.Director", "Ens.Config.DefaultSettings"
#: rmA is the production's name, rmO the production, rmB an item, rmU a setting
SETTING = "set rmU=rmB.Settings.GetAt(rmZ) " + saying("SE", "rmA", "rmL", "rmU.Target", "rmU.Name", "rmU.Value")
ITEM = (
    "set rmB=rmO.Items.GetAt(rmL) " + saying("IT", "rmA", "rmL", "rmB.Name", "rmB.ClassName", "rmB.Enabled")
    + " for rmZ=1:1:rmB.Settings.Count() xecute rmF"
)
ITEMS = "for rmL=1:1:rmO.Items.Count() xecute rmH"
ROW = f"set rmB=##class({DEFAULTS}).%OpenId(rmK) " + saying("DS", "rmK", "rmB.SettingValue")
QUEUES = "for  quit:'rmO.Next()  " + saying("QU", 'rmO.Get("Name")', 'rmO.Get("Count")')

PRODUCTION = "##class(Ens.Config.Production)"
NO_CLASS = "<CLASS DOES NOT EXIST>"

Productions = Mapping[str, Optional[Production]]


class Seen(NamedTuple):
    """What an instance has: its production, those that places name, default settings that could count.

    ``says``: by place what Ens.Director says that the item uses, "" if it says nothing.
    """

    director: Director
    productions: Productions
    defaults: Mapping[DefaultSetting, str]
    says: Mapping[ItemSetting, str]


class InteroperabilityPlaces(Places):
    """Settings of kinds production_setting and default_setting in one instance."""

    def __init__(self, settings: Sequence[SettingPlace], context: Context) -> None:
        super().__init__(settings, context)
        self._terminal = terminal_of(context)
        self._places: Dict[str, Place] = {one.key: place_of(one) for one in settings}
        self._known: Optional[Dict[str, Optional[str]]] = None

    def read(self) -> Dict[str, Optional[str]]:
        """The settings' own values. Raises InvalidInput for a default setting that something hides."""
        self._known = self._values(self._seen())
        return dict(self._known)

    def check(self, values: Mapping[str, Optional[str]]) -> None:
        """Refuse a production that is suspended or troubled, and settings that would change nothing."""
        seen = self._seen()
        self._values(seen)
        if seen.director.state not in core.CHANGEABLE:
            raise refused_state(self._terminal, seen.director)

    def write(self, values: Mapping[str, Optional[str]]) -> Written:
        """Make the settings so, in tables, class and running items.

        Raises Refused for a production in trouble, EngineError for a setting that is not what `read` said.
        """
        iris_view.require_changeable(self._terminal)
        seen = self._seen()
        standing = self._values(seen)
        self._require_known(values, standing)
        unsaved = self._unsaved(seen)
        changes = {
            self._places[key]: value for key, value in values.items() if value != standing[key] or key in unsaved
        }
        if not changes and not (seen.director.running and seen.director.outdated):
            return Written(())
        self._known = None
        pids = carry_out(self._terminal, changes)
        self._known = {**standing, **values}
        return Written(pids)

    def _require_known(self, values: Mapping[str, Optional[str]], standing: Mapping[str, Optional[str]]) -> None:
        known = standing if self._known is None else self._known
        for key in values:
            # What is there already was not overwritten by anybody.
            if standing[key] not in (known[key], values[key]):
                raise EngineError(
                    f"{key} was {known[key]!r} and is {standing[key]!r}: it changed between looking and writing; "
                    "nothing was written", place=self._terminal.place,
                    cure="keep others out of the production's configuration, and run again",
                )

    def pending(self) -> str:
        """Why items do not use what stands, or would not after the next compilation."""
        seen = self._seen()
        reasons = [self._hidden(place, seen) for place in self._defaults()]
        if seen.director.state not in core.CHANGEABLE:
            reasons.append("production %s is %s" % (seen.director.production, seen.director.shown))
        elif seen.director.running and seen.director.outdated:
            reasons.append("production %s runs with old values until it is updated: %s" % (
                seen.director.production, seen.director.outdated))
        reasons += self._elsewhere(seen.director)
        reasons += self._unsaved(seen).values()
        reasons += self._contradicted(seen)
        return "; ".join(reason for reason in reasons if reason)

    # -- looking -----------------------------------------------------------------------

    def _seen(self) -> Seen:
        """Two sessions: productions; then the default settings that their items could have."""
        named = {place.production for place in self._places.values() if place.production != ANY}
        director, productions = look(self._terminal, named)
        wanted: Dict[str, DefaultSetting] = {}
        asked: Dict[ItemSetting, None] = {}
        for place in self._places.values():
            production = _production_for(place, director, productions)
            wanted.update({one.id: one for one in _candidates(place, production)})
            asked.update(dict.fromkeys(_users(place, production)))
        held, says = look_closer(self._terminal, wanted, list(asked), not self._defaults())
        return Seen(director, productions, held, says)

    def _values(self, seen: Seen) -> Dict[str, Optional[str]]:
        for place in self._defaults():
            reason = self._hidden(place, seen)
            if reason:
                raise InvalidInput(
                    f"default setting {place.id} changes nothing: {reason}", place=self._terminal.place,
                    cure="take that value out of the production and its class, or list the place that counts in "
                    "relmgmt_interfaces (production_setting)",
                )
        return {
            key: core.own_value(_there(seen.productions, place.production), place) if isinstance(place, ItemSetting)
            else seen.defaults.get(place)
            for key, place in self._places.items()
        }

    def _hidden(self, place: DefaultSetting, seen: Seen) -> str:
        """Why setting a default changes nothing for the production that it is for, or for the one of now."""
        name = seen.director.production if place.production == ANY else place.production
        return "; ".join(core.hidden(place, _there(seen.productions, name), seen.defaults)) if name else ""

    def _unsaved(self, seen: Seen) -> Dict[str, str]:
        """By key: settings that are not so in the class of their production."""
        mine = {key: place for key, place in self._places.items() if isinstance(place, ItemSetting)}
        classes = defined(self._terminal, {place.production for place in mine.values()})
        found: Dict[str, str] = {}
        for key, place in mine.items():
            stands = core.own_value(_there(seen.productions, place.production), place)
            written = core.own_value(_there(classes, place.production), place)
            if stands != written:
                found[key] = (
                    f"{place.setting} of item {place.item!r} is {stands!r}, and {written!r} in the class of production "
                    f"{place.production}: compiling that puts it back"
                )
        return found

    def _elsewhere(self, director: Director) -> List[str]:
        """One production runs in a namespace; what another one has is used by nobody."""
        others = {place.production for place in self._places.values()} - {ANY, director.production}
        return [f"production {director.production} runs, and not {name}" for name in sorted(others) if director.running]

    def _contradicted(self, seen: Seen) -> List[str]:
        """Where Ens.Director says that an item uses something else than what should be in effect."""
        found = []
        for place, said in seen.says.items():
            effect = core.in_effect(_there(seen.productions, place.production), place, seen.defaults)
            if said and effect.value is not None and said != effect.value:
                found.append("%s of item %s is %r (%s), and the instance says that it uses %r" % (
                    place.setting, place.item, effect.value, effect.source, said))
        return found

    def _defaults(self) -> List[DefaultSetting]:
        return [place for place in self._places.values() if isinstance(place, DefaultSetting)]


# -- from the inventory --------------------------------------------------------------------------


def terminal_of(context: Context) -> IrisTerminal:
    """The terminal of the host's instance. Raises InvalidInput if there is none of Caché or IRIS."""
    if context.instance is None or context.instance.get("engine") != "iris":
        raise InvalidInput(
            "settings of interoperability productions need an instance of Caché or IRIS on this host",
            place="relmgmt_interfaces", cure="give relmgmt_instance with engine iris, or correct where the setting is",
        )
    return IrisTerminal(IrisOptions.of(context.instance))


def place_of(setting: SettingPlace) -> Place:
    """The place of a setting. Raises InvalidInput for names that cannot be."""
    if setting.kind == core.PRODUCTION_SETTING:
        return core.item_setting(setting.options, setting.key)
    return core.default_setting(setting.options, setting.key)


def queue_depths(queues: Sequence[Queue], context: Context) -> Dict[str, str]:
    """By interface what waits before an item of the production (kind interoperability_queue), as text."""
    if not queues:
        return {}
    terminal = terminal_of(context)
    director, productions = look(terminal, set())
    script = terminal.script().do('set rmO=##class(%ResultSet).%New("Ens.Queue:Enumerate")')
    said = terminal.talk(script.status("rmO.Execute()").run(QUEUES))
    require_success(terminal, said, "listing the queues")
    production = productions.get(director.production)
    return {one.interface: core.depth_of(str(one.options["item"]), said.records, production) for one in queues}


# -- looking -------------------------------------------------------------------------------------


def look(terminal: IrisTerminal, named: Set[str]) -> Tuple[Director, Dict[str, Optional[Production]]]:
    """What runs in the namespace; that production and the named ones, as the tables have them."""
    terminal.require_ready()
    script = terminal.script().text("rmF", SETTING).text("rmH", ITEM).text("rmR", ITEMS)
    script.do('set rmA="",rmK=""').status(f"##class({DIRECTOR}).GetProductionStatus(.rmA,.rmK)").say("PS", "rmA", "rmK")
    script.do("set rmU=0", f"set:rmK=1 rmU=##class({DIRECTOR}).ProductionNeedsUpdate(.rmB)")
    script.say("NU", "rmU", "$get(rmB)").do('set rmO=""', f"set:rmA'=\"\" rmO={PRODUCTION}.%OpenId(rmA)")
    script.say("PR", "rmA", "$isobject(rmO)").do("xecute:$isobject(rmO) rmR")
    for name in sorted(named):
        script.text("rmA", name).do(f"set rmO={PRODUCTION}.%OpenId(rmA)").say("PR", "rmA", "$isobject(rmO)")
        script.do("xecute:$isobject(rmO) rmR")
    try:
        said = terminal.talk(script, deadline=LONG)
    except EngineError as error:
        if NO_CLASS not in error.message:
            raise
        raise InvalidInput(
            f"namespace {terminal.options.namespace} has no interoperability classes: {error.message}",
            place=terminal.place, cure="correct iris.namespace, or the kind of the place in relmgmt_interfaces",
        ) from error
    require_success(terminal, said, "reading the state of the production")
    return core.read_director(said.records), core.read_productions(said.records)


def look_closer(
    terminal: IrisTerminal, wanted: Mapping[str, DefaultSetting], asked: Sequence[ItemSetting], optional: bool
) -> Tuple[Dict[DefaultSetting, str], Dict[ItemSetting, str]]:
    """Default settings that are there, and what the instance says that items use.

    ``optional``: an instance so old that it has no default settings will do.
    """
    script = terminal.script().text("rmF", ROW).do("set rmU=1").do('set rmO=""')
    if optional:
        script.do(f'set rmU=##class(%Dictionary.CompiledClass).%ExistsId("{DEFAULTS}")')
    for key in sorted(wanted):
        script.text("rmK", key).do("set rmO=0", f"set:rmU rmO=##class({DEFAULTS}).%ExistsId(rmK)", "xecute:rmO rmF")
    for number, place in enumerate(asked):
        script.text("rmA", f"{place.production}||{place.item}").text("rmH", place.target).text("rmO", place.setting)
        script.attempt(f"set rmB=##class({DIRECTOR}).GetItemSettingValue(rmA,rmH,rmO,.rmQ)", 'set rmB=""')
        script.say("EF", str(number), "rmB")
    said = terminal.talk(script, deadline=LONG)
    says = {asked[int(number)]: value for number, value in said.fields("EF")}
    return core.read_defaults(said.records, wanted), says


def defined(terminal: IrisTerminal, names: Set[str]) -> Dict[str, Optional[Production]]:
    """What the classes of productions hard-code, by name."""
    live = iris_items.read(terminal, [f"{name}.CLS" for name in sorted(names)])
    return {name.rpartition(".")[0]: core.production_of(one.item.lines) for name, one in live.items()}


def _there(seen: Productions, name: str) -> Production:
    found = seen.get(name)
    if found is None:
        raise InvalidInput(
            f"there is no production {name}", place="relmgmt_interfaces",
            cure="name the class of a production that is compiled in iris.namespace",
        )
    return found


def _production_for(place: Place, director: Director, productions: Productions) -> Optional[Production]:
    """The production whose items a place is for; None for any, if none was ever started."""
    name = director.production if place.production == ANY else place.production
    return _there(productions, name) if name else None


def _users(place: Place, production: Optional[Production]) -> List[ItemSetting]:
    """The items that a place is for; a default setting does not say for which target."""
    if isinstance(place, ItemSetting):
        return [place]
    if production is None:
        return []
    concerned = [item for item in production.items if place.applies_to(production.name, item)]
    return [ItemSetting(production.name, item.name, each, place.setting)
            for item in concerned for each in core.TARGETS]


def _candidates(place: Place, production: Optional[Production]) -> List[DefaultSetting]:
    """The default settings that could count for the items of a place."""
    found = [place] if isinstance(place, DefaultSetting) else []
    if production is None:
        return found
    for item in production.items:
        if place.applies_to(production.name, item):
            found += core.candidates(production.name, item, place.setting)
    return found
