# SPDX-License-Identifier: GPL-3.0-or-later
"""Test mode against a model of a host (invariant 1).

Whatever is entered, cut off, gone on with, signed off and rejected: nothing that holds test data can reach production.

The ledger, the work of ``test_mode``, ``restore``'s condition and the fence's are the real ones.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ansible_collections.relmgmt.release.plugins.module_utils._core import test_mode as core
from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import Rule
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_rules import Setting
from ansible_collections.relmgmt.release.plugins.module_utils._core.writes import NONE
from ansible_collections.relmgmt.release.plugins.module_utils._errors import Refused, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._fence.nft import Standing
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module import host_command_install, interface_fence
from ansible_collections.relmgmt.release.plugins.module_utils._module.application import set_state
from ansible_collections.relmgmt.release.plugins.module_utils._module.host_lock import switching
from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_site import Given
from ansible_collections.relmgmt.release.plugins.module_utils._module.restore import require_fence
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host, Outcome
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode import switch
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_info import look
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_scene import World

spec = importlib.util.spec_from_file_location("module_double", Path(__file__).with_name("module_double.py"))
assert spec is not None
assert spec.loader is not None
doubles = importlib.util.module_from_spec(spec)
spec.loader.exec_module(doubles)

CHANGE = "CHG1"
VALUES = {"production": "5100", "test": "5101"}
INSIDE, OUTSIDE = "CATS global_node ^A", "CATS file /etc/cfis"
FENCE = {"table": "relmgmt_fence", "nft": "nft", "state": "standing", "since": 1.0,
         "boot": {"kind": "none", "unit_directory": "/x", "systemctl": "systemctl", "before": []}, "rules": []}
INSTANCE = {"name": "CFIS", "engine": "gtm", "gtm": {}}


class Crash(BaseException):
    """The process is gone: nothing after this runs, not even what handles errors."""


class Fuse:
    """Blows after so many things that a process does to the world; 0: never."""

    def __init__(self) -> None:
        self.left = 0

    def burn(self) -> None:
        if self.left:
            self.left -= 1
            if not self.left:
                raise Crash


class FusedLedger(Ledger):
    """A ledger whose process may die before or after any transaction."""

    fuse = Fuse()

    @contextmanager
    def _transaction(self, event: str, entry: dict[str, Any]) -> Iterator[None]:
        self.fuse.burn()
        with super()._transaction(event, entry):
            yield
        self.fuse.burn()


class Model:
    """One database host: its settings, what its datasets hold, its fence."""

    def __init__(self, base: Path, inside: bool = True) -> None:
        self.base = base
        self.path = str(base / "state" / "ledger.db")
        self.fuse = Fuse()
        self.values: dict[str, str | None] = {OUTSIDE: "5100", **({INSIDE: "5100"} if inside else {})}
        self.holds_test_data = False
        self.fence_is_up = False
        self.flushed = False
        self.filter_is_broken = False
        self.time = 1000.0
        self.queues: dict[str, int] = {}
        self.connections: list[dict[str, Any]] = []
        point = base / "before"
        point.mkdir()
        ledger = self.ledger()
        ledger.set_host(environment="sandbox", protected=True, sandbox=True)
        ledger.take_lease(CHANGE, {}, 1)
        ledger.add_receipt(change=CHANGE, attempt=1, release="R", bundle_digest="b", plan_digest="p", packages=[],
                           environment="sandbox", report={}, clock="", expires=4e9)
        ledger.close()
        self.take_point()

    def now(self) -> float:
        self.time += 1
        return self.time

    def ledger(self) -> Ledger:
        return Ledger(self.path, now=self.now)

    def take_point(self) -> None:
        """The point of the entry is what the datasets hold now."""
        ledger = self.ledger()
        ledger.add_point(change=CHANGE, attempt=1, instance="CFIS", point="before", path=str(self.base / "before"),
                         root_digest="d", taken_at=self.now(), detail={})
        ledger.close()

    # -- what test mode sees (SiteLike) ------------------------------------------------------------

    def settings(self) -> list[Setting]:
        return [Setting("CATS", key, value, self._means(value), key == INSIDE) for key, value in self.values.items()]

    @staticmethod
    def _means(value: str | None) -> str:
        return {"5100": "production", "5101": "test", None: "absent"}.get(value, "other")

    def parts(self) -> list[list[str]]:
        return [[key] for key in self.values]

    def check(self, values: Mapping[str, str | None]) -> None:
        """Everything can be written."""

    def write(self, values: Mapping[str, str | None]) -> tuple[int, ...]:
        self.fuse.burn()
        self.values.update(values)
        self.fuse.burn()
        return ()

    def pending(self) -> list[str]:
        return []

    def value_for(self, key: str, mode: str) -> str:
        return VALUES[mode]

    def test_listeners(self) -> dict[tuple[str, int], str]:
        return {}

    def rules(self) -> list[Any]:
        return []

    def moved(self, rules: Sequence[Any]) -> list[Any]:
        return []

    def unfenced(self, rules: Sequence[Any]) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing is open."""

    def standing(self, _document: object) -> Standing:
        return Standing(self.fence_is_up, [] if self.fence_is_up else ["the table is not there"], {"CATS": 1})

    def raised(self, document: object) -> Standing:
        """As ``raised_fence``; a packet filter that is out of order puts nothing up."""
        if not self.filter_is_broken:
            self.fence_is_up, self.flushed = True, False
        return self.standing(document)

    def world(self) -> World:
        return World(
            lambda given, _state: _Part(self, given), self.standing, self.raised,
            lambda _instance, _positions, _writers, _scratch: NONE._replace(
                total=int(self.holds_test_data), by={"tester (process 7)": 1}),
        )

    # -- what people and playbooks do --------------------------------------------------------------

    def host(self, crash_after: int = 0, **params: Any) -> Host:
        check_mode = params.pop("check_mode", False)
        given = {"ledger": self.path, "change": CHANGE, "lease": 1, "interfaces": [{"name": "CATS"}],
                 "here": ["db1"], "instance": INSTANCE, "websphere": None, **params}
        host = Host(doubles.ModuleDouble(check_mode, **given), now=self.now)
        self.fuse.left = crash_after
        ledger = FusedLedger(self.path, now=self.now, readonly=host.check_mode)
        ledger.fuse = self.fuse
        host.ledger = ledger
        return host

    def enter(self, crash_after: int = 0, **params: Any) -> Outcome:
        given: dict[str, Any] = {
            "state": "test", "point": "before", "point_max_age": 100000, "person": "maria.lopez", "ends_at": 0.0,
            "without_fence": "", "banner": {}, "mail": None, "timer": {"kind": "none"}, **params,
        }
        return switch(self.host(crash_after, **given), self.world())

    def leave(self, outcome: str = "signed_off", crash_after: int = 0, **params: Any) -> Outcome:
        given = {"state": "production", "outcome": outcome, "person": "maria.lopez", "restored": [],
                 "without_fence": "", **params}
        return switch(self.host(crash_after, **given), self.world())

    def restore(self, crash_after: int = 0) -> None:
        """As ``restore``: refused without a fence, recorded as an act, and half done is no proof."""
        host = self.host(crash_after)
        host.guard(going_back=True, in_test_mode=True)
        require_fence(host, self.raised)
        with host.act("restore", "CFIS:before", {"path": str(self.base / "before"), "root_digest": "d"}, {}):
            self.fuse.burn()
            # The ports come back with the first block, the last of what testers wrote goes with the last.
            if INSIDE in self.values:
                self.values[INSIDE] = "5100"
            self.fuse.burn()
            self.holds_test_data = False
            self.fuse.burn()

    def fence(self, state: str) -> None:
        host = self.host()
        if state == "absent":
            interface_fence._refuse_too_early(host.ledger, host.state_dir)
        host.ledger.set_mode("fence", FENCE if state == "present" else None)
        self.fence_is_up = state == "present"
        self.flushed = False

    def info(self) -> dict[str, Any]:
        return look(self.host(check_mode=True), self.world()).record

    def document(self) -> dict[str, Any] | None:
        ledger = self.ledger()
        try:
            return ledger.mode(core.DOCUMENT)
        finally:
            ledger.close()

    def mixed(self) -> bool:
        """Test data beside a production port: only the fence keeps them apart."""
        return self.holds_test_data and "5100" in self.values.values()

    def must_be_safe(self) -> None:
        document = self.document()
        if self.mixed():
            assert self.fence_is_up, (document, self.values)
        if self.holds_test_data or "5101" in self.values.values():
            assert self.fence_is_up or self.flushed, (document, self.values)
            assert core.lasts(document), document


