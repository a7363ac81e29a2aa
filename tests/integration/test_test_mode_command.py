# SPDX-License-Identifier: GPL-3.0-or-later
"""The command relmgmt-test-mode on the host itself: no controller, no upload, no collection, a full disk, a timer."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from gtm_change import CHANGE, TwoRegions
from mounts import small
from namespaces import Network, network
from test_mode_host import MEDS, PRODUCTION, TestModeHost

__all__ = ["network", "small"]

IN_PRODUCTION = [PRODUCTION, PRODUCTION, MEDS]


def make(base: Path, network: Network, state: Path | None = None) -> TestModeHost:
    gtm = TwoRegions(base / "i")
    gtm.create()
    host = TestModeHost(base, network, gtm, state)
    host.prepare()
    return host


@pytest.fixture
def host(tmp_path: Path, network: Network) -> Iterator[TestModeHost]:
    """A host in test mode, with what a tester wrote."""
    host = make(tmp_path, network)
    assert host.enter()["failed"] is False
    host.gtm.m('SET ^CASE("tester")=1')
    host.gtm.settle()
    yield host
    host.gtm.close()


def test_the_status_is_that_of_test_mode_info(host: TestModeHost) -> None:
    told = host.command("status")
    assert told.returncode == 0, told
    assert told.stdout.startswith("mode        test\n")
    assert json.loads(host.command("status", "--json").stdout)["interfaces"] == host.info()["interfaces"]
    host.properties.write_text("cats.port=5999\n")
    assert host.command("status").returncode == 1


def test_it_needs_nothing_of_the_collection(host: TestModeHost) -> None:
    command = host.state / "bin/relmgmt-test-mode"
    assert command.stat().st_mode & 0o777 == 0o750
    listed = subprocess.run(["python3", str(command), "--help"], capture_output=True, text=True, check=True,
                            cwd="/", env={"PATH": os.environ["PATH"]})
    assert all(word in listed.stdout for word in ("status", "fence", "leave", "thaw", "overdue"))
    probe = ("import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p and 'relmgmt' not in p]; "
             "sys.path.insert(0, sys.argv[1]); "
             "import ansible_collections.relmgmt.release.plugins.module_utils._module.host_command as m; "
             "print(m.__file__.startswith(sys.argv[1]), any(n == 'ansible' for n in sys.modules))")
    seen = subprocess.run(["python3", "-S", "-c", probe, str(command)], capture_output=True, text=True, check=True,
                          cwd="/", env={"PATH": os.environ["PATH"]})
    assert seen.stdout.split() == ["True", "False"]


def test_leaving_does_what_the_playbook_does(host: TestModeHost) -> None:
    shown = host.command("leave", "--outcome", "signed_off")
    assert shown.returncode == 4
    assert "a restore loses" in shown.stdout
    assert "^CASE" in shown.stdout
    assert host.document()["state"] == "on"
    left = host.command("leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez")
    assert left.returncode == 0, left
    assert host.ports() == IN_PRODUCTION
    assert host.gtm.m('WRITE $DATA(^CASE("tester"))') == "0"
    assert not host.fence_stands()
    assert host.document()["outcome"] == "signed_off"
    again = host.command("leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez")
    assert again.returncode == 0, again


def test_the_lease_of_others_is_left_alone_where_nothing_is_to_be_left(host: TestModeHost) -> None:
    words = ["leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez"]
    ledger = host.ledger()
    ledger.free_lease(CHANGE)
    assert host.command(*words).returncode == 0
    assert (ledger.lease()["number"], ledger.lease()["state"]) == (2, "free")
    ledger.take_lease("CHG0000009", {}, 3)
    assert host.command(*words).returncode == 0
    assert (ledger.lease()["change"], ledger.lease()["state"]) == ("CHG0000009", "held")
    ledger.close()


def test_a_fence_can_be_put_up_where_test_mode_was_entered_without_one(tmp_path: Path, network: Network) -> None:
    gtm = TwoRegions(tmp_path / "i")
    gtm.create()
    host = TestModeHost(tmp_path, network, gtm)
    host.backup()
    assert host.enter(without_fence="anna: nobody can reach out")["failed"] is False
    assert host.info()["ok"] is True
    assert not host.fence_stands()
    up = host.command("fence")
    assert up.returncode == 0, up
    assert host.fence_stands()


def test_the_fence_is_widened_to_where_production_has_moved(host: TestModeHost) -> None:
    ledger = host.ledger()
    fence = ledger.mode("fence")
    assert fence is not None
    rules = [{**one, "address": "10.77.1.9"} if one["interface"] == "CATS" else one for one in fence["rules"]]
    ledger.set_mode("fence", {**fence, "rules": rules})
    assert "CATS is at 10.77.1.2 too by now" in " ".join(host.info()["problems"])
    up = host.command("fence")
    assert up.returncode == 0, up
    known = ledger.mode("fence")
    ledger.close()
    assert known is not None
    assert {one["address"] for one in known["rules"] if one["interface"] == "CATS"} == {"10.77.1.2", "10.77.1.9"}
    assert host.info()["problems"] == []


def test_leaving_says_how_the_tests_ended_and_who_is_in_the_way(host: TestModeHost) -> None:
    assert "how the tests ended is not said" in host.command("leave", "--confirmed-by", "maria.lopez").stderr
    user = host.gtm.hold_open()
    refused = host.command("leave", "--outcome", "rejected", "--confirmed-by", "maria.lopez")
    assert refused.returncode == 4
    assert str(user.pid) in refused.stderr
    assert host.fence_stands()


@pytest.mark.parametrize("point", ["restore:marked", "test_mode:leaving", "test_mode:ports_verified", "fence:removing"])
def test_it_goes_on_where_it_was_cut_off(host: TestModeHost, point: str) -> None:
    words = ["leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez"]
    cut = host.command(*words, RELMGMT_FAILPOINT=point)
    assert cut.returncode == -9, cut
    left = host.command(*words)
    assert left.returncode == 0, left
    assert host.ports() == IN_PRODUCTION
    assert not host.fence_stands()


def test_what_was_written_after_a_restore_is_restored_once_more(host: TestModeHost) -> None:
    """The playbook has restored, its controller is lost, and a reboot has started what writes."""
    host.restore()
    host.gtm.m('SET ^CASE("started at boot")=1')
    host.gtm.settle()
    left = host.command("leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez")
    assert left.returncode == 0, left
    assert host.ports() == IN_PRODUCTION
    assert host.gtm.m('WRITE $DATA(^CASE("started at boot"))') == "0"


def test_users_who_are_at_work_again_lose_nothing(host: TestModeHost) -> None:
    """Cut off between the proof of production and the end; somebody has opened the application since."""
    words = ["leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez"]
    host.command(*words, RELMGMT_FAILPOINT="test_mode:ports_verified")
    ledger = host.ledger()
    number = ledger.begin_act(change=CHANGE, attempt=1, release="CFIS002", phase="", module="application",
                              target="application:CFIS", intent={"state": "open"}, undo={})
    ledger.finish_act(number, "done", {})
    ledger.close()
    host.gtm.m('SET ^CASE("user")=1')
    host.gtm.settle()
    left = host.command(*words)
    assert left.returncode == 0, left
    assert host.gtm.m('WRITE $DATA(^CASE("user"))') == "1"
    assert not host.fence_stands()


def test_a_named_person_may_accept_that_no_fence_can_stand(host: TestModeHost) -> None:
    host.network.host.run("nft", "delete", "table", "inet", "relmgmt_fence")
    words = ["leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez"]
    with host.filter_out_of_order():
        refused = host.command(*words)
        assert refused.returncode == 4
        assert "the fence does not stand" in refused.stderr
        assert "names no person" in host.command(*words, "--without-fence", "because").stderr
        left = host.command(*words, "--without-fence", "maria.lopez: nft is broken")
        assert left.returncode == 0, left
    assert host.document()["without_fence"] == "maria.lopez: nft is broken"


def test_words_that_are_no_proof_are_refused(host: TestModeHost) -> None:
    host.restore()
    refused = host.command("leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez", "--restored", "{}")
    assert refused.returncode == 4
    assert "--restored" in refused.stderr


def test_the_fence_of_whoever_enters_now_is_left_alone(host: TestModeHost) -> None:
    words = ["leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez"]
    assert host.command(*words).returncode == 0
    ledger = host.ledger()
    ledger.free_lease(CHANGE)
    ledger.take_lease("CHG0000009", {}, 5)
    ledger.add_receipt(change="CHG0000009", attempt=1, release="CFIS002", bundle_digest="b", plan_digest="p",
                       environment="sandbox", packages=[], report={}, clock="", expires=4e9)
    ledger.close()
    assert host.fence(change="CHG0000009", lease=5)["failed"] is False
    refused = host.command(*words)
    assert refused.returncode == 4, refused
    assert "the fence is that of CHG0000009" in refused.stderr
    assert host.fence_stands()


def test_another_host_believes_the_proof_that_it_printed(host: TestModeHost) -> None:
    left = host.command("leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez")
    line = next(one for one in left.stdout.splitlines() if one.startswith("proof"))
    proof = json.loads(line.split("'")[1])
    assert proof["host"] == "db1"
    assert proof["path"].endswith("/before")


def test_a_freeze_is_ended(host: TestModeHost) -> None:
    assert host.command("thaw").stdout == "CFIS was not frozen\n"
    host.gtm.engine.require(host.gtm.engine.mupip("freeze", "-on", "-online", "DEFAULT"), "freeze")
    assert host.command("thaw").returncode == 0
    assert host.gtm.m('SET ^CASE("x")=1 WRITE "ok"') == "ok"


def test_it_leaves_on_a_full_disk(tmp_path: Path, small: Path, network: Network) -> None:
    host = make(tmp_path, network, small / "state")
    assert host.enter()["failed"] is False
    assert (small / "state/reserve").stat().st_size == 4 << 20
    host.gtm.m('SET ^CASE("tester")=1')
    host.gtm.settle()
    fill(small)
    left = host.command("leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez", TMPDIR=str(small))
    assert left.returncode == 0, left
    assert not (small / "state/reserve").exists()
    assert host.ports() == IN_PRODUCTION
    assert host.document()["state"] == "off"


def test_the_modules_leave_on_a_full_disk(tmp_path: Path, small: Path, network: Network) -> None:
    host = make(tmp_path, network, small / "state")
    host.enter()
    fill(small)
    done = host.restore(worker={"call": "one", "wait": 100})
    assert done["failed"] is False, done["msg"]
    assert not (small / "state/reserve").exists()
    left = host.leave()
    assert left["failed"] is False, left["msg"]
    assert host.ports() == IN_PRODUCTION


def test_datasets_on_the_full_disk_come_back_too(tmp_path: Path, small: Path, network: Network) -> None:
    gtm = TwoRegions(small / "i")
    gtm.create()
    host = TestModeHost(tmp_path, network, gtm, small / "state")
    host.prepare()
    host.enter()
    host.gtm.m('SET ^CASE("tester")=1')
    host.gtm.settle()
    fill(small)
    left = host.command("leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez", TMPDIR=str(small))
    assert host.fence_stands() == (left.returncode != 0), left
    if left.returncode:
        assert host.document()["state"] == "on"
        (small / "filler").unlink()
        left = host.command("leave", "--outcome", "signed_off", "--confirmed-by", "maria.lopez")
    assert left.returncode == 0, left
    assert host.ports() == IN_PRODUCTION


def fill(mount: Path) -> None:
    """Leave not a block free."""
    descriptor = os.open(mount / "filler", os.O_WRONLY | os.O_CREAT)
    try:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while True:
                    os.write(descriptor, b"x" * size)
    finally:
        os.close(descriptor)
    assert os.statvfs(mount).f_bavail == 0


# -- the end time ----------------------------------------------------------------------------------


class _Mails(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        text: list[str] = []
        for raw in self.rfile:
            line = raw.decode().rstrip("\r\n")
            if text and line != ".":
                text.append(line)
                continue
            if line == ".":
                self.server.mails.append("\n".join(text))  # type: ignore[attr-defined]
                text = []
            answer = {"DATA": "354 go on", "QUIT": "221 bye"}.get(line[:4].upper(), "250 fine")
            if answer.startswith("354"):
                text = [""]
            self.wfile.write(f"{answer}\r\n".encode())
            if answer.startswith("221"):
                return


@pytest.fixture
def mails() -> Iterator[tuple[int, list[str]]]:
    """A mail server: its port and what it was given."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Mails) as server:
        server.mails = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], server.mails  # type: ignore[attr-defined]
        server.shutdown()


