# SPDX-License-Identifier: GPL-3.0-or-later
"""relmgmt.release.proxy_member on a real HAProxy and a real nginx, with users at work (the 12-step rule)."""

from __future__ import annotations

import contextlib
import pathlib
import re
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from programs import programs
from proxies import AppServer, HAProxyUnderTest, NginxUnderTest, RunningProxy, app_servers, free_port
from relmgmt_sandbox import web
from relmgmt_sandbox.layout import Layout
from relmgmt_sandbox.load import Load, Question, get
from web_host import newest_act, permit, run

from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger

KINDS = {"haproxy": HAProxyUnderTest, "nginx": NginxUnderTest}
CHANGE = "CHG0000007"
RELEASE = Question("/", "newer")


class Host:
    """The proxy's host: its ledger, and calls of the module on behalf of one change."""

    def __init__(self, place: pathlib.Path, proxy: RunningProxy) -> None:
        self.proxy, self.ledger = proxy, place / "state/ledger.db"
        self.allowed = permit(self.ledger, CHANGE, "CFIS002")

    def set(self, member: str, state: str, check: bool = False, **more: Any) -> dict[str, Any]:
        options = {"proxy": self.proxy.options, "member": member, "state": state, "timeout": 10, **more}
        return run("proxy_member", {**self.allowed, **options}, check)

    def roll_back(self, **more: Any) -> dict[str, Any]:
        return run("rollback", {**self.allowed, **more})

    def acts_in_force(self) -> list[str]:
        ledger = Ledger(str(self.ledger), readonly=True)
        found = [act["target"] for act in ledger.acts(CHANGE) if act["undo"].get("kind") and not act["undone_at"]]
        ledger.close()
        return found


@pytest.fixture
def servers() -> Iterator[list[AppServer]]:
    with app_servers(3) as found:
        yield found


@pytest.fixture(params=KINDS)
def host(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, servers: list[AppServer]
) -> Iterator[Host]:
    place = tmp_path_factory.mktemp("px")  # a socket's path has to be short
    proxy = KINDS[request.param](place, servers)
    yield Host(place, proxy)
    proxy.stop()


@pytest.fixture
def nginx(tmp_path_factory: pytest.TempPathFactory, servers: list[AppServer]) -> Iterator[Host]:
    place = tmp_path_factory.mktemp("px")
    proxy = NginxUnderTest(place, servers)
    yield Host(place, proxy)
    proxy.stop()


@pytest.fixture
def haproxy(tmp_path_factory: pytest.TempPathFactory, servers: list[AppServer]) -> Iterator[Host]:
    place = tmp_path_factory.mktemp("px")
    proxy = HAProxyUnderTest(place, servers)
    yield Host(place, proxy)
    proxy.stop()


def requests_reach(proxy: RunningProxy, server: AppServer) -> bool:
    before = server.requests
    for _time in range(60):
        get(proxy.port)
    return server.requests > before


def take_out_by_hand(proxy: RunningProxy, server: AppServer) -> None:
    if isinstance(proxy, HAProxyUnderTest):
        proxy.tell(f"set server cfis/{server.name} state maint")
    elif isinstance(proxy, NginxUnderTest):
        write_down(proxy, server)
        proxy.process.send_signal(1)
        time.sleep(0.5)


def write_down(proxy: NginxUnderTest, server: AppServer) -> None:
    """As an administrator with an editor, who does not reload nginx yet."""
    text = proxy.members.read_text()
    proxy.members.write_text(text.replace(f"{server.address} max_fails=0", f"{server.address} max_fails=0 down"))


def warned(result: dict[str, Any], text: str) -> bool:
    """Whether the module has warned so; ansible-core 2.19 wraps a warning's text."""
    return text in str(result.get("warnings"))