class _Part:
    """The model as a site; what only the real one has is counted here."""

    def __init__(self, model: Model, given: Given) -> None:
        self.given = given
        self._model = model

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def queues(self) -> dict[str, int]:
        return dict(self._model.queues)

    def connections(self, _rules: Sequence[Any]) -> list[dict[str, Any]]:
        return list(self._model.connections)


def cuts(most: int) -> st.SearchStrategy[int]:
    """After how many things the process dies; mostly it does not."""
    return st.just(0) | st.just(0) | st.integers(1, most)


class Sequences(RuleBasedStateMachine):
    """Any order of what people, crashes and editors do."""

    def __init__(self) -> None:
        super().__init__()
        # In memory where there is such a place: what is durable is not the question here.
        self._directory = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.model = Model(Path(self._directory.name))

    @initialize()
    def a_fence_stands(self) -> None:
        self.model.fence("present")

    @rule(cut=cuts(14))
    def enters(self, cut: int) -> None:
        with suppress(Crash, RelmgmtError):
            self.model.enter(cut)

    @precondition(lambda self: core.lasts(self.model.document()))
    @rule(cut=cuts(14), outcome=st.sampled_from(["signed_off", "rejected"]))
    def leaves(self, cut: int, outcome: str) -> None:
        with suppress(Crash, RelmgmtError):
            self.model.leave(outcome, cut)

    @precondition(lambda self: core.lasts(self.model.document()))
    @rule(cut=cuts(7))
    def restores(self, cut: int) -> None:
        with suppress(Crash, RelmgmtError):
            self.model.restore(cut)

    @precondition(lambda self: not self.model.fence_is_up)
    @rule()
    def the_fence_is_put_up(self) -> None:
        self.model.fence("present")

    @precondition(lambda self: self.model.fence_is_up)
    @rule()
    def the_fence_is_taken_down_where_that_is_allowed(self) -> None:
        with suppress(Refused):
            self.model.fence("absent")

    @precondition(lambda self: core.state_of(self.model.document()) == core.ON and self.model.fence_is_up)
    @rule()
    def testers_write(self) -> None:
        # A process of theirs may still do so when the datasets were restored under it.
        self.model.holds_test_data = True

    @precondition(lambda self: core.lasts(self.model.document()))
    @rule(value=st.sampled_from(["5999", None]))
    def an_editor_changes(self, value: str | None) -> None:
        self.model.values[OUTSIDE] = value

    @precondition(lambda self: self.model.fence_is_up and not self.model.mixed())
    @rule()
    def somebody_flushes_every_table(self) -> None:
        self.model.fence_is_up, self.model.flushed = False, True

    @invariant()
    def nothing_reaches_production(self) -> None:
        self.model.must_be_safe()

    def teardown(self) -> None:
        """From wherever it was: one way back, which ends in production without a fence."""
        try:
            if core.lasts(self.model.document()):
                self.model.restore()
            self.model.leave("rejected")
            self.model.must_be_safe()
            self.model.fence("absent")
            assert set(self.model.values.values()) == {"5100"}
            assert not self.model.holds_test_data
            assert self.model.info()["ok"] is True
        finally:
            self._directory.cleanup()


