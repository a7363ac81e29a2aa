# SPDX-License-Identifier: GPL-3.0-or-later
"""A production with two items, and the settings of an interface that they serve."""

from __future__ import annotations

from typing import Any

from iris_instance import IrisSandbox

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import Item
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.interoperability import InteroperabilityPlaces
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context

PRODUCTION = "RelMgmt.Case"
OUT, IN = "To CATS", "From MEDS"
HOST_CLASS = "EnsLib.TCP.PassthroughOperation"
PLACE = {"production": PRODUCTION, "item": OUT, "target": "Adapter", "setting": "Port"}
ADDRESS = {**PLACE, "setting": "IPAddress"}
ROW = {"production": PRODUCTION, "item": OUT, "host_class": "*", "setting": "Port"}


def class_of(port: str | None = "5100", address: str | None = "cats.example.org", name: str = PRODUCTION) -> Item:
    """The production's class; what is None is not in it."""
    settings = [f'    <Setting Target="Adapter" Name="{key}">{value}</Setting>\n'
                for key, value in (("IPAddress", address), ("Port", port)) if value is not None]
    definition = (
        f'\n<Production Name="{name}" TestingEnabled="true" LogGeneralTraceEvents="false">\n'
        f"  <ActorPoolSize>1</ActorPoolSize>\n"
        f'  <Item Name="{OUT}" Category="CATS" ClassName="{HOST_CLASS}" PoolSize="1" Enabled="true">\n'
        f'{"".join(settings)}    <Setting Target="Host" Name="FailureTimeout">-1</Setting>\n  </Item>\n'
        f'  <Item Name="{IN}" ClassName="EnsLib.TCP.PassthroughService" PoolSize="1" Enabled="true">\n'
        f'    <Setting Target="Adapter" Name="Port">6100</Setting>\n  </Item>\n</Production>\n'
    )
    element = (
        f'<Class name="{name}">\n<Super>Ens.Production</Super>\n<TimeChanged>64091,56835.117773</TimeChanged>\n'
        f"<TimeCreated>64091,56835</TimeCreated>\n\n"
        f'<XData name="ProductionDefinition">\n<Data><![CDATA[{definition}]]></Data>\n</XData>\n</Class>'
    )
    return Item(f"{name}.CLS", tuple(element.split("\n")))


def setting(kind: str, options: dict[str, Any], production: str = "5100", test: str = "5101") -> SettingPlace:
    return SettingPlace("CATS", "databases", kind, options, production, test)


PORT = setting("production_setting", PLACE)
HOST = setting("production_setting", ADDRESS, "cats.example.org", "cats-test.example.org")
DEFAULT = setting("default_setting", ROW)


def places(iris: IrisSandbox, *settings: SettingPlace) -> InteroperabilityPlaces:
    return InteroperabilityPlaces(settings, Context(iris.instance, None, "/nowhere"))


def run(iris: IrisSandbox, *lines: str) -> str:
    """What somebody does in a session of the application's namespace."""
    return iris.emulator.session(*lines, namespace=iris.instance["iris"]["namespace"]).out


def start(iris: IrisSandbox, name: str = PRODUCTION) -> None:
    assert "[1]" in run(iris, f'write "[",+##class(Ens.Director).StartProduction("{name}"),"]"')


def add_default(iris: IrisSandbox, key: str, value: str) -> None:
    production, item, host_class, name = key.split("||")
    assert "[1]" in run(
        iris, "set o=##class(Ens.Config.DefaultSettings).%New()",
        f'set o.ProductionName="{production}",o.ItemName="{item}",o.HostClassName="{host_class}"',
        f'set o.SettingName="{name}",o.SettingValue="{value}",o.Description="by hand"', 'write "[",+o.%Save(),"]"')


def compile_again(iris: IrisSandbox) -> None:
    """What the next release does, or anybody in Studio."""
    assert "[1]" in run(iris, f'write "[",+$system.OBJ.Compile("{PRODUCTION}","-d"),"]"')
