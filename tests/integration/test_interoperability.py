# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports in productions and System Default Settings, on emulated instances (FACTS 4.1, 4.2)."""

from __future__ import annotations

from typing import Any

import pytest
from interoperability import (
    DEFAULT,
    HOST,
    IN,
    OUT,
    PLACE,
    PORT,
    PRODUCTION,
    ROW,
    add_default,
    class_of,
    compile_again,
    places,
    run,
    setting,
    start,
)
from iris_instance import IrisSandbox, Make, products

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import Queue
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    EngineError,
    HostStateUnknown,
    InvalidInput,
    Refused,
    RelmgmtError,
)
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.interoperability import (
    place_of,
    queue_depths,
)
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.interoperability_write import carry_out
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context

OWN, BY_DEFAULT = "Adapter Port", "Port"


@pytest.fixture(scope="module", params=[each for each in products("iris2025") if each != "real"])
def shared(make_shared_iris: Make, request: pytest.FixtureRequest) -> IrisSandbox:
    return make_shared_iris(request.param)


@pytest.fixture
def iris(shared: IrisSandbox) -> IrisSandbox:
    """A production that is compiled and was never started."""
    shared.settle()
    shared.clear()
    shared.engine.load_items([class_of()], [])
    return shared


@pytest.fixture
def bare(iris: IrisSandbox) -> IrisSandbox:
    """The production says no port; a default setting does."""
    iris.engine.load_items([class_of(port=None)], [])
    add_default(iris, "||".join(ROW.values()), "5100")
    return iris


def class_lines(iris: IrisSandbox) -> str:
    return "\n".join(iris.engine.read_items([f"{PRODUCTION}.CLS"])[f"{PRODUCTION}.CLS"].lines)


def test_what_an_item_has_of_its_own_is_read(iris: IrisSandbox) -> None:
    ours = places(iris, PORT, HOST, setting("production_setting", {**PLACE, "setting": "SSLConfig"}))
    assert list(ours.read().values()) == ["5100", "cats.example.org", None]
    assert ours.pending() == ""


@pytest.mark.parametrize("running", [True, False])
def test_a_write_is_in_tables_class_and_running_items(iris: IrisSandbox, running: bool) -> None:
    if running:
        start(iris)
    ours = places(iris, PORT, HOST)
    written = ours.write({PORT.key: "5101", HOST.key: "cats-test.example.org"})
    assert written.pids
    assert ours.read() == {PORT.key: "5101", HOST.key: "cats-test.example.org"}
    assert ours.pending() == ""
    assert iris.emulator.runs_with(OUT).get(OWN) == ("5101" if running else None)
    compile_again(iris)
    assert ours.read()[PORT.key] == "5101", "the next compilation does not put production's port back"
    assert ours.pending() == ""


def test_a_write_changes_nothing_else_and_is_undone_to_the_letter(iris: IrisSandbox) -> None:
    ours = places(iris, PORT, HOST)
    ours.write({PORT.key: "5100"})
    before = class_lines(iris)
    ours.write({PORT.key: "5101"})
    assert class_lines(iris) != before
    assert class_lines(iris).count("<Setting ") == 4
    ours.write({PORT.key: "5100"})
    assert places(iris, PORT).read()[PORT.key] == "5100"
    assert _untimed(class_lines(iris)) == _untimed(before)


def _untimed(lines: str) -> list[str]:
    return [line for line in lines.split("\n") if "<TimeChanged>" not in line]


def test_a_setting_that_was_not_there_is_made_and_removed(iris: IrisSandbox) -> None:
    new = setting("production_setting", {**PLACE, "setting": "LocalInterface"}, "a", "b")
    ours = places(iris, new)
    ours.write({new.key: "b"})
    assert ours.read() == {new.key: "b"}
    ours.write({new.key: None})
    assert ours.read() == {new.key: None}
    compile_again(iris)
    assert ours.read() == {new.key: None}
    assert "LocalInterface" not in class_lines(iris)


def test_writing_what_stands_touches_nothing(iris: IrisSandbox) -> None:
    ours = places(iris, PORT)
    before = class_lines(iris)
    assert ours.write({PORT.key: "5100"}).pids == ()
    assert class_lines(iris) == before