def test_every_step(host: Host, servers: list[AppServer]) -> None:
    app1 = servers[0]
    assert requests_reach(host.proxy, app1)
    planned = host.set("app1", "drained", check=True)
    assert (planned["changed"], planned["was"], planned["state"]) == (True, "serving", "drained")
    assert requests_reach(host.proxy, app1), "check mode has touched nothing"
    done = host.set("app1", "drained")
    assert done["changed"], done
    assert done["diff"] == planned["diff"] == {"before": "app1: serving\n", "after": "app1: drained\n"}
    assert (done["requests_left"], done["affinity"], len(done["serving"])) == (0, True, 2)
    assert not requests_reach(host.proxy, app1)
    assert not host.set("app1", "drained")["changed"]
    assert not host.set("app1", "drained", check=True)["changed"]
    assert host.acts_in_force() == ["member:app1"]

    back = host.set("app1", "as_before", check=True)
    assert (back["changed"], back["diff"]["after"]) == (True, "app1: serving\n")
    assert not requests_reach(host.proxy, app1)
    assert host.set("app1", "as_before")["changed"]
    assert requests_reach(host.proxy, app1)
    assert host.acts_in_force() == [], "what is back needs no undo"
    assert not host.set("app1", "as_before")["changed"]
    assert not host.set("app1", "serving")["changed"]


def test_a_server_that_somebody_else_took_out_stays_out(host: Host, servers: list[AppServer]) -> None:
    take_out_by_hand(host.proxy, servers[1])
    assert not host.set("app2", "drained")["changed"]
    assert not host.set("app2", "as_before")["changed"]
    assert not requests_reach(host.proxy, servers[1])
    assert host.set("app2", "serving")["changed"]
    assert requests_reach(host.proxy, servers[1])
    assert host.roll_back()["changed"], "going back takes it out again"
    assert not requests_reach(host.proxy, servers[1])


def test_rollback_puts_back_what_was_left_out(host: Host, servers: list[AppServer]) -> None:
    """A run was killed between drain and serve; the server itself comes first where a role says so."""
    host.set("app3", "drained")
    assert host.roll_back(leave=["proxy_member"])["undone"] == []
    assert not requests_reach(host.proxy, servers[2])
    assert [row["target"] for row in host.roll_back()["undone"]] == ["member:app3"]
    assert requests_reach(host.proxy, servers[2])
    assert not host.roll_back()["changed"]


def test_a_request_under_way_is_waited_for(host: Host, servers: list[AppServer]) -> None:
    app1 = servers[0]
    answers: list[int] = []
    slow = [threading.Thread(target=lambda: answers.append(get(host.proxy.port, "/slow")[0])) for _user in range(12)]
    for user in slow:
        user.start()
    deadline = time.monotonic() + 5
    while not app1.requests:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert host.set("app1", "drained")["requests_left"] == 0
    app1.being_changed = True
    for user in slow:
        user.join()
    assert answers == [200] * 12


def test_what_does_not_end_in_time_is_told(host: Host, servers: list[AppServer]) -> None:
    users = [threading.Thread(target=get, args=(host.proxy.port, "/slow")) for _user in range(12)]
    for user in users:
        user.start()
    while not servers[0].requests:
        time.sleep(0.01)
    result = host.set("app1", "drained", timeout=0)
    for user in users:
        user.join()
    assert result["requests_left"] > 0
    assert warned(result, "had not ended after 0 s")


def test_the_last_server_is_told(host: Host, servers: list[AppServer]) -> None:
    assert not warned(host.set("app1", "drained"), "last server")
    host.set("app2", "drained")
    refused = host.set("app3", "drained")
    assert refused["failed"]
    assert "app3 is the last server that takes requests" in refused["msg"]
    assert requests_reach(host.proxy, servers[2])
    assert warned(host.set("app3", "drained", going_back=True), "last server that took requests")


def test_names_that_are_not_there(host: Host) -> None:
    unknown = host.set("app9", "drained")
    assert unknown["failed"]
    assert "no member app9" in unknown["msg"]
    host.proxy.options["members"]["app9"] = "192.0.2.9:80"
    unknown = host.set("app9", "drained")
    assert unknown["failed"]
    assert "the proxy knows no server 192.0.2.9:80" in unknown["msg"]


