# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of interfaces in a cell of traditional WebSphere: a JVM property and an endpoint."""

from __future__ import annotations

from contextlib import closing

import pytest
from was_instance import HERE, TWO_NODES

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import interfaces_of
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.app_server import AppServerPlaces
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.choose import places_of
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context

PROPERTY = {"hosts": "web", "place": "websphere", "type": "jvm_property", "name": "cats.port"}
ENDPOINT = {
    "hosts": "web", "place": "websphere", "type": "resource", "name": "NamedEndPoint:WC_defaulthost",
    "attribute": "port",
}


def settings_of(*settings):
    document = {
        "name": "CATS", "direction": "inbound", "settings": list(settings),
        "production": {"host": "0.0.0.0", "port": 9080}, "test": {"host": "0.0.0.0", "port": 9081},
    }
    return interfaces_of([document])[0].settings


def values(places, mode):
    return {one.key: getattr(one, mode) for one in places.settings}


@pytest.fixture
def was(make_was):
    return make_was(HERE, nodes=TWO_NODES, cluster="cfis")


@pytest.fixture
def places_in(was):
    """Makes the adapter of settings in the cell, as one run of a module has it."""

    def make(*settings, **options):
        was.options.update(options)
        context = Context(None, was.websphere, "")
        return closing(AppServerPlaces(settings_of(*settings), context, lambda _websphere: was.adapter()))

    return make


def test_an_endpoint_is_switched_and_switched_back(was, places_in):
    with places_in(ENDPOINT) as places:
        (key,) = places.read()
        assert key == "CATS websphere resource NamedEndPoint:WC_defaulthost port"
        assert places.read() == values(places, "production")
        places.check(values(places, "test"))
        places.write(values(places, "test"))
        assert (places.read(), places.pending()) == (values(places, "test"), "")
        saved = was.cell.master.serial
        places.write(values(places, "test"))
        assert was.cell.master.serial == saved
        assert all(node.held.serial == saved for node in was.cell.nodes.values())
        places.write(values(places, "production"))
        assert places.read() == {key: "9080"}


def test_a_property_is_in_force_in_every_server(was, places_in):
    with places_in(PROPERTY, may_restart=True) as places:
        (key,) = places.read()
        assert places.read() == {key: None}
        places.write(values(places, "test"))
        servers = [node.servers for node in was.cell.nodes.values()]
        assert [one.properties["cats.port"] for each in servers for one in each.values()] == ["9081", "9081"]
        assert (places.read(), places.pending()) == ({key: "9081"}, "")
        places.write({key: None})
        assert (places.read(), places.pending()) == ({key: None}, "")


def test_a_property_without_leave_to_restart_is_refused_before_anything(was, places_in):
    with places_in(PROPERTY) as places:
        saved = was.cell.master.serial
        for act in (places.check, places.write):
            with pytest.raises(AppServerError, match="have to be restarted for jvm_property"):
                act(values(places, "test"))
        assert was.cell.master.serial == saved


def test_servers_that_are_older_than_their_configuration_are_pending(was, places_in):
    with places_in(PROPERTY, may_restart=True) as places:
        stop = was.cell.before
        stop("AdminControl.stopServer", lambda: setattr(was.cell.nodes["node1"], "agent", False))
        with pytest.raises(Exception, match="no node agent on node node1"):
            places.write(values(places, "test"))
        was.cell.nodes["node1"].agent = True
    with places_in(PROPERTY, may_restart=True) as places:
        assert places.read() == values(places, "test")
        assert places.pending() == "not restarted since the last change: node1/member1, node2/member2"
        places.write(values(places, "test"))
        assert places.pending() == ""


def test_servers_that_differ_mean_neither_mode_and_are_refused(was, places_in):
    with places_in(ENDPOINT) as places:
        point = next(attributes for kind, attributes in was.cell.master.objects.values() if kind == "EndPoint")
        point["port"] = "9999"
        assert list(places.read().values()) == ["node1/member1: 9999, node2/member2: 9080"]
        with pytest.raises(AppServerError, match="differs between servers"):
            places.write(values(places, "test"))


def test_an_administrator_in_between_is_noticed(was, places_in):
    with places_in(ENDPOINT) as places:
        places.read()
        for kind, attributes in was.cell.master.objects.values():
            if kind == "EndPoint":
                attributes["port"] = "9099"
        with pytest.raises(AppServerError, match="changed between looking and writing; nothing was written"):
            places.write(values(places, "test"))
        assert list(places.read().values()) == ["9099"]


def test_a_real_session_does_the_same(make_was):
    """wsadmin's stand-in, a Jython below it, and the adapter that the inventory names."""
    was = make_was("2.7", nodes=TWO_NODES, cluster="cfis")
    (places,) = places_of(settings_of(ENDPOINT), Context(None, was.websphere, ""))
    with closing(places):
        assert places.read() == values(places, "production")
        places.write(values(places, "test"))
        assert places.read() == values(places, "test")
