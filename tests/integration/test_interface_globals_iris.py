# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of interfaces in globals of Caché and IRIS: one transaction, and an editor in between is noticed."""

from __future__ import annotations

import pytest
from iris_instance import IrisSandbox, Make, products

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import interfaces_of
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.choose import places_of
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context

NODES = {
    ("^RELMGMTCFG", ("if", "CATS", "port")): "{port}",
    ("^RELMGMTCFG", ("if", 'a,"b')): "tcp:{host}:{port}",
    ("^RELMGMTDATA", ("port",)): "{port}",
}
DOCUMENT = {
    "name": "CATS", "direction": "outbound",
    "production": {"host": "p.test", "port": 5100}, "test": {"host": "t.test", "port": 5101},
    "settings": [
        {"hosts": "databases", "place": "global_node", "global": name, "subscripts": list(path), "value": value}
        for (name, path), value in NODES.items()
    ],
}
PRODUCTION, TEST = ["5100", "tcp:p.test:5100", "5100"], ["5101", "tcp:t.test:5101", "5101"]


@pytest.fixture(params=products("iris2025"))
def iris(make_iris: Make, request: pytest.FixtureRequest) -> IrisSandbox:
    sandbox = make_iris(request.param)
    for (name, path), value in zip(NODES, PRODUCTION, strict=True):
        sandbox.set(name, *path, value=value)
    return sandbox


@pytest.fixture
def places(iris):
    (found,) = places_of(interfaces_of([DOCUMENT])[0].settings, Context(iris.instance, None, ""))
    return found


def values(places, mode):
    return {one.key: getattr(one, mode) for one in places.settings}


def stand(iris):
    return [iris.nodes(name).get(path) for name, path in NODES]


def test_all_nodes_are_switched_and_switched_back(iris, places):
    assert list(places.read().values()) == PRODUCTION
    written = places.write(values(places, "test"))
    assert len(written.pids) == 1
    assert stand(iris) == TEST
    assert list(places.read().values()) == TEST
    places.write({**values(places, "production"), places.settings[2].key: None})
    assert stand(iris) == [*PRODUCTION[:2], None]


def test_an_editor_in_between_is_noticed_and_nothing_is_written(iris, places):
    places.read()
    iris.set("^RELMGMTDATA", "port", value="5109")
    with pytest.raises(EngineError, match="changed between looking and writing; nothing was written"):
        places.write(values(places, "test"))
    assert stand(iris) == [*PRODUCTION[:2], "5109"]
