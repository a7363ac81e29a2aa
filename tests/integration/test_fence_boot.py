# SPDX-License-Identifier: GPL-3.0-or-later
"""The fence after a reboot: units as systemd reads them, what they start, and every crash on the way.

systemctl here is the real one, where there is one, on a root directory of the test's own; that systemd runs is
pretended.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from fenced_host import CATS, OUTSIDE, Hosts, hosts
from module_runner import COLLECTIONS, run_module_raw
from namespaces import network

from ansible_collections.relmgmt.release.plugins.module_utils._fence.boot import LOST_BY_REBOOT, lost_by_reboot

__all__ = ["hosts", "network"]

UNIT = "relmgmt-fence.service"
_SYSTEMCTL = """#!/bin/sh
shift
echo "$*" >> {root}/calls
case $1 in
is-system-running) echo {state};;
daemon-reload) ;;
stop) test -e {units}/cfis.service.d/relmgmt-fence.conf && echo the application would stop >&2 && exit 1; exit 0;;
*)
    command -v systemctl > /dev/null && exec systemctl --root={root} "$@"
    link={units}/sysinit.target.wants/$2
    case $1 in enable) mkdir -p "${{link%/*}}" && ln -sf "../$2" "$link";; disable) rm -f "$link";; esac;;
esac
"""
_APPLICATION = "[Unit]\nDescription=CFIS\n[Service]\nExecStart=/bin/true\n"


class Systemd(NamedTuple):
    """A root directory, and the option that leads there."""

    root: Path
    boot: dict[str, Any]

    @property
    def units(self) -> Path:
        return self.root / "etc/systemd/system"

    def files(self) -> set[str]:
        """What is there beside the application's own."""
        found = {path.name if path.parent == self.units else f"{path.parent.name}/{path.name}"
                 for path in self.units.rglob("*") if not path.is_dir() or path.is_symlink()}
        return found - {"cfis.service", "web.service"}

    def calls(self) -> list[str]:
        return (self.root / "calls").read_text().splitlines()


@pytest.fixture
def systemd(tmp_path: Path) -> Systemd:
    made = Systemd(tmp_path / "root", {})
    made.units.mkdir(parents=True)
    for name in ("cfis.service", "web.service"):
        (made.units / name).write_text(_APPLICATION)
    made.boot.update(kind="systemd", unit_directory=str(made.units), systemctl=pretend(made, "running"),
                     before=["cfis.service"])
    return made


def pretend(systemd: Systemd, state: str) -> str:
    """A systemctl that says this of the system."""
    program = systemd.root / "systemctl"
    program.write_text(_SYSTEMCTL.format(root=systemd.root, units=systemd.units, state=state))
    program.chmod(0o755)
    return str(program)


ALL = {UNIT, f"sysinit.target.wants/{UNIT}", "cfis.service.d/relmgmt-fence.conf",
       "nftables.service.d/relmgmt-fence.conf"}


def start_command(systemd: Systemd) -> list[str]:
    lines = (systemd.units / UNIT).read_text().splitlines()
    return shlex.split(next(line for line in lines if line.startswith("ExecStart=")).partition("=")[2])


def test_the_unit_puts_the_fence_up_again(hosts: Hosts, systemd: Systemd) -> None:
    outside, ours = hosts.network.outside.peer(), hosts.network.host.peer()
    outside.listen("production", OUTSIDE, CATS)
    result = hosts.fence(boot=systemd.boot)
    assert result["after_reboot"]
    assert systemd.files() == ALL
    hosts.nft("flush", "ruleset")  # a reboot
    assert ours.connect("open", OUTSIDE, CATS) == ""
    hosts.network.host.run(*start_command(systemd))
    assert ours.connect("shut", OUTSIDE, CATS) == "Connection refused"
    assert not hosts.fence(boot=systemd.boot)["changed"]
    assert (hosts.state / "fence/fence.nft").stat().st_mode & 0o777 == 0o600


