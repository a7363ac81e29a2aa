# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file of a Liberty server decides what a variable is."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_variables import hiding

OURS, OTHERS = b'<server><variable name="p" value="1"/></server>', b'<server><variable name="q" value="1"/></server>'
DEFAULT = b'<server><variable name="p" defaultValue="1"/></server>'
DROPINS = "/s/configDropins/"
SERVER, OVERRIDE = "/s/server.xml", DROPINS + "overrides/relmgmt@configuration.xml"


@pytest.mark.parametrize(
    "ours,also,hides",
    [
        (SERVER, (), ""),
        (SERVER, (DROPINS + "defaults/a.xml",), ""),
        (SERVER, (OVERRIDE,), OVERRIDE),
        (SERVER, ("/shared/included.xml",), "/shared/included.xml"),
        (SERVER, ("/shared/included.xml", OVERRIDE), OVERRIDE),
        (OVERRIDE, (SERVER,), ""),
        (OVERRIDE, (SERVER, DROPINS + "overrides/A.xml"), ""),
        (OVERRIDE, (SERVER, DROPINS + "overrides/Z.xml"), DROPINS + "overrides/Z.xml"),
        ("/s/bootstrap.properties", (), ""),
        ("/s/bootstrap.properties", (DROPINS + "defaults/a.xml",), DROPINS + "defaults/a.xml"),
    ],
)
@pytest.mark.parametrize("is_there", [True, False])
def test_the_last_file_that_gives_a_value_decides(ours, also, hides, is_there):
    files = [(path, OURS) for path in also] + [(ours, OURS)] * (is_there and ours.endswith(".xml"))
    files += [("/s/other.xml", OTHERS), (DROPINS + "overrides/zz.xml", DEFAULT)]
    assert hiding(files, "p", ours) == hides
