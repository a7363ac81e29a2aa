# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of productions and default settings written in one session, in orders that stop at the first failure.

Each order is code in rmA(n) with its data beside it. It sets rmB where it failed; orders after it are not
carried out. Everything is opened before anything is changed, and saved before the production is updated.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core import interoperability as core
from ansible_collections.relmgmt.release.plugins.module_utils._core.interoperability import (
    DefaultSetting,
    ItemSetting,
    Place,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import saying
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import LONG, IrisTerminal, Said
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, HostStateUnknown, Refused

#: seconds that the instance may take to start items anew with new values
UPDATE_TIMEOUT = 120
DEFAULTS = "##class(Ens.Config.DefaultSettings)"
CARRY_OUT = "for rmL=1:1:rmN1 xecute rmA(rmL) quit:rmB"
FAILED = " xecute rmD set:'rmQ rmB=1"
STATE = (
    "set rmQ=##class(Ens.Director).GetProductionStatus(.rmO,.rmK)" + FAILED
    + " " + saying("PS", "$get(rmO)", "$get(rmK)") + " set rmH=rmK"
)
OPEN = "set rmH(rmL)=##class(Ens.Config.Production).%OpenId(rmA(rmL,1)) set:'$isobject(rmH(rmL)) rmB=1"
#: of production {0}: rmU becomes the item, rmO how many there are
FIND = (
    "set rmO=0 for rmZ=1:1:rmH({0}).Items.Count() set:rmH({0}).Items.GetAt(rmZ).Name=rmA(rmL,1) "
    "rmU(rmL)=rmH({0}).Items.GetAt(rmZ),rmO=rmO+1"
)
FOUND = "set:rmO'=1 rmB=1"
#: of item {0}: rmO becomes the position of the setting, 0 if it is not there
LOCATE = (
    "set rmO=0 for rmZ=1:1:rmU({0}).Settings.Count() set rmK=rmU({0}).Settings.GetAt(rmZ) "
    "set:rmK.Target=rmA(rmL,1)&(rmK.Name=rmA(rmL,2)) rmO=rmZ"
)
#: an element that is altered where it lies may go unnoticed: it is put in again
SET = (
    "set rmK=$select(rmO:rmU({0}).Settings.GetAt(rmO),1:##class(Ens.Config.Setting).%New()) "
    "set rmK.Target=rmA(rmL,1),rmK.Name=rmA(rmL,2),rmK.Value=rmA(rmL,3) "
    "set rmQ=$select(rmO:rmU({0}).Settings.SetAt(rmK,rmO),1:rmU({0}).Settings.Insert(rmK))" + FAILED
)
REMOVE = "set:rmO rmK=rmU({0}).Settings.RemoveAt(rmO)"
SET_DEFAULT = (
    f"set rmO={DEFAULTS}.%ExistsId(rmA(rmL,0)) set rmK=$select(rmO:{DEFAULTS}.%OpenId(rmA(rmL,0)),1:{DEFAULTS}.%New()) "
    "set rmK.ProductionName=rmA(rmL,1),rmK.ItemName=rmA(rmL,2),rmK.HostClassName=rmA(rmL,3) "
    "set rmK.SettingName=rmA(rmL,4),rmK.SettingValue=rmA(rmL,5) set rmQ=rmK.%Save()" + FAILED
)
REMOVE_DEFAULT = f"set rmQ=1 set:{DEFAULTS}.%ExistsId(rmA(rmL,0)) rmQ={DEFAULTS}.%DeleteId(rmA(rmL,0))" + FAILED
UPDATE = f"set rmQ=1 set:rmH=1 rmQ=##class(Ens.Director).UpdateProduction({UPDATE_TIMEOUT},0)" + FAILED


class Order(NamedTuple):
    """One step. ``what``: for people; ``saves``: what stands changed once it is carried out; ``data``: by number."""

    what: str
    code: str
    data: Mapping[int, str] = {}
    saves: str = ""


def carry_out(terminal: IrisTerminal, changes: Mapping[Place, Optional[str]]) -> Tuple[int, ...]:
    """Make the changes, None removes; returns the process that wrote.

    Raises Refused for a production in whose state nothing can be changed, EngineError naming what failed and
    what stands changed already.
    """
    orders = orders_for(changes)
    script = terminal.script().do("kill rmA,rmH,rmU", f"set rmB=0,rmN1={len(orders)}")
    for number, order in enumerate(orders, 1):
        script.text(f"rmA({number})", order.code)
        for at, text in order.data.items():
            script.text(f"rmA({number},{at})", text)
    said = terminal.talk(script.run(CARRY_OUT).say("WR", "rmB", "rmL"), deadline=LONG)
    failed, last = said.first("WR")
    if failed != "0":
        raise _failed(terminal, said, orders, int(last))
    return (said.pid,) if said.pid else ()


def orders_for(changes: Mapping[Place, Optional[str]]) -> List[Order]:
    """The orders: state, open, set, save, back to the class, default settings, update."""
    items: Dict[str, Dict[str, List[ItemSetting]]] = {}
    for place in changes:
        if isinstance(place, ItemSetting):
            items.setdefault(place.production, {}).setdefault(place.item, []).append(place)
    orders = [Order("the state of the production", STATE), Order("the state of the production", _refused_state())]
    opened = {name: _open(orders, name, list(held)) for name, held in items.items()}
    for name, held in items.items():
        _change(orders, name, held, opened[name], changes)
    orders += [_default(place, value) for place, value in changes.items() if isinstance(place, DefaultSetting)]
    return [*orders, Order("updating the production", UPDATE)]


def _refused_state() -> str:
    return "set:" + "&".join(f"(rmH'={state})" for state in core.CHANGEABLE) + " rmB=1"


def _open(orders: List[Order], name: str, items: List[str]) -> Dict[str, int]:
    """Opens a production and finds items; the order's number by item, the production's by ""."""
    orders.append(Order(f"opening production {name}", OPEN, {1: name}))
    found = {"": len(orders)}
    for item in items:
        what = f"item {item!r} of production {name}"
        orders.append(Order(what, FIND.format(found[""]), {1: item}))
        found[item] = len(orders)
        orders.append(Order(what, FOUND))
    return found


def _change(
    orders: List[Order], name: str, items: Mapping[str, List[ItemSetting]], opened: Mapping[str, int],
    changes: Mapping[Place, Optional[str]],
) -> None:
    for item, places in items.items():
        at = opened[item]
        for place in places:
            orders += _setting(place, changes[place], at)
        what = f"item {item!r} of production {name}"
        orders.append(Order(f"saving {what}", f"set rmQ=rmU({at}).%Save()" + FAILED, saves=f"{what} in the tables"))
    for method, saves in (("%Save", ""), ("SaveToClass", f"the class of production {name}")):
        orders.append(Order(f"{method} of production {name}", f"set rmQ=rmH({opened['']}).{method}()" + FAILED,
                            saves=saves))


def _setting(place: ItemSetting, value: Optional[str], at: int) -> List[Order]:
    what = f"{place.setting} of item {place.item!r}"
    data = {1: place.target, 2: place.setting}
    found = Order(what, LOCATE.format(at), data)
    if value is None:
        return [found, Order(what, REMOVE.format(at))]
    return [found, Order(what, SET.format(at), {**data, 3: value})]


def _default(place: DefaultSetting, value: Optional[str]) -> Order:
    what = f"default setting {place.id}"
    if value is None:
        return Order(f"deleting {what}", REMOVE_DEFAULT, {0: place.id}, what)
    return Order(f"saving {what}", SET_DEFAULT, {0: place.id, **dict(enumerate(place, 1)), 5: value}, what)


def _failed(terminal: IrisTerminal, said: Said, orders: List[Order], number: int) -> Exception:
    done = [order.saves for order in orders[:number - 1] if order.saves]
    name, state = said.first("PS")
    if number == 2:
        return refused_state(terminal, core.Director(name, state, ""))
    order = orders[number - 1]
    told = terminal.tail("; ".join(said.texts)) or "it is not there, or not once"
    if order.code == UPDATE:
        return HostStateUnknown(
            f"production {name} was not updated: {told}. Everything is saved, and items may run with old values",
            place=terminal.place, pid=said.pid,
            cure=f"see in the management portal which job does not end within {UPDATE_TIMEOUT} s, end it, run again; "
            "an update is never forced here",
        )
    return EngineError(
        f"{order.what} failed: {told}. Changed before that: {', '.join(done) or 'nothing'}", place=terminal.place,
        cure="see whether the production's class can be written (source control, rights), then run again", pid=said.pid,
    )


def refused_state(terminal: IrisTerminal, director: core.Director) -> Refused:
    """For a production in whose state a changed configuration would not be taken over."""
    return Refused(
        f"production {director.production} is {director.shown}; nothing was changed", place=terminal.place,
        cure="bring it to run or to stop in the management portal (recover it if it is troubled), then run again",
    )


def require_success(terminal: IrisTerminal, said: Said, what: str) -> None:
    """Raise EngineError for a status that is no success."""
    if said.failed:
        raise EngineError(
            f"{what} failed: {terminal.tail('; '.join(said.texts))}", place=terminal.place,
            cure="see whether the session's user may use the production (resources %Ens_*)", pid=said.pid,
        )