def mail_to(port: int) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, "sender": "relmgmt@example.org", "to": ["duty@example.org"]}


def test_the_end_time_is_told_once_and_changes_nothing(
    tmp_path: Path, network: Network, mails: tuple[int, list[str]]
) -> None:
    port, got = mails
    host = make(tmp_path, network)
    assert host.enter(ends_at=time.time() - 5, mail=mail_to(port))["failed"] is False
    assert (host.state / "test-mode/mail.json").stat().st_mode & 0o777 == 0o600
    info = host.info()
    assert (info["verdict"], info["ok"]) == ("test", False)
    assert info["overdue"] > 0
    told = host.command("overdue", within=False)
    assert (told.returncode, told.stdout) == (0, "told by mail\n"), told
    assert f"Test mode of {CHANGE} is overdue" in got[0]
    assert "bin/relmgmt-test-mode leave" in got[0].replace("=\n", "")
    assert "already" in host.command("overdue", within=False).stdout
    assert len(got) == 1
    assert host.fence_stands()
    assert host.document()["state"] == "on"


def test_nobody_to_tell_is_an_error_that_the_timer_meets_again(tmp_path: Path, network: Network) -> None:
    host = make(tmp_path, network)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host.enter(ends_at=1, mail=mail_to(closed.getsockname()[1]))
        told = host.command("overdue", within=False)
    assert told.returncode == 1
    assert "the notice could not be sent" in told.stderr