def test_no_receipt_no_change(host: Host, servers: list[AppServer]) -> None:
    refused = host.set("app1", "drained", lease=99)
    assert refused["failed"]
    assert "lease" in refused["msg"]
    assert requests_reach(host.proxy, servers[0])


@pytest.mark.parametrize(
    "kinds", [(NginxUnderTest,), (HAProxyUnderTest, HAProxyUnderTest)], ids=["nginx", "two of HAProxy side by side"]
)
def test_a_rollout_loses_no_request_and_no_session_goes_back(
    kinds: tuple[type[RunningProxy], ...], tmp_path_factory: pytest.TempPathFactory, servers: list[AppServer]
) -> None:
    """Users at each proxy; what the role roll_out does, with a deployment that answers nobody."""
    with contextlib.ExitStack() as stack:
        hosts = [Host(place, kind(place, servers)) for kind in kinds for place in [tmp_path_factory.mktemp("px")]]
        for host in hosts:
            stack.callback(host.proxy.stop)
        with contextlib.ExitStack() as users:
            loads = [users.enter_context(Load(host.proxy.port, [RELEASE], users=8)) for host in hosts]
            for server in servers:
                for host in hosts:
                    assert host.set(server.name, "drained")["requests_left"] == 0
                server.being_changed = True
                time.sleep(0.3)
                server.release, server.being_changed = "newer", False
                for host in hosts:
                    assert host.set(server.name, "as_before")["changed"]
            time.sleep(0.3)
    for load in loads:
        assert (load.lost, load.backwards) == ([], [])
        assert 100 < load.newer_seen < load.answers
    assert all(server.requests for server in servers)


def test_the_load_would_have_noticed(host: Host, servers: list[AppServer]) -> None:
    """The same without draining: the instrument shows what it is there to show."""
    with Load(host.proxy.port, [RELEASE]) as load:
        time.sleep(0.3)
        servers[0].being_changed = True
        time.sleep(0.3)
        servers[0].being_changed = False
        for server in servers:
            server.release = "newer"
        time.sleep(0.3)
        servers[1].release = "older"
        time.sleep(0.3)
    assert load.lost
    assert load.backwards


@pytest.mark.parametrize("kind,affinity", [("haproxy", "# none"), ("nginx", False)])
def test_a_proxy_without_affinity_is_told(
    kind: str, affinity: Any, tmp_path_factory: pytest.TempPathFactory, servers: list[AppServer]
) -> None:
    place = tmp_path_factory.mktemp("px")
    proxy = KINDS[kind](place, servers, affinity)
    try:
        result = Host(place, proxy).set("app1", "drained")
    finally:
        proxy.stop()
    assert not result["affinity"]
    assert warned(result, "does not hold a session to its server")


def test_the_sandbox_entry_names_the_server_that_answered(
    tmp_path_factory: pytest.TempPathFactory, servers: list[AppServer]
) -> None:
    """nginx has tried another one first, and tells both addresses."""
    place = tmp_path_factory.mktemp("px")
    proxy, layout = RunningProxy(place, servers), Layout(place, 2)
    ports = {"entry": proxy.port, "testers_entry": free_port(), "http_app1": free_port(),
             "http_app2": servers[1].server_port}
    web.configure(layout, ports)
    addresses = web.members(layout, ports)
    try:
        proxy.start(web.command(layout, programs()))
        status, _text, cookie = get(proxy.port, "/cfis/", f"cfis_route={addresses['app1']}")
    finally:
        proxy.stop()
    assert (status, cookie) == (200, f"cfis_route={addresses['app2']}")


def test_nginx_file_keeps_everything_else(nginx: Host) -> None:
    before = nginx.proxy.members.read_text()
    nginx.set("app2", "drained")
    drained = nginx.proxy.members.read_text()
    assert drained.replace(" down;", ";") == before
    assert len(re.findall(r" down;", drained)) == 4, "in each upstream"
    nginx.set("app2", "as_before")
    assert nginx.proxy.members.read_text() == before


