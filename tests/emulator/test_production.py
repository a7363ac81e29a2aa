# SPDX-License-Identifier: GPL-3.0-or-later
"""Productions and their settings, as little as releases touch (FACTS 4)."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulated.emulator import Emulator

PRODUCTION = """<?xml version="1.0" encoding="UTF-8"?>
<Export generator="Cache" version="25">
<Class name="App.Production">
<Super>Ens.Production</Super>
<XData name="ProductionDefinition">
<Data><![CDATA[
<Production Name="App.Production">
  <Item Name="In" ClassName="EnsLib.HL7.Service.TCPService" PoolSize="1" Enabled="true">
    <Setting Target="Adapter" Name="Port">2100</Setting>
  </Item>
</Production>
]]></Data>
</XData>
</Class>
</Export>
"""


@pytest.fixture
def production(shared: Emulator, tmp_path: Path) -> Emulator:
    path = tmp_path / "p.xml"
    path.write_text(PRODUCTION)
    shared.session(f'do $system.OBJ.Load("{path}","ck-d")', namespace="CFIS")
    return shared


@pytest.mark.parametrize("stopped", [2, 5])
def test_a_production_starts_and_stops(production: Emulator, stopped: int) -> None:
    production.facts.production_stopped = stopped
    production.save()
    state = 'do ##class(Ens.Director).GetProductionStatus(.n,.s) write "[",n,":",s,"]"'
    shown = production.session(
        'write "a",+##class(Ens.Director).StartProduction("App.Nope")',
        'write "b",+##class(Ens.Director).StartProduction("App.Production")', state,
        'write "c",+##class(Ens.Director).StartProduction("App.Production")',
        'write "d",+##class(Ens.Director).StopProduction(10)', state, namespace="CFIS").out
    for each in ("a0", "b1", "[App.Production:1]", "c0", "d1", f"[App.Production:{stopped}]"):
        assert each in shown


def test_enabling_an_item_lasts(production: Emulator) -> None:
    shown = production.session(
        'do ##class(Ens.Director).StartProduction("App.Production")',
        'write "a",##class(Ens.Director).IsItemEnabled("In")',
        'write "b",+##class(Ens.Director).EnableConfigItem("In",0)',
        'write "c",##class(Ens.Director).IsItemEnabled("In"),+##class(Ens.Director).EnableConfigItem("No")',
        'do $system.OBJ.ExportToStream("App.Production.cls",.s,"-d") write s.Read(9999)', namespace="CFIS").out
    for each in ("a1", "b1", "c00", 'Enabled="false"'):
        assert each in shown


def test_default_settings_have_their_key_and_required_parts(shared: Emulator) -> None:
    shown = shared.session(
        "set o=##class(Ens.Config.DefaultSettings).%New()",
        'set o.ProductionName="*",o.ItemName="In",o.SettingName="Port"',
        'write "a",$system.Status.GetErrorText(o.%Save())', 'set o.HostClassName="*",o.SettingValue=2100',
        'write "b",+o.%Save(),##class(Ens.Config.DefaultSettings).%OpenId("*||In||*||Port").SettingValue',
        'write "c",+##class(Ens.Config.DefaultSettings).%DeleteId("*||In||*||Port")',
        'write "d",##class(Ens.Config.DefaultSettings).%ExistsId("*||In||*||Port")', namespace="CFIS").out
    for each in ("aERROR #5659: Property 'HostClassName' required", "b12100", "c1", "d0"):
        assert each in shown


# -- the configuration ---------------------------------------------------------------

OPEN = 'set p=##class(Ens.Config.Production).%OpenId("App.Production",,.sc),i=p.Items.GetAt(1),s=i.Settings.GetAt(1)'
ALTER = "set s.Value=2101"
PUT_IN = "do i.Settings.SetAt(s,1)"
SHOW = f'{OPEN} write "[",p.Items.Count(),":",i.Name,":",i.ClassName,":",s.Target,":",s.Name,":",s.Value,"]"'
START = 'write +##class(Ens.Director).StartProduction("App.Production")'
NEEDS = 'set r="" write "[",##class(Ens.Director).ProductionNeedsUpdate(.r),":",r,"]"'


def talk(emulator: Emulator, *lines: str) -> str:
    return emulator.session(*lines, namespace="CFIS").out


def compiled(emulator: Emulator) -> str:
    return talk(emulator, 'write +$system.OBJ.Compile("App.Production","-d")', SHOW)


def test_compiling_a_production_overwrites_what_was_saved_to_the_tables_alone(production: Emulator) -> None:
    assert "[1:In:EnsLib.HL7.Service.TCPService:Adapter:Port:2100]" in talk(production, SHOW)
    assert ":2101]" in talk(production, OPEN, ALTER, PUT_IN, "write +i.%Save()", SHOW)
    assert ":2100]" in compiled(production), "FACTS 4.1: the next compile reverts it"
    talk(production, OPEN, ALTER, PUT_IN, "write +i.%Save(),+p.%Save(),+p.SaveToClass()")
    assert ":2101]" in compiled(production)
    talk(production, OPEN, "do i.Settings.RemoveAt(1)", "write +i.%Save()")
    assert ":2101]" in talk(production, 'write +##class(Ens.Config.Production).LoadFromClass("App.Production")', SHOW)


@pytest.mark.parametrize("noticed", [True, False])
def test_an_element_that_is_altered_where_it_lies_may_go_unnoticed(production: Emulator, noticed: bool) -> None:
    production.facts.embedded_change_noticed = noticed
    production.save()
    shown = talk(production, OPEN, ALTER, "write +i.%Save()", SHOW)
    assert (":2101]" in shown) is noticed


def test_settings_are_inserted_and_a_list_takes_nothing_else(production: Emulator) -> None:
    shown = talk(
        production, OPEN, 'set n=##class(Ens.Config.Setting).%New(),n.Name="IPAddress",n.Value=" x "',
        'write "a",+i.Settings.Insert(n),+i.%Save()', OPEN, 'write "b",i.Settings.Count(),i.Settings.GetAt(2).Value',
        'write "c",$isobject(i.Settings.GetAt(9)),+i.Settings.SetAt(n,9)', 'write "d",i.Settings.Insert(p)',
        'write "e",i.Port', 'write "f",$isobject(##class(Ens.Config.Production).%OpenId("App.No",,.sc)),+sc',
        'write "g",##class(Ens.Config.Production).Nope()', 'write "h",##class(Ens.Config.Nope).%New()')
    for each in ("a11", "b2x", "c00", "<INVALID OREF>", "<PROPERTY DOES NOT EXIST>", "f00",
                 "<METHOD DOES NOT EXIST> *Nope,Ens.Config.Production", "<CLASS DOES NOT EXIST> *Ens.Config.Nope"):
        assert each in shown


def test_a_class_that_cannot_be_written_stays_as_it_is(production: Emulator) -> None:
    production.scenario.class_read_only = True
    production.save()
    assert "[0]" in talk(production, OPEN, ALTER, PUT_IN, 'write +i.%Save(),"[",+p.SaveToClass(),"]"')
    assert ":2100]" in compiled(production)


def test_items_run_with_old_values_until_the_production_is_updated(production: Emulator) -> None:
    talk(production, START, OPEN, ALTER, PUT_IN, "write +i.%Save()")
    production.scenario.update_hangs = True
    production.save()
    update = 'write "[",+##class(Ens.Director).UpdateProduction(1,{}),"]"'
    assert "[1:Item 'In' has been modified]" in talk(production, NEEDS)
    assert "[0]" in talk(production, update.format(0))
    assert production.runs_with("In") == {"Adapter Port": "2100"}
    assert "[1]" in talk(production, update.format(1)), "force ends the job that hangs"
    assert production.runs_with("In") == {"Adapter Port": "2101"}
    assert "[0:]" in talk(production, NEEDS)


@pytest.mark.parametrize("state", [3, 4])
def test_a_production_may_be_in_trouble(production: Emulator, state: int) -> None:
    talk(production, START)
    production.scenario.production_state = state
    production.save()
    shown = talk(production, 'do ##class(Ens.Director).GetProductionStatus(.n,.s) write "[",n,":",s,"]"',
                 'write "u",+##class(Ens.Director).UpdateProduction(1,0)')
    assert f"[App.Production:{state}]" in shown
    assert "u0" in shown


@pytest.mark.parametrize("precedence", ["production", "item"])
def test_the_most_specific_default_counts(production: Emulator, precedence: str) -> None:
    production.facts.default_precedence = precedence
    production.save()
    row = ('set o=##class(Ens.Config.DefaultSettings).%New(),o.ProductionName="{}",o.ItemName="{}",'
           'o.HostClassName="*",o.SettingName="{}",o.SettingValue="{}" write +o.%Save()')
    talk(production, row.format("App.Production", "*", "Charset", "p"), row.format("*", "In", "Charset", "i"),
         row.format("*", "*", "Charset", "all"), row.format("App.Production", "In", "Port", "9"), START)
    assert production.runs_with("In") == {"Adapter Port": "2100", "Charset": precedence[0]}
    assert "d0" in talk(production, 'write "d",+##class(Ens.Config.DefaultSettings).%DeleteId("*||No||*||Port")')


@pytest.mark.parametrize(("says", "charset"), [("effective", "[x]"), ("explicit", "[]"), ("absent", "<METHOD DOES")])
def test_what_an_item_uses_can_be_asked_for(production: Emulator, says: str, charset: str) -> None:
    production.facts.item_setting_value = says
    production.save()
    ask = 'write "[",##class(Ens.Director).GetItemSettingValue("App.Production||{}","Adapter","{}",.sc),"]"'
    talk(production, 'set o=##class(Ens.Config.DefaultSettings).%New(),o.ProductionName="*",o.ItemName="*"',
         'set o.HostClassName="*",o.SettingName="Charset",o.SettingValue="x" write +o.%Save()')
    assert charset in talk(production, ask.format("In", "Charset"))
    if says != "absent":
        assert "[2100]" in talk(production, ask.format("In", "Port"))
        assert "[]s0" in talk(production, ask.format("No", "Port"), 'write "s",+sc').replace("\n", "").replace(
            "CFIS>", "")


def test_queues_are_listed(production: Emulator) -> None:
    production.set("Ens.Queue", "In", value=3)
    shown = talk(production, 'set r=##class(%ResultSet).%New("Ens.Queue:Enumerate") write +r.Execute()',
                 'write r.Next() write "[",r.Get("Name"),":",r.Get("Count"),"]" write r.Next()')
    assert "1[In:3]0" in shown
    assert "<CLASS DOES NOT EXIST>" in production.session(
        'set r=##class(%ResultSet).%New("Ens.Queue:Enumerate")', namespace="USER").out


def test_a_deleted_production_is_in_no_table(production: Emulator) -> None:
    assert "[0]" in talk(production, 'write +$system.OBJ.Delete("App.Production","-d")',
                         'write "[",##class(Ens.Config.Production).%ExistsId("App.Production"),"]"')
