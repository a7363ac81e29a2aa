# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change remembers of a server behind a proxy, with a proxy that the test is."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.proxy_state import (
    CLOSING,
    DRAINED,
    SERVING,
    Member,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, ProxyError, Refused
from ansible_collections.relmgmt.release.plugins.module_utils._module import proxy_member
from ansible_collections.relmgmt.release.plugins.module_utils._module.acts import to_undo
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome
from ansible_collections.relmgmt.release.plugins.module_utils._module.undo import UNDO
from ansible_collections.relmgmt.release.plugins.module_utils._proxies.port import Proxy

spec = importlib.util.spec_from_file_location("module_double", Path(__file__).with_name("module_double.py"))
assert spec is not None
assert spec.loader is not None
doubles = importlib.util.module_from_spec(spec)
spec.loader.exec_module(doubles)

OPTIONS = {"kind": "haproxy", "members": {"app1": "one", "app2": "two"}, "haproxy": {}}


class FakeProxy(Proxy):
    """Two servers; ``told`` is what it was told to do."""

    place = "the proxy"
    can_close = True

    def __init__(self) -> None:
        self.members = {"one": Member(SERVING), "two": Member(SERVING)}
        self.told: list[tuple[str, str]] = []
        self.requests = [0]
        self.deaf = False

    def look(self) -> dict[str, Member]:
        return dict(self.members)

    def set_state(self, name: str, state: str) -> None:
        self.told.append((name, state))
        if not self.deaf:
            self.members[name] = self.members[name]._replace(state=state, in_force=True)

    def busy(self, name: str) -> int:
        assert name in self.members
        return self.requests.pop(0) if len(self.requests) > 1 else self.requests[0]

    def affinity(self) -> bool:
        return True


class Scene:
    """A host with a lease and a receipt, and the fake before it."""

    def __init__(self, path: Path, proxy: FakeProxy) -> None:
        self.path, self.proxy = str(path / "state" / "ledger.db"), proxy
        self.params = {"change": "CHG1", "lease": 1, "proxy": OPTIONS, "member": "app1", "timeout": 0,
                       "session_seconds": 0, "going_back": False}
        host = self.host()
        host.ledger.set_host(environment="test", protected=True, sandbox=True)
        host.ledger.take_lease("CHG1", {"user": "test"}, 1)
        host.ledger.add_receipt(
            change="CHG1", attempt=1, release="CFIS002", bundle_digest="b", plan_digest="p", environment="test",
            packages=[], report=[], clock="real", expires=4e9,
        )

    def host(self, check_mode: bool = False, **params: Any) -> Host:
        return Host(doubles.ModuleDouble(check_mode, ledger=self.path, **{**self.params, **params}))

    def set(self, state: str, check_mode: bool = False, **params: Any) -> Outcome:
        return proxy_member.set_member(self.host(check_mode, state=state, **params))

    def in_force(self) -> list[dict[str, Any]]:
        return to_undo(self.host().ledger, "CHG1")


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    proxy = FakeProxy()
    monkeypatch.setattr(proxy_member, "proxy_of", lambda options: proxy)
    return Scene(tmp_path, proxy)


def test_out_and_back_leaves_nothing_to_undo(scene: Scene) -> None:
    assert scene.set("drained").changed
    assert [act["undo"]["was"] for act in scene.in_force()] == [SERVING]
    assert scene.set("as_before").changed
    assert scene.in_force() == []
    assert scene.proxy.told == [("one", DRAINED), ("one", SERVING)]


def test_what_was_before_the_change_counts_not_what_a_cut_off_run_found(scene: Scene) -> None:
    """The first run was killed before it did anything, the second found another state."""
    scene.proxy.deaf = True
    with pytest.raises(ProxyError, match="was made drained and is serving"):
        scene.set("drained")
    scene.proxy.deaf = False
    scene.proxy.members["one"] = Member(CLOSING)
    scene.set("drained")
    assert [act["undo"]["was"] for act in scene.in_force()] == [CLOSING, SERVING]
    scene.set("as_before")
    assert scene.proxy.members["one"].state == SERVING
    assert scene.in_force() == []


def test_an_act_that_changed_nothing_ends_when_the_server_is_looked_at_again(scene: Scene) -> None:
    scene.proxy.deaf = True
    with pytest.raises(ProxyError):
        scene.set("drained")
    assert not scene.set("as_before").changed
    assert scene.in_force() == []


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("other", [Member(DRAINED), Member(SERVING, healthy=False)])
def test_the_last_serving_server_is_not_drained(scene: Scene, other: Member, check_mode: bool) -> None:
    scene.proxy.members["two"] = other
    with pytest.raises(Refused, match="app1 is the last server that takes requests"):
        scene.set("drained", check_mode)
    assert (scene.proxy.told, scene.in_force()) == ([], [])


