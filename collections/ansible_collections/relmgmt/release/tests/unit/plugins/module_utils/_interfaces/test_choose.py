# SPDX-License-Identifier: GPL-3.0-or-later
"""Which adapter holds a setting, and which host cannot hold it."""

from __future__ import annotations

import json

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import Queue, SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._core.place_options import PLACES, QUEUES
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces import choose
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.choose import (
    places_of,
    queue_depths,
    read_all,
)
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.command import CommandPlaces
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context, Places, Written

NOTHING = Context(None, None, "/nowhere")
GTM = Context({"engine": "gtm"}, None, "/nowhere")
IRIS = Context({"engine": "iris"}, None, "/nowhere")
LIBERTY = Context(None, {"kind": "liberty"}, "/nowhere")
WAS = Context(None, {"kind": "was"}, "/nowhere")
BOTH = Context({"engine": "iris"}, {"kind": "liberty"}, "/nowhere")


def setting(kind, name="a", **options):
    return SettingPlace("CATS", "all", kind, {"command": ["/" + name], "path": "/" + name, **options}, "1", "2")


@pytest.fixture
def fakes(monkeypatch):
    """Adapters that only tell who they are, by the name of the one that they stand for."""
    made = {}
    for kind, make in choose.ADAPTERS.items():
        made.setdefault(make, type("Fake" + make.__name__, (_Fake,), {}))
        monkeypatch.setitem(choose.ADAPTERS, kind, made[make])
    return choose.ADAPTERS


class _Fake(Places):
    def read(self):
        return {one.key: one.options["path"] for one in self.settings}

    def write(self, values):
        return Written()


def test_every_kind_of_place_has_an_adapter():
    of_liberty = {f"liberty {kind}" for kind in ("variable", "server_xml", "bootstrap_property")}
    assert set(choose.ADAPTERS) == (set(PLACES) - {"liberty"}) | of_liberty
    assert set(QUEUES) - set(PLACES) == {choose.INTEROPERABILITY_QUEUE}


@pytest.mark.parametrize(
    "kind,allowed",
    [
        ("command", (NOTHING, GTM, IRIS, LIBERTY, WAS)),
        ("file", (NOTHING, GTM, IRIS, LIBERTY, WAS)),
        ("global_node", (GTM, IRIS)),
        ("production_setting", (IRIS,)),
        ("default_setting", (IRIS,)),
        ("liberty", (LIBERTY,)),
        ("websphere", (LIBERTY, WAS)),
    ],
)
def test_a_host_holds_what_it_can_hold(fakes, kind, allowed):
    place = setting(kind, type="variable")
    for context in (NOTHING, GTM, IRIS, LIBERTY, WAS):
        if context in allowed:
            assert len(places_of([place], context)) == 1
        else:
            with pytest.raises(InvalidInput, match=r"this host has no .* \[interface CATS\]. Cure: .*relmgmt_"):
                places_of([place], context)


def test_settings_of_one_adapter_come_together_datasets_first(fakes):
    kinds = ["command", "liberty", "file", "production_setting", "websphere", "global_node", "default_setting"]
    settings = [setting(kind, type="variable") for kind in kinds]
    settings += [setting("liberty", type="server_xml"), setting("liberty", type="bootstrap_property")]
    found = places_of(settings, BOTH)
    assert [[one.kind for one in places.settings] for places in found] == [
        ["global_node"], ["production_setting", "default_setting"], ["file"], ["liberty", "liberty"],
        ["liberty", "websphere"], ["command"],
    ]
    assert places_of([], BOTH) == []


def test_everything_is_read(fakes):
    settings = [setting("file", "f", key="k"), setting("command", "c")]
    assert read_all(places_of(settings, NOTHING)) == {"CATS file /f#k": "/f", "CATS command /c": "/c"}


@pytest.mark.parametrize("said,depth", [(None, 0), ("", 0), ("0", 0), (" 12\n", 12)])
def test_a_queue_is_empty_or_a_number(monkeypatch, said, depth):
    monkeypatch.setattr(CommandPlaces, "read", lambda self: {one.key: said for one in self.settings})
    assert queue_depths([Queue("CATS", "all", "command", {"command": ["/q"]})], NOTHING) == {"CATS": depth}


@pytest.mark.parametrize("said", ["-1", "many", "1.5", "٣"])
def test_a_queue_that_says_something_else_is_unknown(monkeypatch, said):
    monkeypatch.setattr(CommandPlaces, "read", lambda self: {one.key: said for one in self.settings})
    with pytest.raises(HostStateUnknown, match=r"interface CATS\.queue"):
        queue_depths([Queue("CATS", "all", "command", {"command": ["/q"]})], NOTHING)


def test_a_queue_of_a_production_needs_its_engine():
    queue = Queue("CATS", "all", "interoperability_queue", {"item": json.dumps("x")})
    with pytest.raises(InvalidInput, match="this host has no instance"):
        queue_depths([queue], GTM)