def test_nothing_with_test_data_ever_reaches_production() -> None:
    """Invariant 1"""
    run_state_machine_as_test(
        Sequences, settings=hypothesis_settings(max_examples=200, stateful_step_count=25, deadline=None))


@pytest.fixture(autouse=True)
def small_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host command is not built anew for every entry of every example."""
    monkeypatch.setattr(host_command_install, "build", lambda _ledger: b"#!/bin/false\n")


@pytest.fixture
def model(tmp_path: Path) -> Model:
    one = Model(tmp_path)
    one.fence("present")
    return one


def test_a_crash_at_any_moment_of_entering_leaves_it_fenced_and_known(tmp_path: Path) -> None:
    for cut in range(1, 60):
        (tmp_path / str(cut)).mkdir()
        model = Model(tmp_path / str(cut))
        model.fence("present")
        try:
            model.enter(cut)
        except Crash:
            model.must_be_safe()
            assert model.info()["verdict"] in ("production", "half", "test")
            assert model.enter().changed in (True, False)
            assert model.info()["verdict"] == "test"
            continue
        assert cut > 10
        return
    raise AssertionError("entering never ended")


def test_a_crash_at_any_moment_of_leaving_goes_on(tmp_path: Path) -> None:
    for cut in range(1, 60):
        (tmp_path / str(cut)).mkdir()
        model = Model(tmp_path / str(cut))
        model.fence("present")
        model.enter()
        model.holds_test_data = True
        model.restore()
        try:
            model.leave(crash_after=cut)
        except Crash:
            model.must_be_safe()
            model.leave()
            assert model.info()["verdict"] == "production"
            continue
        assert cut > 8
        return
    raise AssertionError("leaving never ended")


def test_the_second_time_changes_nothing(model: Model) -> None:
    """Invariant 7"""
    assert model.enter().changed
    assert not model.enter().changed
    model.restore()
    assert model.leave().changed
    assert not model.leave().changed
    document = model.document()
    assert document is not None
    assert (document["state"], document["ports_verified"], document["outcome"]) == ("off", True, "signed_off")


def test_check_mode_writes_nothing_and_tells_what_it_would_refuse(model: Model) -> None:
    model.fence("absent")
    told = model.enter(check_mode=True)
    assert told.changed
    assert [one["message"] for one in told.record["obstacles"]] == ["no fence was put up on this host"]
    assert told.record["warnings"] == ["it would refuse: no fence was put up on this host"]
    assert told.after.count("(test)") == 2
    assert model.document() is None
    assert set(model.values.values()) == {"5100"}


def test_without_a_fence_a_named_person_has_to_accept_it(model: Model) -> None:
    model.fence("absent")
    with pytest.raises(Refused, match="no fence was put up"):
        model.enter()
    with pytest.raises(RelmgmtError, match="names no person and reason"):
        model.enter(without_fence="anna")
    model.enter(without_fence="anna: no nftables here")
    document = model.document()
    assert document is not None
    assert document["without_fence"] == "anna: no nftables here"
    assert model.info()["verdict"] == "test"
    model.restore()
    assert model.leave().changed


def test_a_setting_that_cannot_be_verified_leaves_it_entering(model: Model) -> None:
    model.write = lambda values: ()  # type: ignore[method-assign]
    with pytest.raises(RelmgmtError, match="test mode is not verified"):
        model.enter()
    assert core.state_of(model.document()) == core.ENTERING


def test_an_application_opened_after_the_restore_makes_it_worthless(model: Model) -> None:
    model.enter()
    model.restore()
    host = model.host()
    host.guard(in_test_mode=True)
    with host.act("application", "application:CFIS", {"state": "testing"}, {}):
        pass
    with pytest.raises(Refused, match="the application was opened since"):
        model.leave()


def test_a_host_without_datasets_needs_the_proofs_of_the_others(tmp_path: Path) -> None:
    model = Model(tmp_path, inside=False)
    model.fence("present")
    model.enter(instance=None)
    with pytest.raises(Refused, match="no database host has proven a restore"):
        model.leave(instance=None)
    proof = {"host": "db1", "path": "/b", "root_digest": "d", "at": model.now()}
    left = model.leave(instance=None, restored=[proof])
    assert left.record["restored"] == proof
    assert left.record["mode"] == "off"


def test_another_change_is_refused_and_told_whose_it_is(model: Model) -> None:
    model.enter()
    with pytest.raises(Refused, match=r"in test mode \(on\) for CHG1, not CHG9, entered by maria.lopez"):
        model.enter(change="CHG9")
    with pytest.raises(Refused, match="not CHG9"):
        model.leave(change="CHG9")


def test_what_is_off_and_means_test_was_not_switched_here(model: Model) -> None:
    model.values[OUTSIDE] = "5101"
    with pytest.raises(Refused, match="not in test mode, but: CATS file /etc/cfis holds '5101'"):
        model.leave()


def test_a_second_switch_makes_the_restore_before_it_worthless(model: Model) -> None:
    model.enter()
    model.restore()
    model.enter()
    with pytest.raises(Refused, match="no restore was made since"):
        model.leave()
    model.restore()
    assert model.leave().changed


def test_who_writes_after_the_restore_makes_it_worthless(model: Model) -> None:
    model.enter()
    model.restore()
    model.holds_test_data = True
    with pytest.raises(Refused, match=r"written to since they were restored \(1 writes; tester \(process 7\): 1\)"):
        model.leave()
    model.restore()
    assert model.leave().changed


def test_a_restore_in_between_is_worth_nothing_once_testers_go_on(tmp_path: Path) -> None:
    """No setting lies in the datasets, so nothing has to be written again."""
    model = Model(tmp_path, inside=False)
    model.fence("present")
    model.enter()
    model.restore()
    assert model.enter().changed
    with pytest.raises(Refused, match="no restore was made since"):
        model.leave()


def test_a_clock_that_was_set_back_hides_no_restore_and_no_point(model: Model) -> None:
    model.enter()
    model.time -= 500
    model.restore()
    assert model.leave("rejected").record["mode"] == "off"


def test_a_queue_that_cannot_be_asked_does_not_hinder_going_back(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    model.enter()
    model.restore()

    def hangs(_part: object) -> dict[str, int]:
        raise RelmgmtError("the queue's command does not end")

    monkeypatch.setattr(_Part, "queues", hangs)
    assert model.leave().record["mode"] == "off"
    assert not model.leave().changed
    told = model.info()  # the fence comes down on this verdict
    assert (told["verdict"], told["ok"]) == ("production", False)


def test_a_banner_that_stays_is_told_and_hinders_nobody(model: Model) -> None:
    model.enter(banner={"on": [], "off": ["/bin/false"]})
    model.restore()
    left = model.leave()
    assert left.record["mode"] == "off"
    assert "the banner of test mode may still be shown" in left.record["warnings"][0]


def test_what_was_verified_as_production_needs_no_other_restore(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Users may be at work again: what they write would be lost by it."""
    model.enter()
    model.restore()
    for cut in range(1, 40):
        with suppress(Crash):
            model.leave(crash_after=cut)
        document = model.document()
        if document is not None and document["ports_verified"]:
            break
    assert document is not None
    assert document["state"] == core.LEAVING
    model.fence("absent")
    host = model.host()
    host.guard(in_test_mode=True)
    with host.act("application", "application:CFIS", {"state": "open"}, {}):
        model.holds_test_data = True  # a user's write, as the journals see it
    assert model.leave().record["mode"] == "off"