def test_systemd_reads_the_units(hosts: Hosts, systemd: Systemd) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("untested: this machine has no systemd-analyze")
    hosts.fence(boot=systemd.boot)
    done = subprocess.run(
        [program, "verify", UNIT, "cfis.service"], capture_output=True, text=True, check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{systemd.units}:/lib/systemd/system:/usr/lib/systemd/system"},
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    unit = (systemd.units / UNIT).read_text()
    for line in ("DefaultDependencies=no", "Wants=network-pre.target", "RemainAfterExit=yes"):
        assert line in unit.splitlines()
    assert "network-pre.target" in next(line for line in unit.splitlines() if line.startswith("Before="))
    drop_in = (systemd.units / "cfis.service.d/relmgmt-fence.conf").read_text().splitlines()
    assert {f"Requires={UNIT}", f"After={UNIT}"} <= set(drop_in)


def test_what_flushes_every_table_puts_ours_up_again(hosts: Hosts, systemd: Systemd) -> None:
    hosts.fence(boot=systemd.boot)
    lines = (systemd.units / "nftables.service.d/relmgmt-fence.conf").read_text().splitlines()
    again = {line.partition("=")[0]: shlex.split(line.partition("=")[2]) for line in lines if line.startswith("Exec")}
    assert set(again) == {"ExecStartPost", "ExecReload", "ExecStopPost"}
    assert all(command == start_command(systemd) for command in again.values())


def test_a_file_that_somebody_changed_is_written_again(hosts: Hosts, systemd: Systemd) -> None:
    hosts.fence(boot=systemd.boot)
    for damage in (lambda: (systemd.units / UNIT).write_text("[Service]\nExecStart=/bin/true\n"),
                   lambda: (systemd.units / "cfis.service.d/relmgmt-fence.conf").unlink(),
                   lambda: (systemd.units / "sysinit.target.wants" / UNIT).unlink(),
                   lambda: (hosts.state / "fence/fence.nft").write_text("")):
        damage()
        assert hosts.fence(check=True, boot=systemd.boot)["changed"]
        assert hosts.fence(boot=systemd.boot)["was"]
        assert systemd.files() == ALL
        assert not hosts.fence(boot=systemd.boot)["changed"]


def test_whether_a_reboot_loses_it_is_told(hosts: Hosts, systemd: Systemd) -> None:
    hosts.fence(boot=systemd.boot)
    assert lost_by_reboot(hosts.document() or {}, str(hosts.state)) == []
    (systemd.units / UNIT).unlink()
    assert len(lost_by_reboot(hosts.document() or {}, str(hosts.state))) == 1
    hosts.fence(boot={**systemd.boot, "kind": "none"})
    assert lost_by_reboot(hosts.document() or {}, str(hosts.state)) == [LOST_BY_REBOOT]


def test_other_units_of_the_application(hosts: Hosts, systemd: Systemd) -> None:
    hosts.fence(boot=systemd.boot)
    assert hosts.fence(boot={**systemd.boot, "before": ["web.service"]})["changed"]
    assert systemd.files() == {one.replace("cfis", "web") for one in ALL}
    assert hosts.fence(boot={**systemd.boot, "kind": "none"})["changed"]
    assert systemd.files() == set()
    assert hosts.table_is_there()


def test_absent_leaves_nothing_and_stops_no_application(hosts: Hosts, systemd: Systemd) -> None:
    (systemd.units / "cfis.service.d").mkdir()
    (systemd.units / "cfis.service.d/site.conf").write_text("[Unit]\n")
    hosts.fence(boot=systemd.boot)
    result = hosts.fence(state="absent", boot=systemd.boot)
    assert result["changed"]
    assert systemd.files() == {"cfis.service.d/site.conf"}
    assert f"stop {UNIT}" in systemd.calls()
    assert "warnings" not in result
    assert not hosts.fence(state="absent", boot=systemd.boot)["changed"]


def test_absent_asks_the_ledger_where_the_files_are(hosts: Hosts, systemd: Systemd) -> None:
    """An inventory that was changed or lost is no reason to leave them (invariant 14)."""
    hosts.fence(boot=systemd.boot)
    hosts.fence(state="absent")
    assert systemd.files() == set()


_LIFT = """
import os, sys
from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_fence import lift
try:
    print(lift(Ledger(sys.argv[1]), os.path.dirname(sys.argv[1])))
except Refused as error:
    print(error.message)
"""


def test_the_host_takes_everything_away_without_a_cycle(hosts: Hosts, systemd: Systemd) -> None:
    program = f"import sys; sys.path.insert(0, {str(COLLECTIONS)!r}){_LIFT}"
    command = [sys.executable, "-c", program, str(hosts.state / "ledger.db")]
    hosts.fence(boot=systemd.boot)
    hosts.set_test_mode(state="leaving")
    assert hosts.network.host.run(*command).startswith("the fence stays: ")
    assert (hosts.table_is_there(), systemd.files()) == (True, ALL)
    hosts.set_test_mode(state="off")
    assert hosts.network.host.run(*command) == "[]\n"
    assert (hosts.table_is_there(), systemd.files(), hosts.document()) == (False, set(), None)
    assert hosts.network.host.run(*command) == "[]\n"


def test_absent_works_where_systemd_does_not_answer(hosts: Hosts, systemd: Systemd) -> None:
    hosts.fence(boot=systemd.boot)
    pretend(systemd, "offline")
    assert hosts.fence(state="absent", boot=systemd.boot)["changed"]
    assert systemd.files() == set()


def test_a_host_that_systemd_does_not_run(hosts: Hosts, systemd: Systemd) -> None:
    pretend(systemd, "offline")
    error = hosts.refused(boot=systemd.boot)
    assert error["kind"] == "FenceError"
    assert "boot.kind" in error["cure"]
    assert not hosts.table_is_there()
    assert systemd.files() == set()


def test_a_unit_that_is_none(hosts: Hosts, systemd: Systemd) -> None:
    assert hosts.refused(boot={**systemd.boot, "before": ["../../x.service"]})["kind"] == "InvalidInput"


UP = ["fence:recorded", "fence:script", "fence:unit", "fence:enabled", "fence:up", "fence:standing"]
DOWN = ["fence:removing", "fence:down", "fence:drop-in-gone", "fence:unit-gone", "fence:script-gone",
        "fence:removed", "fence:forgotten"]


@pytest.mark.parametrize("where", UP)
@pytest.mark.parametrize("then", ["present", "absent"])
def test_putting_it_up_cut_off(hosts: Hosts, systemd: Systemd, where: str, then: str) -> None:
    hosts.cut_off(where, boot=systemd.boot)
    assert (hosts.document() or {})["state"] == ("standing" if where == "fence:standing" else "raising")
    # whatever stands comes back
    assert not hosts.table_is_there() or systemd.files() == ALL
    result = hosts.fence(state=then, boot=systemd.boot)
    assert result["changed"] == (then == "absent" or where != "fence:standing")
    assert systemd.files() == (ALL if then == "present" else set())
    assert hosts.table_is_there() == (then == "present")
    assert not hosts.fence(state=then, boot=systemd.boot)["changed"]


@pytest.mark.parametrize("where", DOWN)
@pytest.mark.parametrize("then", ["present", "absent"])
def test_taking_it_down_cut_off(hosts: Hosts, systemd: Systemd, where: str, then: str) -> None:
    hosts.fence(boot=systemd.boot)
    hosts.cut_off(where, state="absent", boot=systemd.boot)
    document = hosts.document()
    left = hosts.table_is_there() or bool(systemd.files())
    # whatever is left, the ledger tells
    assert (document or {}).get("state") == (None if where == "fence:forgotten" else "removing")
    assert not left or document is not None
    result = hosts.fence(state=then, boot=systemd.boot)
    assert result["changed"] == (then == "present" or where != "fence:forgotten")
    assert systemd.files() == (ALL if then == "present" else set())
    assert hosts.table_is_there() == (then == "present")
    assert (hosts.document() or {}).get("state") == ("standing" if then == "present" else None)


@pytest.mark.parametrize("where", ["fence:script", "fence:unit", "fence:up"])
def test_other_units_cut_off_leave_none_behind(hosts: Hosts, systemd: Systemd, where: str) -> None:
    hosts.fence(boot=systemd.boot)
    other = {**systemd.boot, "before": ["web.service"]}
    hosts.cut_off(where, boot=other)
    assert hosts.table_is_there()
    hosts.fence(boot=other)
    assert systemd.files() == {one.replace("cfis", "web") for one in ALL}


def test_a_full_disk_while_it_goes_up(hosts: Hosts, systemd: Systemd) -> None:
    result = run_module_raw("interface_fence", hosts.args(boot=systemd.boot),
                            environment={"RELMGMT_FAILPOINT": "fence:unit:error"}, within=hosts.network.host.within)
    assert result["failed"]
    assert (hosts.document() or {})["state"] == "raising"
    assert hosts.ledger().acts()[0]["outcome"] == "failed"
    assert hosts.fence(boot=systemd.boot)["changed"]
