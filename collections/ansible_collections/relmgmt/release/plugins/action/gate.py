# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate: may this change be carried out here and now? Decides once for the environment.

The decisions are pure (``_core/gates``); this reads what they look at, claims the lease on
the environment's anchor host and hands the cycle to the phases.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.relmgmt.release.plugins.module_utils._core import gates, test_mode_holder
from ansible_collections.relmgmt.release.plugins.module_utils._core.release import (
    Approval,
    Release,
    Ticket,
    approval_digest,
    phases_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, Refused, RelmgmtError
from ansible_collections.relmgmt.release.plugins.plugin_utils import cycle_state, leaving
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import (
    Bundle,
    bundle_of,
    load_ticket,
)
from ansible_collections.relmgmt.release.plugins.plugin_utils.holder import is_dead, this_run
from ansible_collections.relmgmt.release.plugins.plugin_utils.inventory import demand, inventory_values
from ansible_collections.relmgmt.release.plugins.plugin_utils.on_host import run_on_host
from ansible_collections.relmgmt.release.plugins.plugin_utils.result_file import write_result
from ansible_collections.relmgmt.release.plugins.plugin_utils.window import window_on

ENTRIES = ("deliver", "pass", "join", "enter", "go_back", "restore", "leave")


def _check_entry(entry: str, ticket: Ticket, path: str) -> None:
    """Each ticket has its playbooks; raises InvalidInput naming the right one."""
    if ticket.on_demand and entry in ("pass", "deliver"):
        raise InvalidInput("a ticket of kind test_mode brings no release", place=path,
                           cure=f"ansible-playbook playbooks/enter-test-mode.yml -e change={path}")
    if entry == "enter" and not ticket.enters_test_mode:
        raise InvalidInput("the ticket does not ask for test mode", place=path,
                           cure="give it 'test_mode: true' and have it approved so, or write one of 'kind: test_mode'")


class Reading:
    """What the gate has read: documents, inventory and the hosts' states."""

    def __init__(self, task_vars: dict[str, Any], anchor: str, loader: Any, path: str) -> None:
        self.values = inventory_values(task_vars, anchor, loader)
        self.environment = str(demand(self.values, "relmgmt_environment"))
        self.sandbox = bool(self.values.get("relmgmt_sandbox", False))
        self.protected = bool(self.values.get("relmgmt_protected", True))
        self.policy = self.values.get("relmgmt_policy") or {}
        self.clock, self.now = self._time(task_vars)
        self.ticket: Ticket
        self.case: gates.Case | None = None
        self.approvals: list[Approval]
        self.ticket, self.approvals, self.bundle_path = load_ticket(path)
        self.states = cycle_state.states(task_vars, self.ticket.change)
        self.take_over = str(task_vars.get("relmgmt_take_over", ""))
        self.interfaces = self.values.get("relmgmt_interfaces") or None
        self.test_mode = self.values.get("relmgmt_test_mode") or {}
        groups = task_vars["groups"]
        self.names = sorted({*groups, *groups["all"]})
        self.of_test_mode = leaving.of_entry(self.ticket, self.interfaces, self.test_mode, task_vars)
        self.holders = test_mode_holder.holders(self.states)

    def _time(self, task_vars: dict[str, Any]) -> tuple[str, datetime]:
        injected = task_vars.get("relmgmt_now")
        if injected is None:
            return "real", datetime.now(timezone.utc)
        if not self.sandbox:
            raise Refused("relmgmt_now injects a clock outside a sandbox", place=self.environment,
                          cure="leave relmgmt_now out")
        return "injected", gates.parse_time(str(injected))


class ActionModule(ActionBase):
    """Decide, claim the lease on the anchor host, return the cycle."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """A result whose keys are the change cycle; failed when the gate does not pass."""
        del tmp
        known = task_vars or {}
        try:
            return self._decide(known)
        except RelmgmtError as error:
            verdict = "invalid" if isinstance(error, InvalidInput) else "refused"
            write_result(known, {"change": "", "release": "", "verdict": verdict,
                                 "reasons": [str(error)], "hosts": {}})
            return {"failed": True, "msg": str(error), "error": error.as_dict()}

    def _decide(self, known: dict[str, Any]) -> dict[str, Any]:
        entry = self._task.args.get("entry", "pass")
        path = self._task.args.get("change")
        if not path or entry not in ENTRIES:
            raise InvalidInput("no change ticket was named", cure="add -e change=PATH/OF/TICKET.yml")
        anchor = self._task.delegate_to or known["inventory_hostname"]
        reading = Reading(known, anchor, self._loader, path)
        _check_entry(entry, reading.ticket, path)
        if entry in ("go_back", "restore", "leave"):
            return self._go_back(reading, known, anchor, entry)
        if entry == "deliver":
            return self._deliver(reading, known)
        return self._go_forward(reading, known, anchor, entry)

    # -- forward ---------------------------------------------------------------------

    def _go_forward(
        self, reading: Reading, known: dict[str, Any], anchor: str, entry: str
    ) -> dict[str, Any]:
        demand(reading.values, "relmgmt_policy")
        bundle, verdicts = self._load(reading)
        check = bool(self._task.check_mode)
        finished = bundle is not None and cycle_state.finished(reading.states, bundle.digest)
        if finished:
            verdicts = [gates.Verdict("finished", gates.PASS,
                                      f"{reading.ticket.change} is finished on every host")]
        elif bundle is not None:
            verdicts += self._judge(reading, bundle)
        stops = [*self._silent(reading), *self._held(reading, known, anchor, entry)]
        verdicts = [*verdicts, *stops]
        self._show(reading, verdicts)
        answer = gates.overall(verdicts)
        passes = entry == "pass" or (entry == "enter" and reading.ticket.on_demand)
        refused = bool(stops) or (passes and answer != gates.PASS)
        if bundle is None or (refused and not check):
            return self._refuse(reading, verdicts, answer, known)
        entered = entry == "enter" and leaving.is_on(reading.states, reading.ticket.change)
        cycle = self._cycle(reading, bundle, verdicts, needed=not finished and not entered)
        if finished or entered or check:
            return {**cycle, "changed": False}
        return self._claim(reading, cycle, known, anchor, "receipt" if passes else "lease")

    def _load(self, reading: Reading) -> tuple[Bundle | None, list[gates.Verdict]]:
        try:
            bundle = bundle_of(reading.ticket, reading.bundle_path)
        except InvalidInput as error:
            return None, [gates.Verdict("bundle", gates.REFUSE, str(error), error.cure)]
        if reading.ticket.on_demand:
            return bundle, []
        whole = gates.Verdict("bundle", gates.PASS, f"{bundle.name} {bundle.digest[:12]}…, every file as sealed")
        return bundle, [whole]

    def _judge(self, reading: Reading, bundle: Bundle) -> list[gates.Verdict]:
        outage = gates.needs_outage(bundle.release, reading.ticket)
        window = window_on(gates.window_rule(reading.policy, outage), reading.ticket.date)
        case = gates.Case(
            reading.now, reading.environment, bundle.release, bundle.digest, reading.ticket,
            reading.approvals, reading.policy, window, reading.interfaces, reading.test_mode,
            names=reading.names,
        )
        reading.case = case
        if reading.ticket.on_demand:
            return gates.decide(case)
        # Imported here: of a change that is finished nothing is judged.
        from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle_lint import lint_bundle

        return [gates.judge_packages(lint_bundle(bundle)), *gates.decide(case)]

    def _silent(self, reading: Reading) -> list[gates.Verdict]:
        """Hosts that did not answer: a release starts only when all of them do."""
        return [
            gates.Verdict("hosts", gates.REFUSE, f"{name} does not answer: {state.get('msg', '')}",
                          "bring the host back, or see why its ledger cannot be read")
            for name, state in reading.states.items() if "receipts" not in state
        ]

    def _held(self, reading: Reading, known: dict[str, Any], anchor: str, entry: str) -> list[gates.Verdict]:
        """Hosts in test mode: nothing goes forward meanwhile, but the entering of the same change."""
        state_dir = str(known["hostvars"][anchor].get("relmgmt_state_dir", "/var/lib/relmgmt"))
        change = reading.ticket.change
        found = test_mode_holder.judge_holders(reading.holders, change, entry == "enter", state_dir)
        early = cycle_state.unverified(reading.states, change)
        if entry == "enter" and early and not reading.ticket.on_demand:
            found.append(gates.Verdict(
                "verified", gates.REFUSE, f"{change} was not verified on {', '.join(early)} since its newest act",
                f"ansible-playbook playbooks/release.yml -e change=TICKET_OF_{change}",
            ))
        return found

    def _show(self, reading: Reading, verdicts: list[gates.Verdict]) -> None:
        lines = [f"Gate: {reading.ticket.change}, {reading.ticket.release} on {reading.environment}"]
        for verdict in verdicts:
            lines.append(f"  {verdict.answer:<7}{verdict.gate}: {verdict.reason}")
            if verdict.answer != gates.PASS:
                lines.append(f"         cure: {verdict.cure}")
        Display().display("\n".join(lines))

    def _refuse(
        self, reading: Reading, verdicts: list[gates.Verdict], answer: str, known: dict[str, Any]
    ) -> dict[str, Any]:
        reasons = [f"{v.gate}: {v.reason}. Cure: {v.cure}" for v in verdicts if v.answer != gates.PASS]
        outcome = "holding" if answer == gates.HOLD else "refused"
        ticket = reading.ticket
        write_result(known, {"change": ticket.change, "release": ticket.release, "verdict": outcome,
                             "reasons": reasons, "hosts": {}})
        text = f"the gate {'holds' if outcome == 'holding' else 'refuses'} {ticket.change}; nothing was touched.\n"
        return {"failed": True, "msg": text + "\n".join(reasons), "verdict": outcome,
                "verdicts": [v._asdict() for v in verdicts]}

    def _cycle(
        self, reading: Reading, bundle: Bundle, verdicts: list[gates.Verdict], needed: bool
    ) -> dict[str, Any]:
        release = bundle.release
        return {
            "change": reading.ticket.change, "release": release.name, "summary": release.summary,
            "environment": reading.environment, "bundle_digest": bundle.digest,
            "bundle": bundle.drop_name, "needed": needed, "going_back": False,
            "plan_digest": approval_digest(bundle.digest, reading.environment, phases_of(reading.ticket)),
            "attempt": cycle_state.attempt_for(reading.states),
            "lease": 0,
            "verdicts": [verdict._asdict() for verdict in verdicts],
            "packages": leaving.packages_of(release),
            "configuration": list(release.configuration),
            "package_digests": release.approved_digests,
            "outage": gates.needs_outage(release, reading.ticket),
            **reading.of_test_mode,
            "ends_at": self._ends_at(reading),
            "completeness": release.completeness,
            "work_items": release.work_items,
            "clock": reading.clock,
            "expires": self._expires(reading, release),
            "protected": reading.protected, "sandbox": reading.sandbox,
            "holder": this_run(), "take_over": reading.take_over,
        }

    def _ends_at(self, reading: Reading) -> float:
        """When test mode has to be over; 0 without it, and where a verdict says that the hours are wrong."""
        try:
            return gates.ends_at(reading.case) if reading.case and reading.ticket.enters_test_mode else 0.0
        except InvalidInput:
            return 0.0

    def _expires(self, reading: Reading, release: Release) -> float:
        """Receipts end with the window; on an injected clock, and without a window, after some hours."""
        hours = float(reading.policy.get("receipt_hours", 24))
        window = window_on(gates.window_rule(reading.policy, gates.needs_outage(release, reading.ticket)),
                           reading.ticket.date)
        regular = reading.ticket.kind != "emergency" and reading.clock == "real"
        if window.closes is not None and regular:
            return window.closes.timestamp()
        return time.time() + hours * 3600

    def _claim(
        self, reading: Reading, cycle: dict[str, Any], known: dict[str, Any], anchor: str, module: str
    ) -> dict[str, Any]:
        claim = {"change": cycle["change"], "holder": cycle["holder"], "number": 0,
                 "proven_dead": self._proven_dead(reading, anchor), "take_over": reading.take_over,
                 "bundle_digest": cycle["bundle_digest"],
                 "ledger": f"{known['hostvars'][anchor]['relmgmt_state_dir']}/ledger.db"}
        if module == "receipt":
            claim.update({key: cycle[key] for key in (
                "attempt", "release", "plan_digest", "environment", "clock", "expires",
                "protected", "sandbox")}, packages=cycle["package_digests"], report=cycle["verdicts"])
        result = run_on_host(self, module, claim, known)
        if result.get("failed"):
            return self._claim_refused(reading, result, known)
        attempt = result.get("attempt") or cycle["attempt"]
        return {**cycle, "lease": result["number"], "attempt": attempt, "changed": result["changed"]}

    def _claim_refused(
        self, reading: Reading, result: dict[str, Any], known: dict[str, Any]
    ) -> dict[str, Any]:
        ticket = reading.ticket
        write_result(known, {"change": ticket.change, "release": ticket.release, "verdict": "refused",
                             "reasons": [result.get("msg", "")], "hosts": {}})
        return {**result, "failed": True}

    def _proven_dead(self, reading: Reading, anchor: str) -> int:
        lease = (reading.states.get(anchor) or {}).get("lease")
        return int(lease["number"]) if lease and is_dead(lease["holder"]) else 0

    # -- delivery, days ahead, under a gate of its own: no window, no approval -------------

    def _deliver(self, reading: Reading, known: dict[str, Any]) -> dict[str, Any]:
        bundle, verdicts = self._load(reading)
        if bundle is not None:
            verdicts += self._judge(reading, bundle)
        verdicts = [verdict for verdict in verdicts if verdict.gate in gates.OF_DELIVERY]
        self._show(reading, verdicts)
        answer = gates.overall(verdicts)
        if bundle is None or answer != gates.PASS:
            return self._refuse(reading, verdicts, answer, known)
        return {"changed": False, "change": reading.ticket.change, "release": bundle.name,
                "environment": reading.environment, "bundle_path": bundle.directory,
                "bundle": bundle.drop_name, "needed": True, "going_back": False, "lease": 0,
                "attempt": 0}

    # -- back ------------------------------------------------------------------------

    def _go_back(
        self, reading: Reading, known: dict[str, Any], anchor: str, entry: str
    ) -> dict[str, Any]:
        """Going back is never refused for window, approval, inventory or bundle (invariant 14)."""
        ticket = reading.ticket
        states = reading.states.values()
        if entry == "leave":
            leaving.check_outcome(reading.states, ticket, known)
        if entry == "go_back":
            leaving.check_going_back(reading.holders, ticket.change, known)
        restoring = entry == "restore" and any(state.get("receipt") for state in states)
        worked = restoring or bool(reading.holders) or any(cycle_state.to_go_back(state) for state in states)
        if entry == "leave":
            worked = leaving.is_needed(reading.states, reading.holders)
        cycle = {
            "change": ticket.change, "release": ticket.release, "environment": reading.environment,
            "needed": worked, "going_back": True, "completeness": [],
            "outage": restoring or cycle_state.needs_outage(reading.states),
            "attempt": cycle_state.newest_attempt(reading.states), "lease": 0,
            "holder": this_run(), "take_over": reading.take_over, "bundle_digest": "",
            **leaving.of_way_back(ticket, reading.holders, reading.interfaces, known),
        }
        if entry == "leave":
            cycle.update(leaving.of_leaving(reading.states, ticket, reading.bundle_path, known))
        if self._task.check_mode or not worked:
            return {**cycle, "changed": False}
        claim = {"change": ticket.change, "holder": cycle["holder"], "number": 0, "going_back": True,
                 "proven_dead": self._proven_dead(reading, anchor), "take_over": reading.take_over,
                 "ledger": f"{known['hostvars'][anchor]['relmgmt_state_dir']}/ledger.db"}
        result = run_on_host(self, "lease", claim, known)
        if result.get("failed"):
            return self._claim_refused(reading, result, known)
        return {**cycle, "lease": result["number"], "changed": result["changed"]}
