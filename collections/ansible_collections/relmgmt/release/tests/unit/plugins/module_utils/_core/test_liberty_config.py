# SPDX-License-Identifier: GPL-3.0-or-later
"""The override file of one application."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import (
    Placement,
    defines_elsewhere,
    override_name,
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
