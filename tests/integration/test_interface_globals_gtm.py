# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of interfaces in globals of a real GT.M: one transaction, and an editor in between is noticed."""

from __future__ import annotations

import re

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import interfaces_of
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.choose import (
    places_of,
    queue_depths,
    read_all,
)
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context


def interface(name, production, test, *nodes, queue=None):
    """Nodes are (global, subscripts, value's template)."""
    settings = [
        {"hosts": "databases", "place": "global_node", "global": node[0], "subscripts": list(node[1]), "value": node[2]}
        for node in nodes
    ]
    ends = {"production": {"host": "p.test", "port": production}, "test": {"host": "t.test", "port": test}}
    return {"name": name, "direction": "outbound", **ends, "settings": settings, "queue": queue}


CATS = ("if", "CATS")
DOCUMENTS = [
    interface("CATS", 5100, 5101, ("^CFISCFG", (*CATS, "port"), "{port}"), ("^CFISCFG", CATS, "{host}")),
    interface("MEDS", 6100, 6101, ("^%ZMEDS", ('a,"b', "1.50"), "tcp:{host}:{port}"), ("^MEDS", (), "{port}")),
]
PRODUCTION = ["5100", "p.test", "tcp:p.test:6100", "6100"]
TEST = ["5101", "t.test", "tcp:t.test:6101", "6101"]


class Site:
    def __init__(self, gtm):
        self.gtm = gtm
        self.interfaces = interfaces_of(DOCUMENTS)
        self.settings = [one for interface in self.interfaces for one in interface.settings]
        self.context = Context(gtm.instance, None, str(gtm.base))
        for place, value in zip(self.settings, PRODUCTION, strict=True):
            gtm.m(f'set {_reference(place)}="{value}"')
        gtm.m('set ^CFISCFG("if","CATS","port","more")="untouched",^CFISCFG("other")=1')

    def places(self):
        (found,) = places_of(self.settings, self.context)
        return found

    def values(self, mode):
        return {one.key: getattr(one, mode) for one in self.settings}

    @property
    def others(self):
        return self.gtm.m('write ^CFISCFG("if","CATS","port","more"),^CFISCFG("other")')


def _reference(place):
    subscripts = ",".join('"' + one.replace('"', '""') + '"' for one in place.options["subscripts"])
    return place.options["global"] + (f"({subscripts})" if subscripts else "")


@pytest.fixture
def site(gtm):
    return Site(gtm)


def test_all_nodes_of_all_interfaces_are_switched_and_switched_back(site):
    places = site.places()
    assert list(read_all([places]).values()) == PRODUCTION
    written = places.write(site.values("test"))
    assert len(written.pids) == 1
    assert [site.gtm.m(f"write {_reference(one)}") for one in site.settings] == TEST
    assert list(site.places().read().values()) == TEST
    assert places.write(site.values("test")).pids == ()
    places.write(site.values("production"))
    assert list(site.places().read().values()) == PRODUCTION
    assert site.others == "untouched1"
    assert places.pending() == ""


def test_a_switch_is_one_transaction_in_the_journal(site):
    places = site.places()
    places.read()
    places.write(site.values("test"))
    extract = site.gtm.base / "extract.mjf"
    journal = str(site.gtm.base / "cfis.mjl")
    site.gtm.engine.mupip("journal", f"-extract={extract}", "-detail", "-forward", journal)
    kinds = re.findall(r"\b(SET|TSET|USET|TCOM) +\\", extract.read_text())
    assert kinds[-5:] == ["TSET", "USET", "USET", "USET", "TCOM"]


def test_a_node_that_is_not_there_is_absent_and_becomes_so_again(site):
    cats = site.settings[0]
    site.gtm.m(f"zkill {_reference(cats)}")
    places = site.places()
    assert places.read()[cats.key] is None
    places.write({cats.key: "5101"})
    assert site.places().read()[cats.key] == "5101"
    places.write({cats.key: None})
    assert site.places().read()[cats.key] is None
    assert site.gtm.m(f"write $data({_reference(cats)})") == "10"
    assert site.others == "untouched1"


@pytest.mark.parametrize("edit", ['set {}="5109"', "zkill {}"])
def test_an_editor_in_between_is_noticed_and_nothing_is_written(site, edit):
    places = site.places()
    places.read()
    edited = site.settings[2]
    site.gtm.m(edit.format(_reference(edited)))
    with pytest.raises(EngineError, match="changed between looking and writing; nothing was written"):
        places.write(site.values("test"))
    stands = site.places().read()
    assert [stands[one.key] for one in site.settings if one is not edited] == ["5100", "p.test", "6100"]
    assert stands[edited.key] == ("5109" if "5109" in edit else None)


def test_what_stays_is_looked_at_too(site):
    places = site.places()
    places.read()
    site.gtm.m(f'set {_reference(site.settings[0])}="5109"')
    values = {**site.values("test"), site.settings[0].key: "5100"}
    with pytest.raises(EngineError, match="changed between"):
        places.write(values)


def test_a_write_without_a_look_looks_first(site):
    site.places().write(site.values("test"))
    assert list(site.places().read().values()) == TEST


def test_a_name_that_gtm_does_not_have_is_refused_before_anything(gtm):
    place = interfaces_of([interface("A", 1, 2, ("^A.B", ("x",), "{port}"))])[0].settings[0]
    with pytest.raises(InvalidInput, match=r"\^A\.B"):
        places_of([place], Context(gtm.instance, None, ""))


def test_a_queue_is_counted_in_a_node(gtm):
    queue = {"hosts": "databases", "place": "global_node", "global": "^QUEUE", "subscripts": ["CATS", "waiting"]}
    found = interfaces_of([interface("CATS", 1, 2, ("^A", ("x",), "{port}"), queue=queue)])
    context = Context(gtm.instance, None, "")
    assert queue_depths([found[0].queue], context) == {"CATS": 0}
    gtm.m('set ^QUEUE("CATS","waiting")=17')
    assert queue_depths([found[0].queue], context) == {"CATS": 17}
