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