def test_a_process_waits_for_the_end_time_where_no_systemd_runs(
    tmp_path: Path, network: Network, mails: tuple[int, list[str]]
) -> None:
    port, got = mails
    host = make(tmp_path, network)
    entered = host.enter(ends_at=time.time() + 3600, mail=mail_to(port), timer={"kind": "process"})
    assert entered["timer"] == {"kind": "process"}, entered
    waiting = waiter(host)
    assert host.info()["problems"] == []
    os.kill(waiting, 9)
    until(lambda: not host.info()["ok"])
    assert any("nothing keeps the end time" in one for one in host.info()["problems"])
    assert host.enter()["changed"] is True
    assert host.info()["ok"] is True
    os.kill(waiter(host), 9)
    ledger = host.ledger()
    ledger.set_mode("test_mode", {**(host.document() or {}), "ends_at": time.time() + 0.5})
    ledger.close()
    # Outside the namespace, from which there is no way to the mail server.
    assert host.command("wait", within=False).returncode == 0
    until(lambda: len(got) == 1)


def test_a_timer_of_systemd_is_put_there_and_taken_away(tmp_path: Path, network: Network) -> None:
    host = make(tmp_path, network)
    calls, units = tmp_path / "calls", tmp_path / "units"
    units.mkdir()
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f"#!/bin/sh\necho \"$@\" >> {calls}\n")
    systemctl.chmod(0o755)
    timer = {"kind": "systemd", "unit_directory": str(units), "systemctl": str(systemctl)}
    entered = host.enter(ends_at=1893456000.0, timer=timer)
    unit = entered["timer"]["unit"]
    assert "OnCalendar=2030-01-01 00:00:00 UTC" in (units / unit).read_text()
    service = (units / unit.replace(".timer", ".service")).read_text()
    assert f"{host.state}/bin/relmgmt-test-mode overdue" in service
    assert f"enable --now {unit}" in calls.read_text()
    host.restore()
    assert host.leave()["failed"] is False
    assert list(units.iterdir()) == []
    assert f"disable --now {unit}" in calls.read_text()


def waiter(host: TestModeHost) -> int:
    """The process that waits, found by its words."""
    found = subprocess.run(["pgrep", "-f", f"{host.state}/bin/relmgmt-test-mode wait"], capture_output=True, text=True,
                           check=False).stdout.split()
    assert len(found) == 1, found
    return int(found[0])


def until(seen: Any) -> None:
    deadline = time.monotonic() + 20
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.1)