def test_what_is_in_the_tables_alone_is_told_and_cured(iris: IrisSandbox) -> None:
    """Somebody, or a crash between two saves, left the class as it was."""
    run(iris, f'set p=##class(Ens.Config.Production).%OpenId("{PRODUCTION}"),i=p.Items.GetAt(1),s=i.Settings.GetAt(2)',
        'set s.Value=5101 do i.Settings.SetAt(s,2) write +i.%Save()')
    ours = places(iris, PORT)
    assert ours.read() == {PORT.key: "5101"}
    assert "'5100' in the class" in ours.pending()
    assert ours.write({PORT.key: "5101"}).pids
    assert ours.pending() == ""
    compile_again(iris)
    assert ours.read() == {PORT.key: "5101"}


def test_items_that_run_with_old_values_are_told_and_cured(iris: IrisSandbox) -> None:
    start(iris)
    iris.scenario(update_hangs=True)
    ours = places(iris, PORT)
    with pytest.raises(HostStateUnknown) as caught:
        ours.write({PORT.key: "5101"})
    assert "not updated" in caught.value.message
    assert "within 120 seconds" in caught.value.message
    assert ours.read() == {PORT.key: "5101"}
    assert OUT in ours.pending()
    assert iris.emulator.runs_with(OUT)[OWN] == "5100"
    iris.scenario(update_hangs=False)
    ours.write({PORT.key: "5101"})
    assert ours.pending() == ""
    assert iris.emulator.runs_with(OUT)[OWN] == "5101"


@pytest.mark.parametrize(("state", "word"), [(3, "suspended"), (4, "troubled"), (0, ""), (6, "nobody knows")])
def test_a_production_in_trouble_is_refused_before_anything(iris: IrisSandbox, state: int, word: str) -> None:
    start(iris)
    iris.scenario(production_state=state)
    ours = places(iris, PORT)
    if not word:
        ours.check({PORT.key: "5101"})
        assert ours.write({PORT.key: "5101"}).pids
        return
    for attempt in (ours.check, ours.write):
        with pytest.raises(Refused) as caught:
            attempt({PORT.key: "5101"})
        assert word in caught.value.message
    assert ours.read() == {PORT.key: "5100"}
    assert word in ours.pending()


@pytest.mark.parametrize("number", [2, 5])
def test_a_production_that_is_stopped_is_changed_and_not_started(iris: IrisSandbox, number: int) -> None:
    start(iris)
    run(iris, "do ##class(Ens.Director).StopProduction(10)")
    iris.facts(production_stopped=number)
    ours = places(iris, PORT)
    ours.write({PORT.key: "5101"})
    assert ours.pending() == ""
    assert iris.emulator.runs_with(OUT)[OWN] == "5100"
    start(iris)
    assert iris.emulator.runs_with(OUT)[OWN] == "5101"


def test_a_class_that_cannot_be_written_is_told_with_what_was_changed(iris: IrisSandbox) -> None:
    iris.scenario(class_read_only=True)
    ours = places(iris, PORT)
    with pytest.raises(EngineError) as caught:
        ours.write({PORT.key: "5101"})
    assert f"item '{OUT}' of production {PRODUCTION} in the tables" in caught.value.message
    assert "SaveToClass" in caught.value.message
    assert "'5100' in the class" in ours.pending()
    iris.scenario(class_read_only=False)
    ours.write({PORT.key: "5100"})
    assert ours.pending() == ""


def test_what_somebody_changed_meanwhile_is_not_overwritten(iris: IrisSandbox) -> None:
    ours, theirs = places(iris, PORT), places(iris, PORT)
    ours.read()
    theirs.write({PORT.key: "5999"})
    with pytest.raises(EngineError) as caught:
        ours.write({PORT.key: "5101"})
    assert "was '5100' and is '5999'" in caught.value.message
    assert ours.read() == {PORT.key: "5999"}
    assert ours.write({PORT.key: "5101"}).pids
    assert ours.write({PORT.key: "5100"}).pids
    places(iris, PORT).write({PORT.key: "5101"})
    assert ours.write({PORT.key: "5101"}).pids == (), "what is wanted is there already"


# -- default settings ----------------------------------------------------------------------------


