# SPDX-License-Identifier: GPL-3.0-or-later
"""The override file of one application."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import (
    Monitoring,
    Placement,
    defines_elsewhere,
    defines_library,
    included,
    is_override,
    override_name,
    read_monitoring,
    read_override,
    render_override,
    war_name,
    war_names,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError

SHA = "0123456789abcdef" * 4


def test_what_is_rendered_is_read_back():
    data = render_override("cfis", "/cfis", war_name("cfis", SHA))
    assert read_override(data, "x") == Placement("cfis-0123456789ab.war", "/cfis")
    assert b'id="relmgmt-cfis"' in data
    assert b'name="cfis"' in data
    assert override_name("cfis") == "relmgmt-cfis.xml"


def test_only_this_applications_own_war_files_match():
    pattern = war_names("cfis")
    assert pattern.match("cfis-0123456789ab.war")
    others = ["cfis.war", "cfis2-0123456789ab.war", "cfis-0123456789ab.war.old", "cfis-0123456789ab-0123456789ab.war"]
    for other in others:
        assert not pattern.match(other)


@pytest.mark.parametrize(
    "element,defines",
    [
        ('<application name="cfis" location="x.war"/>', True),
        ('<webApplication location="cfis.war"/>', True),
        ('<enterpriseApplication location="/srv/apps/cfis.ear"/>', True),
        ('<webApplication name="other" location="cfis.war"/>', False),
        ('<variable name="cfis" value="1"/>', False),
    ],
)
def test_a_definition_elsewhere_is_found(element, defines):
    found = defines_elsewhere((f"<server>{element}</server>").encode(), "cfis", "server.xml")
    assert (found is not None) is defines


@pytest.mark.parametrize("data", [b"<server", b"<server/>", b'<!DOCTYPE a [<!ENTITY b "c">]><server/>'])
def test_an_unreadable_override_names_place_and_cure(data):
    with pytest.raises(AppServerError) as caught:
        read_override(data, "overrides/relmgmt-cfis.xml")
    assert caught.value.place == "overrides/relmgmt-cfis.xml"
    assert caught.value.cure


def test_shared_libraries_are_referred_to_and_found():
    data = render_override("cfis", "/cfis", "cfis.war", ("common", "drivers"))
    assert b'<classloader commonLibraryRef="common,drivers"/>' in data
    assert read_override(data, "x") == Placement("cfis.war", "/cfis")
    assert b"classloader" not in render_override("cfis", "/cfis", "cfis.war")
    assert defines_library(b'<server><library id="common"/></server>', "common", "x")
    assert not defines_library(b'<server><library id="common"/></server>', "com", "x")


def test_the_last_file_says_how_updates_are_taken_up():
    first = b'<server><config updateTrigger="disabled"/><applicationMonitor updateTrigger="MBean"/></server>'
    last = b'<server><config updateTrigger="mbean"/><applicationMonitor dropinsEnabled="FALSE"/></server>'
    assert read_monitoring([]) == Monitoring("polled", "polled", "dropins", True)
    assert read_monitoring([("a", first)]) == Monitoring("disabled", "mbean", "dropins", True)
    assert read_monitoring([("a", first), ("b", last)]) == Monitoring("mbean", "mbean", "dropins", False)
    there = b'<server><applicationMonitor dropins="${server.config.dir}/in"/></server>'
    assert read_monitoring([("a", there)]).dropins == "${server.config.dir}/in"


def test_a_trigger_in_a_variable_is_not_guessed_but_the_inventory_can_say_it():
    data = b'<server><config updateTrigger="${trigger}"/></server>'
    with pytest.raises(AppServerError, match="updateTrigger of <config>") as caught:
        read_monitoring([("server.xml", data)])
    assert caught.value.place == "server.xml"
    assert read_monitoring([("server.xml", data)], "mbean")[:2] == ("mbean", "mbean")


def test_names_of_overrides_and_what_is_included():
    names = ("relmgmt-cfis.xml", "relmgmt@configuration.xml", "cfis.xml")
    assert [is_override(name) for name in names] == [True, False, False]
    data = b'<server><include location="a.xml"/><include optional="true" location="b"/></server>'
    assert included(data, "x") == ["a.xml", "b"]
