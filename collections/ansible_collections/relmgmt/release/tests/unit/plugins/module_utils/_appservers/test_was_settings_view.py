# SPDX-License-Identifier: GPL-3.0-or-later
"""An option in the one text of arguments that a JVM has."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_settings_view import option_in

ARGUMENTS = '-Xms64m -Xmx512m "-Da=b c" -XX:-UseX -verbose:gc -XX:Size=3 -Xmx600m'


@pytest.mark.parametrize("name, found", [
    ("-Xmx", "-Xmx600m"), ("-Xms", "-Xms64m"), ("-XX:UseX", "-XX:-UseX"), ("-XX:Size", "-XX:Size=3"),
    ("-verbose:gc", "-verbose:gc"), ("-XX:Use", None), ("-Xm", None), ("-verbose", None), ('"-Da=b c"', '"-Da=b c"'),
])
def test_an_option_is_found_by_what_it_stands_for_and_the_last_one_counts(name, found):
    assert option_in(ARGUMENTS, name) == found