@pytest.mark.parametrize("running", [True, False])
def test_a_default_setting_is_written_and_put_back(bare: IrisSandbox, running: bool) -> None:
    if running:
        start(bare)
    ours = places(bare, DEFAULT)
    assert ours.read() == {DEFAULT.key: "5100"}
    ours.write({DEFAULT.key: "5101"})
    assert ours.read() == {DEFAULT.key: "5101"}
    assert ours.pending() == ""
    assert bare.emulator.runs_with(OUT).get(BY_DEFAULT) == ("5101" if running else None)
    compile_again(bare)
    assert ours.read() == {DEFAULT.key: "5101"}
    key = "||".join(ROW.values())
    shown = run(bare, f'write "[",##class(Ens.Config.DefaultSettings).%OpenId("{key}").Description,"]"')
    assert "[by hand]" in shown, "the row is changed, not made anew"
    ours.write({DEFAULT.key: None})
    assert ours.read() == {DEFAULT.key: None}
    ours.write({DEFAULT.key: "5100"})
    assert ours.read() == {DEFAULT.key: "5100"}


def test_a_hard_coded_port_makes_a_default_say_nothing(bare: IrisSandbox) -> None:
    """FACTS 4.1: a release whose production class hard-codes a port."""
    ours = places(bare, DEFAULT)
    assert ours.read()
    bare.engine.load_items([class_of(port="5100")], [])
    for attempt in (ours.read, lambda: ours.check({DEFAULT.key: "5101"}), lambda: ours.write({DEFAULT.key: "5101"})):
        with pytest.raises(InvalidInput) as caught:
            attempt()
        for part in (PRODUCTION, OUT, "its own Adapter Port: '5100'"):
            assert part in caught.value.message
        assert "production_setting" in caught.value.cure
    assert "its own Adapter Port" in ours.pending()
    own = places(bare, PORT)
    own.write({PORT.key: None})
    assert ours.read() == {DEFAULT.key: "5100"}


def test_a_default_for_any_production_is_one_for_the_production_of_now(bare: IrisSandbox) -> None:
    wide = setting("default_setting", {**ROW, "production": "*"})
    ours = places(bare, wide)
    assert ours.read() == {wide.key: None}, "nothing was ever started"
    start(bare)
    with pytest.raises(InvalidInput) as caught:
        ours.read()
    assert f"{PRODUCTION}||{OUT}||*||Port goes before it" in caught.value.message
    run(bare, f'write ##class(Ens.Config.DefaultSettings).%DeleteId("{"||".join(ROW.values())}")')
    ours.write({wide.key: "5101"})
    assert bare.emulator.runs_with(OUT)[BY_DEFAULT] == "5101"


@pytest.mark.parametrize("precedence", ["production", "item"])
def test_two_defaults_of_which_neither_is_more_specific_are_refused(bare: IrisSandbox, precedence: str) -> None:
    bare.facts(default_precedence=precedence)
    add_default(bare, f"{PRODUCTION}||*||*||Charset", "a")
    start(bare)
    by_item = setting("default_setting", {**ROW, "production": "*", "setting": "Charset"}, "a", "b")
    with pytest.raises(InvalidInput) as caught:
        places(bare, by_item).read()
    assert "neither is more specific" in caught.value.message
    with pytest.raises(InvalidInput):
        places(bare, setting("default_setting", {**ROW, "item": "Nobody"})).read()


def test_places_of_both_kinds_are_written_together(bare: IrisSandbox) -> None:
    start(bare)
    meds = setting("production_setting", {**PLACE, "item": IN}, "6100", "6101")
    ours = places(bare, DEFAULT, HOST, meds)
    ours.write({DEFAULT.key: "5101", HOST.key: "cats-test.example.org", meds.key: "6101"})
    assert list(ours.read().values()) == ["5101", "cats-test.example.org", "6101"]
    assert bare.emulator.runs_with(IN)[OWN] == "6101"
    assert ours.pending() == ""


def test_what_the_instance_says_otherwise_is_not_in_force(bare: IrisSandbox) -> None:
    """An item's value is computed; where the instance contradicts, nobody goes on."""
    add_default(bare, f"{PRODUCTION}||*||*||IPAddress", "one.example.org")
    add_default(bare, f"*||{OUT}||*||IPAddress", "two.example.org")
    bare.engine.load_items([class_of(port=None, address=None)], [])
    bare.facts(default_precedence="item")
    assert "uses 'two.example.org'" in places(bare, HOST).pending()
    for said in ("explicit", "absent"):
        bare.facts(item_setting_value=said)
        assert places(bare, HOST).pending() == ""