@pytest.mark.parametrize(
    "seen,params",
    [
        (Member(SERVING), {"going_back": True}),
        (Member(SERVING, healthy=False), {}),
        (Member(SERVING), {"proxy": {**OPTIONS, "members": {"app1": "one"}}}),
    ],
    ids=["going back", "dead", "the only one"],
)
def test_the_last_server_is_drained_where_nothing_is_better(
    scene: Scene, seen: Member, params: dict[str, Any]
) -> None:
    scene.proxy.members.update(one=seen, two=Member(DRAINED))
    outcome = scene.set("drained", **params)
    assert outcome.changed
    assert any("last server" in text for text in outcome.record["warnings"])


def test_closing_is_put_back_as_it_was(scene: Scene) -> None:
    scene.proxy.members["one"] = Member(CLOSING)
    scene.set("drained")
    scene.set("as_before")
    assert scene.proxy.members["one"].state == CLOSING


def test_an_untouched_server_is_left_alone(scene: Scene) -> None:
    scene.proxy.members["one"] = Member(DRAINED)
    outcome = scene.set("as_before")
    assert (outcome.changed, outcome.record["state"]) == (False, DRAINED)
    assert scene.proxy.told == []


def test_a_state_not_in_force_is_put_in_force(scene: Scene) -> None:
    scene.proxy.members["one"] = Member(DRAINED, in_force=False)
    assert scene.set("drained").changed
    assert scene.proxy.members["one"].in_force


def test_sessions_may_end_first(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(proxy_member.time, "sleep", slept.append)
    scene.set("drained", session_seconds=30)
    assert scene.proxy.told == [("one", CLOSING), ("one", DRAINED)]
    assert slept == [30]


def test_a_proxy_that_cannot_close_says_so_before_anything(scene: Scene) -> None:
    scene.proxy.can_close = False
    with pytest.raises(InvalidInput, match="cannot keep known sessions"):
        scene.set("drained", session_seconds=30)
    assert scene.proxy.told == []


@pytest.mark.parametrize("requests,left", [([3, 2, 0], 0), ([3], 3)])
def test_requests_under_way_are_waited_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, requests: list[int], left: int
) -> None:
    monkeypatch.setattr(proxy_member, "_POLL_SECONDS", 0.01)
    scene.proxy.requests = requests
    assert scene.set("drained", timeout=1 if left == 0 else 0).record["requests_left"] == left


def test_requests_that_do_not_end_are_told_by_a_run_that_joins(scene: Scene) -> None:
    """The run before was killed while it waited."""
    scene.set("drained")
    scene.proxy.requests = [3]
    outcome = scene.set("drained")
    assert (outcome.changed, outcome.record["requests_left"]) == (False, 3)
    assert ["3 requests" in text for text in outcome.record["warnings"]] == [True]


def test_a_server_that_was_dead_before_may_be_dead_again(scene: Scene) -> None:
    scene.proxy.members["one"] = Member(SERVING, healthy=False)
    scene.set("drained")
    assert scene.set("as_before").changed
    assert scene.in_force() == []


def test_a_server_that_was_alive_has_to_be_alive_again(scene: Scene) -> None:
    scene.set("drained")
    scene.proxy.members["one"] = Member(DRAINED, healthy=False)
    with pytest.raises(ProxyError, match="unable to answer"):
        scene.set("as_before")
    assert len(scene.in_force()) == 1


def test_check_mode_tells_and_touches_nothing(scene: Scene) -> None:
    outcome = scene.set("drained", check_mode=True)
    assert (outcome.changed, outcome.before, outcome.after) == (True, "app1: serving\n", "app1: drained\n")
    assert scene.proxy.told == []
    assert scene.in_force() == []


def test_the_undo_goes_to_what_the_act_found_and_is_idempotent(scene: Scene) -> None:
    scene.set("drained")
    act = scene.in_force()[0]
    for _time in range(2):
        assert UNDO["proxy_member"](act["undo"], None) == {"state": SERVING}  # type: ignore[arg-type]
    assert scene.proxy.told == [("one", DRAINED), ("one", SERVING)]


def test_a_server_brought_in_by_hand_can_be_undone(scene: Scene) -> None:
    scene.proxy.members["one"] = Member(DRAINED)
    scene.set("serving")
    assert [act["undo"]["was"] for act in scene.in_force()] == [DRAINED]
