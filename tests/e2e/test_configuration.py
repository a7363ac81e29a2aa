# SPDX-License-Identifier: GPL-3.0-or-later
"""A release of the web half alone, with configuration: applied on every server, undone, and no outage (A9, A15)."""

from __future__ import annotations

import shutil
from pathlib import Path

from environment import REPO, Environment
from relmgmt_sandbox.bundles import authorised

FRAGMENT = "<server>\n    <httpSession invalidationTimeout=\"20m\"/>\n</server>\n"
CHECK = {"name": "the WAR is the release's", "path": "/cfis/api/status", "jmespath": "war.release == 'CFIS002'"}


def web_release(root: Path, name: str) -> Path:
    directory = root / "bundles" / name
    directory.mkdir(parents=True)
    shutil.copy(REPO / "examples/bundles/CFIS002/cfis.war", directory)
    (directory / "session.xml").write_text(FRAGMENT)
    packages = [{"type": "war", "file": "cfis.war", "application": "cfis"}]
    configuration = [
        {"type": "variable", "name": "cfis.note", "value": "as the release notes say"},
        {"type": "fragment", "name": "session", "file": "session.xml"},
    ]
    return authorised(root, name, packages, [CHECK], configuration=configuration)


def overrides(environment: Environment, host: str) -> Path:
    return environment.root / "hosts" / host / "wlp-usr/servers/cfis/configDropins/overrides"


def test_configuration_goes_with_its_release_and_back_and_the_entry_stays_open(
    installed: Environment, tmp_path: Path
) -> None:
    before = installed.snapshot()
    ticket = web_release(tmp_path, "CFIS070")
    run = installed.release(ticket, "-e", "relmgmt_serial=2")
    assert (run.status, run.verdict) == (0, "done"), run.output
    assert "outage: the web entry stays open" in run.output
    assert run.output.count("PLAY [Deploy | Roll the web application out]") == 2, "two servers, then the third"
    for host in ("app1", "app2", "app3"):
        text = (overrides(installed, host) / "relmgmt@configuration.xml").read_text()
        assert '<variable name="cfis.note" value="as the release notes say"/>' in text
        assert "relmgmt/session-" in text
    for host in ("db1", "web1"):
        # Nothing was stopped, and so nothing was started: the reopening finds everything open.
        assert not installed.ledger(host, "SELECT 1 FROM act WHERE change='CHG-CFIS070' AND module='application'")
    again = installed.play("release", ticket)
    assert (again.status, again.verdict) == (0, "nothing_to_do"), again.output

    back = installed.play("rollback", ticket)
    assert (back.status, back.verdict) == (0, "rolled_back"), back.output
    assert installed.snapshot() == before
