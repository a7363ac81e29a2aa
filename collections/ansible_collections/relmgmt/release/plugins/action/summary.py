# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a run: the verdict, one screen, and the result file for the caller."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.relmgmt.release.plugins.module_utils._core import test_mode_table
from ansible_collections.relmgmt.release.plugins.module_utils._core import verdict as judge
from ansible_collections.relmgmt.release.plugins.plugin_utils.reports import last_seen, report
from ansible_collections.relmgmt.release.plugins.plugin_utils.result_file import write_result


class ActionModule(ActionBase):
    """Judge the run from what every host said at its end; fail when it did not go well."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Keys: verdict, screen, hosts."""
        del tmp
        known = task_vars or {}
        cycle = known["gate_cycle"]
        names = known["ansible_play_hosts_all"]
        hosts = [report(known["hostvars"][name], name, cycle["change"]) for name in names]
        part = self._task.args.get("part_of", "release")
        word = self._word(cycle, hosts, part)
        title = f"{cycle['change']}: {cycle['release']} on {cycle['environment']}, attempt {cycle['attempt']}"
        cures = self._cures(str(known.get("change", "TICKET")), word, hosts, cycle)
        table = test_mode_table.lines(hosts)
        told = judge.ON_DEMAND_WORDS.get(word, "") if cycle.get("on_demand") else ""
        screen = judge.screen(title, word, hosts, self._backups(known, names, cycle), cures, table, told)
        Display().display("\n" + screen + "\n")
        write_result(known, {
            "change": cycle["change"], "release": cycle["release"], "verdict": word,
            "reasons": [f"{h.name}: {f['message']}" for h in hosts for f in h.failures],
            "hosts": {h.name: self._host(h) for h in hosts},
        })
        failed = word not in judge.GOOD
        return {"changed": False, "failed": failed, "verdict": word, "screen": screen.splitlines(),
                "msg": told or judge.WORDS[word],
                "test_mode": test_mode_table.rows({h.name: h.look for h in hosts}) if table else []}

    def _word(self, cycle: dict[str, Any], hosts: list[judge.HostReport], part: str) -> str:
        """A phase run alone is done when nothing failed in it; the cycle's verdict is the release's."""
        check, going_back = bool(self._task.check_mode), bool(cycle["going_back"])
        entering = bool(cycle.get("test_mode")) and not going_back and not cycle.get("leaving")
        if cycle.get("leaving") and not going_back and any(host.failures for host in hosts):
            return judge.UNKNOWN if any(not host.reachable for host in hosts) else judge.DIFFERS
        if part == "release" or going_back:
            finished = not cycle["needed"] and not any(host.test_mode for host in hosts)
            return judge.verdict(hosts, check, cycle["needed"], going_back, entering and not finished)
        if any(host.failures for host in hosts):
            return judge.UNKNOWN if any(not host.reachable for host in hosts) else judge.DIFFERS
        return judge.CHECKED if check else judge.PHASE_DONE if cycle["needed"] else judge.NOTHING

    def _host(self, host: judge.HostReport) -> dict[str, Any]:
        return {
            "reachable": host.reachable, "current": dict(host.current), "drift": list(host.drift),
            "failures": list(host.failures), "to_undo": host.to_undo, "undone": list(host.undone),
            "notes": list(host.notes), "audit": host.audit,
            "at_work": list(host.at_work), "test_mode": host.test_mode,
        }

    def _backups(
        self, known: dict[str, Any], names: list[str], cycle: dict[str, Any]
    ) -> list[str]:
        found = []
        for name in names:
            state = last_seen(known["hostvars"][name])
            found += [f"{name}:{point['path']}" for point in state.get("points", [])
                      if point["change"] == cycle["change"]]
        return found

    def _cures(
        self, path: str, word: str, hosts: list[judge.HostReport], cycle: dict[str, Any]
    ) -> list[str]:
        ticket = f"-e change={path}"
        back = f"ansible-playbook playbooks/rollback.yml {ticket}"
        leave = [f"{how}: ansible-playbook playbooks/leave-test-mode.yml {ticket} -e outcome={outcome} "
                 "-e confirmed_by=NAME" for how, outcome in (("tests passed", "signed_off"), ("else", "rejected"))]
        if word == judge.TESTING:
            return [*leave, "or on a host without the controller: <state directory>/bin/relmgmt-test-mode"]
        if word in (judge.DIFFERS, judge.UNKNOWN) and cycle.get("leaving"):
            again = [line for line in leave if f"outcome={cycle['outcome']} " in line]
            return ["bring the hosts named above back, or mend what differs; a fence stands until its host is back",
                    *(line.replace(line.partition(":")[0], "then go on", 1) for line in again)]
        if any(host.test_mode for host in hosts):
            ways = leave if all(host.test_mode in ("", "on", "leaving") for host in hosts) else [
                line.replace("else:", "then go back:", 1) for line in leave[1:]]
            return ["bring the hosts named above back, or mend what differs; their fence stands until then", *ways]
        if word == judge.DONE and not cycle.get("on_demand"):
            return [f"to go back: {back}"]
        if word in (judge.DIFFERS, judge.UNKNOWN):
            return ["bring the hosts named above back, or mend what differs",
                    f"then go back: {back}", f"or go on: ansible-playbook playbooks/release.yml {ticket}"]
        return []
