# SPDX-License-Identifier: GPL-3.0-or-later
"""Options in the one text of arguments that a JVM has."""

from __future__ import annotations

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_settings import with_option

ARGUMENTS = '-Xms64m -Xmx512m "-Da=b c" -XX:-UseX -verbose:gc -XX:Size=3 -Xmx600m'


def test_the_others_stay_as_they_are():
    assert with_option(ARGUMENTS, "-Xmx", ["-Xmx1g"]) == '-Xms64m "-Da=b c" -XX:-UseX -verbose:gc -XX:Size=3 -Xmx1g'
    assert with_option("-Xmx1g", "-Xmx", []) == ""
    assert with_option("", "-Xmx", ["-Xmx1g"]) == "-Xmx1g"