def test_who_accepts_later_that_there_is_no_fence_is_remembered(model: Model) -> None:
    model.enter()
    model.fence_is_up, model.filter_is_broken = False, True
    with pytest.raises(Refused, match="the fence does not stand"):
        model.restore()
    assert model.enter(without_fence="maria.lopez: the packet filter is broken").changed
    model.restore()
    assert model.leave().record["mode"] == "off"


def test_a_fence_that_was_lost_is_put_up_again_on_the_way_back(model: Model) -> None:
    """After a reboot that lost it one command goes back."""
    model.enter()
    model.fence_is_up = False
    model.restore()
    assert model.fence_is_up
    model.fence_is_up = False
    assert model.leave().record["mode"] == "off"
    assert model.fence_is_up


def test_leaving_uses_the_password_of_today_for_the_instance_of_the_entry(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger keeps none, and an inventory that was changed decides nothing else (invariant 14)."""
    seen: list[Given] = []

    def site(given: Given, _state: str) -> _Part:
        seen.append(given)
        return _Part(model, given)

    world = model.world()
    monkeypatch.setattr(model, "world", lambda: world._replace(site=site))
    with_password = {**INSTANCE, "iris": {"username": "u", "password": "CANARY"}}
    model.enter(instance=with_password)
    model.restore()
    model.leave(instance={**with_password, "name": "OTHER"})
    assert seen[-1].instance == {**INSTANCE, "iris": {"username": "u", "password": "CANARY"}}
    assert b"CANARY" not in Path(model.path).read_bytes()


def test_a_fence_that_a_reboot_would_lose_is_told(model: Model) -> None:
    model.enter()
    assert "a reboot loses the fence: nothing puts it up again" in " ".join(model.info()["notes"])
    host = model.host()
    host.ledger.set_mode("fence", {**FENCE, "boot": {**FENCE["boot"], "kind": "systemd"}})
    told = model.info()
    assert told["ok"] is False
    assert "a reboot loses the fence: relmgmt-fence.service is not enabled" in " ".join(told["problems"])


def test_a_production_host_that_has_moved_is_told(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    model.enter()
    monkeypatch.setattr(Model, "moved", lambda _self, _rules: [Rule("CATS", "outbound", "tcp", "10.0.0.9", 5100)])
    told = model.info()
    assert (told["verdict"], told["ok"]) == ("test", False)
    assert "CATS is at 10.0.0.9 too by now, which the fence does not shut off" in told["problems"][0]
    model.restore()
    assert model.leave().record["mode"] == "off"


def test_what_cannot_be_seen_hides_no_other_problem(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    model.enter()
    model.fence_is_up = False

    def hangs(_part: object) -> dict[str, int]:
        raise RelmgmtError("the queue's command does not end")

    monkeypatch.setattr(_Part, "queues", hangs)
    told = model.info()
    assert (told["verdict"], told["ok"]) == ("half", False)
    assert "the fence does not stand" in " ".join(told["problems"])
    monkeypatch.setattr(Model, "settings", hangs)
    told = model.info()
    assert told["verdict"] == "unknown"
    assert "the fence does not stand" in " ".join(told["problems"])


def test_a_fence_that_is_half_down_is_told(model: Model) -> None:
    model.enter()
    model.restore()
    model.leave()
    model.fence_is_up = False  # cut off while it was taken down: its unit may still be there
    model.time += 10000
    assert "is not wholly gone, so a reboot may raise it" in " ".join(model.info()["problems"])


@pytest.mark.parametrize("going_back", [False, True])
def test_users_are_not_let_in_on_test_data(model: Model, going_back: bool) -> None:
    given = {"name": "CFIS", "components": [], "timeout": 1, "going_back": going_back}
    model.enter()
    assert not set_state(model.host(**given, state="restricted")).changed
    with pytest.raises(Refused, match=r"this host is in test mode \(on\)"):
        set_state(model.host(**given, state="open"))
    model.restore()
    model.leave()
    assert not set_state(model.host(**given, state="open")).changed


def test_one_process_at_a_time_switches(model: Model) -> None:
    """A module that was stopped under way may go on at any time: nobody leaves beside it."""
    model.enter()
    model.restore()
    with switching(os.path.dirname(model.path)), pytest.raises(Refused, match=rf"process {os.getpid()} is switching"):
        model.leave()
    assert model.leave().record["mode"] == "off"


def test_a_password_does_not_reach_the_ledger(model: Model) -> None:
    """Invariant 11"""
    model.enter(instance={**INSTANCE, "iris": {"username": "u", "password": "CANARY"}},
                mail={"host": "h", "password": "CANARY"})
    assert b"CANARY" not in Path(model.path).read_bytes()
