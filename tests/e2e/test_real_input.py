# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases of what nobody here wrote: Debian's M utilities, jolokia's WAR, chart.js, nodem."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import real_input
from environment import Environment


def compiler_says(environment: Environment, source: str, scratch: Path) -> list[tuple[str, str]]:
    """Line and message of each error, from the compiler itself."""
    dist = environment.variables("db1")["relmgmt_instance"]["gtm"]["dist"]
    path = scratch / "v4wNode.m"
    path.write_text(source)
    done = subprocess.run([f"{dist}/mumps", "-noobject", str(path)], env={**os.environ, "gtm_dist": dist},
                          cwd=scratch, capture_output=True, text=True, check=False)
    return re.findall(r"line (\d+), source module.*\n%GTM-E-\w+, (.*)", done.stderr)


@pytest.mark.rotating
def test_real_packages_are_released_and_taken_back(installed: Environment, tmp_path: Path) -> None:
    before = installed.snapshot()
    dist = Path(installed.variables("db1")["relmgmt_instance"]["gtm"]["dist"])
    routines = real_input.utilities(dist)
    assert len(routines) > 40
    ticket = real_input.real_release(tmp_path, "RFRL001", routines)
    run = installed.release(ticket)
    assert (run.status, run.verdict) == (0, "done"), run.output
    after = installed.routines()
    for name in routines:
        assert "_" + name[1:] + ".m" in after
    assert "Chart.js" in installed.entry("/static/chart.umd.js")[1]
    assert '"agentType":"servlet"' in installed.server("app2", "/jolokia/version")[1]
    again = installed.play("release", ticket)
    assert set(again.changed.values()) == {0}, again.output
    back = installed.play("rollback", ticket)
    assert (back.status, back.verdict) == (0, "rolled_back"), back.output
    assert installed.snapshot() == before


@pytest.mark.rotating
def test_a_routine_that_does_not_compile_is_named_in_both_places(installed: Environment, tmp_path: Path) -> None:
    before = installed.snapshot()
    source = (real_input.npm(real_input.ROUTINES) / "src" / "v4wNode.m").read_text()
    ticket = real_input.real_release(tmp_path, "RFRL002", {"v4wNode": source})
    run = installed.release(ticket)
    assert (run.status, run.verdict) == (2, "restored"), run.output
    places = compiler_says(installed, source, tmp_path)
    assert len(places) == 2
    for line, message in places:
        assert re.search(rf"v4wNode\.\w+.*line {line}\b", run.output), run.output
        assert message in run.output
    assert installed.snapshot() == before
    assert "Database release CFIS001" in installed.entry()[1]
