# SPDX-License-Identifier: GPL-3.0-or-later
"""Which value of a production's setting is in effect, and what hides a default setting (FACTS 4.1)."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._core.interoperability import (
    ANY,
    DefaultSetting,
    Director,
    Item,
    ItemSetting,
    Production,
    Setting,
    candidates,
    default_setting,
    depth_of,
    hard_coded,
    hidden,
    in_effect,
    item_setting,
    overridden_by_class,
    own_value,
    production_of,
    read_defaults,
    read_director,
    read_productions,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import Record
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, InvalidInput

PORT = Setting("Adapter", "Port", "5100")
OUT = Item("To CATS", "App.Out", True, ())
OWN = OUT._replace(settings=(PORT,))
PLACE = ItemSetting("App.P", "To CATS", "Adapter", "Port")
ROW = DefaultSetting("App.P", "To CATS", ANY, "Port")


def production(*items: Item) -> Production:
    return Production("App.P", items)


# -- names ---------------------------------------------------------------------------------------


def test_places_are_taken_from_options() -> None:
    assert item_setting(PLACE._asdict(), "here") == PLACE
    assert default_setting({"item": "To CATS", "setting": "Port", "production": None}, "here") == DefaultSetting(
        ANY, "To CATS", ANY, "Port")
    assert ROW.id == "App.P||To CATS||*||Port"


@pytest.mark.parametrize("change", [
    {"production": ""}, {"production": "App P"}, {"production": "*"}, {"item": ""}, {"item": " To"}, {"item": "a||b"},
    {"item": "a\nb"}, {"item": "x" * 129}, {"target": "adapter"}, {"setting": "*"}, {"setting": 'P"'}, {"setting": ""},
])
def test_what_cannot_be_a_name_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        item_setting({**PLACE._asdict(), **change}, "relmgmt_interfaces: CATS")
    assert caught.value.place == "relmgmt_interfaces: CATS"
    assert caught.value.cure


@pytest.mark.parametrize("change", [
    {"production": "a||b"}, {"host_class": "App.Out||"}, {"item": "a|"}, {"setting": "*"}, {"setting": None},
])
def test_what_would_be_the_key_of_another_row_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        default_setting({**ROW._asdict(), **change}, "here")


# -- precedence ----------------------------------------------------------------------------------


def test_the_item_goes_before_defaults_even_if_it_is_empty() -> None:
    empty = OUT._replace(settings=(PORT._replace(value=""),))
    for item, value in ((OWN, "5100"), (empty, "")):
        effect = in_effect(production(item), PLACE, {ROW: "5101"})
        assert (effect.value, effect.source) == (value, "the production")


def test_the_most_specific_default_counts() -> None:
    held: dict[DefaultSetting, str] = {}
    for number, row in enumerate(reversed(candidates("App.P", OUT, "Port"))):
        held[row] = str(number)
        effect = in_effect(production(OUT), PLACE, held)
        assert effect.value == str(number), row
    assert len(held) == 8
    assert next(iter(held)) == DefaultSetting(ANY, ANY, ANY, "Port")
    assert in_effect(production(OUT), PLACE, {}) == (None, "the class", ())


def test_a_default_of_something_else_does_not_count() -> None:
    held = dict.fromkeys([
        ROW._replace(production="App.Q"), ROW._replace(item="Other"), ROW._replace(host_class="App.In"),
        ROW._replace(setting="IPAddress")], "9")
    assert in_effect(production(OUT), PLACE, held).value is None


def test_the_setting_of_the_other_target_is_not_its_own() -> None:
    host = OUT._replace(settings=(PORT._replace(target="Host"),))
    assert own_value(production(host), PLACE) is None


@pytest.mark.parametrize("items", [(), (OUT, OUT), (OWN._replace(settings=(PORT, PORT)),)])
def test_what_is_not_there_once_is_refused(items: tuple[Item, ...]) -> None:
    with pytest.raises(InvalidInput):
        own_value(production(*items), PLACE)


NAMES = st.sampled_from(["App.P", ANY]), st.sampled_from(["To CATS", "Other", ANY]), st.sampled_from(["App.Out", ANY])
ROWS = st.builds(DefaultSetting, *NAMES, st.just("Port"))
ITEMS = st.builds(Item, st.just("To CATS"), st.just("App.Out"), st.booleans(),
                  st.sampled_from([(), (PORT,), (Setting("Host", "Port", ""),), (Setting("Host", "Charset", "x"),)]))
OTHERS = st.builds(Item, st.just("Other"), st.sampled_from(["App.Out", "App.In"]), st.just(True),
                   st.sampled_from([(), (PORT,)]))


def _uses(item: Item, held: dict[DefaultSetting, str], order: tuple[int, ...]) -> str | None:
    """What an item uses, computed with the parts of a row weighed in this order."""
    own = [one.value for one in item.settings if one.name == "Port"]
    rows = [row for row in held if row.applies_to("App.P", item)]
    rows.sort(key=lambda row: [row[at] == ANY for at in order])
    return own[0] if own else held[rows[0]] if rows else None


@given(ROWS, ITEMS, OTHERS, st.dictionaries(ROWS, st.sampled_from(["1", "2"])))
def test_a_default_is_hidden_exactly_if_some_item_may_not_use_it(
    place: DefaultSetting, item: Item, other: Item, held: dict[DefaultSetting, str]
) -> None:
    concerned = [one for one in (item, other) if place.applies_to("App.P", one)]
    after = {**held, place: "new"}
    uses = {_uses(one, after, order) for one in concerned for order in permutations(range(3))}
    assert (hidden(place, production(item, other), held) == []) == (uses == {"new"})


@given(ITEMS, st.dictionaries(ROWS, st.sampled_from(["1", "2"])))
def test_a_value_without_rivals_is_in_effect_however_rows_are_weighed(
    item: Item, held: dict[DefaultSetting, str]
) -> None:
    item = item._replace(settings=())
    effect = in_effect(production(item), PLACE, held)
    uses = {_uses(item, held, order) for order in permutations(range(3))}
    assert effect.value in uses
    if not effect.rivals:
        assert uses == {effect.value}


# -- the class -----------------------------------------------------------------------------------


def class_lines(port: str = '<Setting Target="Adapter" Name="Port"> 5100\n</Setting>') -> list[str]:
    return (
        '<Class name="App.P">\n<Super>Ens.Production</Super>\n<XData name="Other"><Data>ProductionDefinition</Data>'
        '</XData>\n<XData name="ProductionDefinition">\n<Data><![CDATA[\n<Production Name="App.P">\n<ActorPoolSize>2'
        f'</ActorPoolSize>\n<Item Name="To CATS" ClassName="App.Out" Enabled="false">{port}</Item>\n'
        '<Item ClassName="App.In"/>\n</Production>\n]]></Data>\n</XData>\n</Class>'
    ).split("\n")


def test_a_class_is_read() -> None:
    found = production_of(class_lines())
    assert found == Production("App.P", (OWN._replace(enabled=False), Item("App.In", "App.In", True, ())))
    assert production_of(["<Class name=\"App.Q\">", "</Class>"]) is None


@pytest.mark.parametrize("lines", [
    ["<Class><XData name='ProductionDefinition'>"],
    ["<!DOCTYPE x [<!ENTITY a 'b'>]><Class><XData name='ProductionDefinition'/></Class>"],
    ["<Class><XData name='ProductionDefinition'><Data>&lt;Production></Data></XData></Class>"],
])
def test_a_class_that_is_no_sound_xml_is_refused(lines: list[str]) -> None:
    with pytest.raises(InvalidInput):
        production_of(lines)


def setting(kind: str, place: tuple[str, ...], fields: tuple[str, ...]) -> SettingPlace:
    return SettingPlace("CATS", "db", kind, dict(zip(fields, place, strict=True)), "5100", "5101")


def test_what_a_release_hard_codes_is_told() -> None:
    default = setting("default_setting", ROW, ROW._fields)
    own = setting("production_setting", PLACE, PLACE._fields)
    node = SettingPlace("CATS", "db", "global_node", {"global": "^X", "subscripts": []}, "1", "2")
    (said,) = overridden_by_class([default, own, node], class_lines())
    assert said.startswith(default.key)
    assert "its own Adapter Port: '5100'" in said
    (said,) = overridden_by_class([default, own], class_lines(""))
    assert said.startswith(own.key)
    assert "to None" in said
    (said,) = overridden_by_class([own._replace(production="5200")], class_lines())
    assert "to '5100'" in said
    assert overridden_by_class([own, default], ["<Class name=\"App.Q\">", "</Class>"]) == []
    elsewhere = setting("production_setting", PLACE._replace(production="App.Q"), PLACE._fields)
    assert overridden_by_class([elsewhere], class_lines()) == []


def test_hard_coded_names_items_that_the_default_is_for() -> None:
    assert hard_coded(ROW, production(OWN, OWN._replace(name="Other"))) == [
        "item 'To CATS' of production App.P has its own Adapter Port: '5100'"]


# -- answers -------------------------------------------------------------------------------------


def test_productions_are_read_from_records() -> None:
    records = [
        Record("PR", ("App.P", "1")), Record("IT", ("App.P", "1", "To CATS", "App.Out", "1")),
        Record("SE", ("App.P", "1", "Adapter", "Port", "5100")), Record("IT", ("App.P", "2", "In", "App.In", "0")),
        Record("PR", ("App.Q", "0")), Record("PR", ("App.P", "1")),
    ]
    assert read_productions(records) == {
        "App.P": production(OWN, Item("In", "App.In", False, ())), "App.Q": None}


def test_the_state_is_read_from_records() -> None:
    assert read_director([Record("PS", ("App.P", "1")), Record("NU", ("1", ""))]) == Director(
        "App.P", "1", "no reason is given")
    stopped = read_director([Record("PS", ("", "2"))])
    assert (stopped.running, stopped.outdated) == (False, "")
    assert Director("App.P", "9", "").shown == "in a state that nobody knows (state 9)"
    for records in ([], [Record("PS", ("App.P", ""))]):
        with pytest.raises(HostStateUnknown):
            read_director(records)


def test_rows_are_read_from_records() -> None:
    assert read_defaults([Record("DS", (ROW.id, "1")), Record("XX", ())], {ROW.id: ROW}) == {ROW: "1"}


@pytest.mark.parametrize(("count", "depth"), [("0", "0"), ("12", "12"), ("", None), ("-1", None)])
def test_the_depth_of_a_queue(count: str, depth: str | None) -> None:
    records = [Record("QU", ("Other", "x")), Record("QU", ("To CATS", count))]
    if depth is not None:
        assert depth_of("To CATS", records, None) == depth
        return
    with pytest.raises(HostStateUnknown):
        depth_of("To CATS", records, None)


def test_a_queue_that_is_not_listed_is_empty_only_if_the_item_is_there() -> None:
    assert depth_of("To CATS", [], production(OUT)) == "0"
    for other in (None, production(OUT._replace(name="Other"))):
        with pytest.raises(HostStateUnknown):
            depth_of("To CATS", [], other)