@pytest.mark.parametrize("switch", [{"embedded_change_noticed": True}, {"item_setting_value": "absent"},
                                    {"item_setting_value": "explicit"}])
def test_what_nobody_has_confirmed_does_not_matter(bare: IrisSandbox, switch: dict[str, Any]) -> None:
    bare.facts(**switch)
    start(bare)
    ours = places(bare, DEFAULT, HOST)
    ours.write({DEFAULT.key: "5101", HOST.key: "cats-test.example.org"})
    assert ours.pending() == ""
    assert list(ours.read().values()) == ["5101", "cats-test.example.org"]


@pytest.mark.parametrize(("change", "said"), [
    ({"production": "RelMgmt.Nope"}, "there is no production RelMgmt.Nope"), ({"item": "Nope"}, "has no item 'Nope'"),
])
def test_a_place_that_is_not_there_is_refused(iris: IrisSandbox, change: dict[str, str], said: str) -> None:
    wrong = setting("production_setting", {**PLACE, **change})
    ours = places(iris, wrong)
    for attempt in (ours.read, ours.pending, lambda: ours.write({wrong.key: "5101"})):
        with pytest.raises(RelmgmtError) as caught:
            attempt()
        assert said in caught.value.message


def test_a_namespace_without_productions_is_told(iris: IrisSandbox) -> None:
    elsewhere = {**iris.instance, "iris": {**iris.instance["iris"], "namespace": "USER"}}
    other = places(IrisSandbox(elsewhere), PORT)
    with pytest.raises(InvalidInput) as caught:
        other.read()
    assert "namespace USER has no interoperability classes" in caught.value.message


# -- queues --------------------------------------------------------------------------------------


def test_what_waits_in_a_queue(iris: IrisSandbox) -> None:
    start(iris)
    iris.set("^Ens.Queue", OUT, value="3")
    queues = [Queue("CATS", "db", "interoperability_queue", {"item": OUT}),
              Queue("MEDS", "db", "interoperability_queue", {"item": IN})]
    context = Context(iris.instance, None, "/nowhere")
    assert queue_depths(queues, context) == {"CATS": "3", "MEDS": "0"}
    with pytest.raises(HostStateUnknown) as caught:
        queue_depths([Queue("X", "db", "interoperability_queue", {"item": "Nope"})], context)
    assert "no queue 'Nope'" in caught.value.message
    iris.set("^Ens.Queue", OUT, value="many")
    with pytest.raises(HostStateUnknown):
        queue_depths(queues[:1], context)


def test_a_production_that_gets_into_trouble_meanwhile_is_refused_by_the_session_itself(iris: IrisSandbox) -> None:
    start(iris)
    ours = places(iris, PORT)
    iris.scenario(production_state=4)
    with pytest.raises(Refused) as caught:
        carry_out(iris.engine.terminal, {place_of(PORT): "5101", place_of(DEFAULT): "5101"})
    assert "nothing was changed" in caught.value.message
    assert ours.read() == {PORT.key: "5100"}
    assert not iris.nodes("^Ens.Config.DefaultSettingsD")


def test_nothing_is_changed_unless_everything_is_there(iris: IrisSandbox) -> None:
    wrong = place_of(setting("production_setting", {**PLACE, "item": "Nope"}))
    with pytest.raises(EngineError) as caught:
        carry_out(iris.engine.terminal, {place_of(PORT): "5101", place_of(DEFAULT): "5101", wrong: "5101"})
    assert "item 'Nope'" in caught.value.message
    assert "Changed before that: nothing" in caught.value.message
    assert places(iris, PORT).read() == {PORT.key: "5100"}
    assert not iris.nodes("^Ens.Config.DefaultSettingsD")


def test_what_is_removed_may_be_gone_already(iris: IrisSandbox) -> None:
    for _attempt in range(2):
        carry_out(iris.engine.terminal, {place_of(PORT): None, place_of(DEFAULT): None})
    assert places(iris, PORT).read() == {PORT.key: None}


def test_settings_of_a_production_that_does_not_run_are_not_in_force(iris: IrisSandbox) -> None:
    other = "RelMgmt.New"
    iris.engine.load_items([class_of(name=other)], [])
    theirs = places(iris, setting("production_setting", {**PLACE, "production": other}))
    assert theirs.pending() == ""
    start(iris)
    assert theirs.pending() == f"production {PRODUCTION} runs, and not {other}"
    assert places(iris, PORT).pending() == ""