def test_nginx_refuses_its_configuration(nginx: Host, servers: list[AppServer]) -> None:
    """Somebody has left the configuration broken: nothing is written, and the cause is told."""
    before = nginx.proxy.members.read_text()
    nginx.proxy.config.write_text(nginx.proxy.config.read_text().replace("worker_processes", "worker_proceses"))
    result = nginx.set("app1", "drained")
    assert result["failed"]
    assert "worker_proceses" in result["msg"]
    assert nginx.proxy.members.read_text() == before
    assert requests_reach(nginx.proxy, servers[0])


def test_nginx_that_does_not_reload(nginx: Host, servers: list[AppServer]) -> None:
    """The file must not wait, changed, for somebody else's reload."""
    before = nginx.proxy.members.read_text()
    nginx.proxy.options["nginx"]["reload"] = ["false"]
    result = nginx.set("app1", "drained")
    assert result["failed"]
    assert "nginx does not reload" in result["msg"]
    assert "the file is as it was" in result["msg"]
    assert nginx.proxy.members.read_text() == before
    assert requests_reach(nginx.proxy, servers[0])
    assert not nginx.roll_back()["failed"], "nothing has to be reloaded for the way back"
    assert nginx.acts_in_force() == []
    nginx.proxy.options["nginx"]["reload"] = []
    nginx.proxy.stop()
    result = nginx.set("app1", "drained")
    assert "nginx does not run" in result["msg"]
    assert nginx.proxy.members.read_text() == before


def test_nginx_that_was_not_reloaded_is_put_in_force(nginx: Host, servers: list[AppServer]) -> None:
    """The run was killed after the write: the file says drained, the workers do not know it."""
    write_down(nginx.proxy, servers[0])
    assert requests_reach(nginx.proxy, servers[0])
    assert nginx.set("app1", "drained")["changed"]
    assert not requests_reach(nginx.proxy, servers[0])
    assert not nginx.set("app1", "drained")["changed"]


def test_nginx_whose_upstream_does_not_include_the_file(nginx: Host, tmp_path: pathlib.Path) -> None:
    other = tmp_path / "other.conf"
    other.write_text(nginx.proxy.members.read_text())
    nginx.proxy.options["nginx"]["members_file"] = str(other)
    result = nginx.set("app1", "drained")
    assert result["failed"]
    assert "no upstream of nginx has its servers from this file" in result["msg"]


def test_of_a_batch_of_all_servers_one_goes_on(host: Host) -> None:
    """relmgmt_serial is too great: each is drained by a worker, in turn, as the action has it."""
    results: list[dict[str, Any]] = []
    batch = [threading.Thread(target=lambda name=name: results.append(
        host.set(name, "drained", worker={"call": name, "wait": 20}))) for name in ("app1", "app2", "app3")]
    for each in batch:
        each.start()
    for each in batch:
        each.join()
    assert sorted(result["failed"] for result in results) == [False, False, True], results
    assert [get(host.proxy.port)[0] for _time in range(3)] == [200] * 3


def test_nginx_two_at_once_both_count(nginx: Host, servers: list[AppServer]) -> None:
    """Two servers of one batch are drained at the same time."""
    results: list[dict[str, Any]] = []
    both = [threading.Thread(target=lambda name=name: results.append(nginx.set(name, "drained")))
            for name in ("app1", "app2")]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert [result.get("changed") for result in results] == [True, True], results
    assert not requests_reach(nginx.proxy, servers[0])
    assert not requests_reach(nginx.proxy, servers[1])


def test_nginx_waits_for_a_request_that_is_still_being_sent(nginx: Host, servers: list[AppServer]) -> None:
    """An old worker has it, and will send it to the server that it knew when it began to read."""
    with socket.create_connection(("127.0.0.1", nginx.proxy.port)) as user:
        user.sendall(f"GET / HTTP/1.0\r\nCookie: route={servers[0].address}\r\n".encode())
        time.sleep(0.3)
        assert nginx.set("app1", "drained", timeout=1)["requests_left"] > 0
        user.sendall(b"\r\n")
        assert b" 200 " in user.recv(4096)
    assert servers[0].requests == 1
    assert nginx.set("app1", "drained")["requests_left"] == 0


def test_nginx_knows_no_sessions_that_may_end(nginx: Host) -> None:
    result = nginx.set("app1", "drained", session_seconds=5)
    assert result["failed"]
    assert "leave session_seconds out" in result["msg"]


def test_haproxy_lets_sessions_end_where_they_began(haproxy: Host, servers: list[AppServer]) -> None:
    proxy = haproxy.proxy
    cookie = next(given for _time in range(20) if (given := get(proxy.port)[2]) == "SRV=app1")
    drain = threading.Thread(target=haproxy.set, args=("app1", "drained"), kwargs={"session_seconds": 4})
    drain.start()
    deadline = time.monotonic() + 3
    while "DRAIN" not in proxy.tell("show stat"):
        assert time.monotonic() < deadline
    before = servers[0].requests
    get(proxy.port, "/", cookie)
    assert servers[0].requests == before + 1, "a session that began there is still served there"
    assert not requests_reach(proxy, servers[0]), "new ones are not"
    drain.join()
    before = servers[0].requests
    assert get(proxy.port, "/", cookie)[2].startswith("SRV=app"), "now it is given another server"
    assert servers[0].requests == before
    assert newest_act(haproxy.ledger)["detail"]["state"] == "drained"


def test_a_drain_outlives_the_connection_and_is_joined(haproxy: Host) -> None:
    """The module's first answer is the last that its action hears; then the same run comes again."""
    options = {"session_seconds": 2}
    begun = haproxy.set("app1", "drained", worker={"call": "a", "wait": 0}, **options)
    assert begun["in_progress"]["module"] == "proxy_member", begun
    waiting = haproxy.set("app1", "as_before", worker={"call": "b", "wait": 0})
    assert waiting["in_progress"]["waits_for"]["id"] == begun["in_progress"]["id"], "nothing goes back beside it"
    done = haproxy.set("app1", "drained", worker={"call": "c", "wait": 20}, **options)
    assert (done["changed"], done["state"], done["worker"]["joined"]) == (True, "drained", True)
    assert haproxy.acts_in_force() == ["member:app1"]


def test_haproxy_that_finds_the_server_dead_is_told(haproxy: Host, servers: list[AppServer]) -> None:
    haproxy.set("app1", "drained")
    servers[0].shutdown()
    servers[0].server_close()
    result = haproxy.set("app1", "as_before", timeout=1)
    assert result["failed"]
    assert "unable to answer" in result["msg"]
    assert haproxy.acts_in_force() == ["member:app1"]


def test_haproxy_dead_server_that_an_administrator_is_closing(haproxy: Host, servers: list[AppServer]) -> None:
    """The statistics say DOWN, not DRAIN; it was closing, and is put back as that."""
    haproxy.proxy.tell("set server cfis/app1 state drain")
    servers[0].shutdown()
    servers[0].server_close()
    deadline = time.monotonic() + 5
    while "DOWN" not in haproxy.proxy.tell("show stat"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert haproxy.set("app1", "drained")["was"] == "closing"
    result = haproxy.set("app1", "as_before")
    assert (result.get("state"), haproxy.acts_in_force()) == ("closing", []), result


def test_haproxy_socket_without_the_level(
    tmp_path_factory: pytest.TempPathFactory, servers: list[AppServer]
) -> None:
    place = tmp_path_factory.mktemp("px")
    proxy = HAProxyUnderTest(place, servers, level="operator")
    try:
        result = Host(place, proxy).set("app1", "drained")
    finally:
        proxy.stop()
    assert result["failed"]
    assert "level admin" in result["msg"]


def test_haproxy_that_does_not_run(haproxy: Host) -> None:
    haproxy.proxy.stop()
    result = haproxy.set("app1", "drained")
    assert result["failed"]
    assert "stats socket does not answer" in result["msg"]
