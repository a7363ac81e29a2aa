# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on a change cycle from what the hosts say (invariant 15), and its one screen."""

from __future__ import annotations

from typing import Any, Mapping, NamedTuple, Sequence

DONE, NOTHING, CHECKED, PHASE_DONE = "done", "nothing_to_do", "checked", "phase_done"
TESTING = "testing"
RESTORED, ROLLED_BACK, DIFFERS, UNKNOWN = "restored", "rolled_back", "differs", "unknown"
GOOD = (DONE, NOTHING, CHECKED, PHASE_DONE, TESTING, ROLLED_BACK)
WORDS = {
    DONE: "done: the release is current on every host",
    NOTHING: "nothing to do: the change was finished before and nothing differs",
    PHASE_DONE: "the phase is done; the change cycle is not at its end",
    TESTING: "testing: test mode is on; the change cycle waits for the testers",
    CHECKED: "checked: nothing was touched",
    ROLLED_BACK: "rolled back: every host is as it was before the change",
    RESTORED: "FAILED, and everything is as it was before",
    DIFFERS: "FAILED, and something differs: a person is needed",
    UNKNOWN: "FAILED, and what is true is not known on every host: a person is needed",
}
#: how a host stands that is not wholly in production mode
IN_MODE = {
    "on": "in test mode ({})",
    "entering": "HALF IN TEST MODE, entering ({})",
    "leaving": "HALF IN TEST MODE, leaving ({})",
    "fenced": "FENCED ({})",
}
#: what the verdict on test mode alone is, where there is no release
ON_DEMAND_WORDS = {DONE: "done: test mode is over, every host is in production mode on the data of before"}


class HostReport(NamedTuple):
    """What is known of one host at the end of a run.

    ``failures``: {phase, task, message, unreachable} of this run. ``receipt``: the change's
    newest receipt, or None. ``current``: release by component. ``undone``: what a rollback
    put back. ``notes``: statements that a person must read. ``at_work``: what goes on there still.
    ``test_mode``: entering, on, leaving or fenced, "" where it is over; ``held_by``: for whom, in words. ``look``: what
    ``test_mode_info`` said, None if it was not asked or did not answer.
    """

    name: str
    reachable: bool
    failures: Sequence[Mapping[str, Any]]
    receipt: Mapping[str, Any] | None
    drift: Sequence[Mapping[str, Any]]
    current: Mapping[str, Mapping[str, Any]]
    undone: Sequence[str]
    notes: Sequence[str]
    audit: str = ""
    at_work: Sequence[str] = ()
    test_mode: str = ""
    held_by: str = ""
    look: Mapping[str, Any] | None = None
    ends_at: float = 0.0

    @property
    def to_undo(self) -> int:
        """Acts of the change that are still in force."""
        return int(self.receipt["to_undo"]) if self.receipt else 0


def verdict(
    hosts: Sequence[HostReport], check: bool, needed: bool, going_back: bool, entering: bool = False
) -> str:
    """The run's verdict. ``entering``: the run is to end in test mode."""
    failed = any(host.failures for host in hosts)
    if any(not host.reachable for host in hosts):
        return UNKNOWN
    if check:
        return CHECKED
    if not failed and not needed:
        return TESTING if entering and all(host.test_mode == "on" for host in hosts) else NOTHING
    if any(host.at_work for host in hosts):
        return UNKNOWN
    if not failed and entering:
        return TESTING if all(_is_tested(host) for host in hosts) else DIFFERS
    if any(host.test_mode for host in hosts):
        return DIFFERS
    if not failed and not going_back:
        return DONE if all(_closed(host, "done") and not host.drift for host in hosts) else DIFFERS
    if any(host.to_undo or host.drift or _failed_going_back(host) for host in hosts):
        return DIFFERS
    return ROLLED_BACK if going_back else RESTORED


def _is_tested(host: HostReport) -> bool:
    """In test mode, seen to be so, and the release is what it was."""
    return host.test_mode == "on" and host.look is not None and bool(host.look["ok"]) and not host.drift


def _closed(host: HostReport, word: str) -> bool:
    return host.receipt is not None and host.receipt["verdict"] == word


def _failed_going_back(host: HostReport) -> bool:
    return any(failure["phase"] in ("rollback", "reopen_after", "leave_test_mode") for failure in host.failures)


def screen(
    title: str, word: str, hosts: Sequence[HostReport], backups: Sequence[str], cures: Sequence[str],
    table: Sequence[str] = (), told: str = "",
) -> str:
    """The one screen: what failed, what was put back, the state of each host, what to do now.

    ``table``: where the interfaces point, in lines. ``told``: the verdict in words, where the usual ones do not fit.
    """
    lines = [title, told or WORDS.get(word, word), ""]
    failures = [(host, failure) for host in hosts for failure in host.failures]
    if failures:
        lines.append("What failed")
        lines += [f"  {host.name}: {f['phase']}: {_first_lines(f['message'])}" for host, f in failures]
    undone = [(host.name, text) for host in hosts for text in host.undone]
    if undone:
        lines.append("What would be put back" if word == CHECKED else "What was put back")
        lines += [f"  {name}: {text}" for name, text in undone]
    lines.append("The hosts")
    lines += [f"  {host.name:<16} {_state(host)}" for host in hosts]
    if table:
        lines += ["Test mode", *[f"  {line}" for line in table]]
    notes = [(host.name, note) for host in hosts for note in host.notes]
    if notes:
        lines.append("To be read by a person")
        lines += [f"  {name}: {note}" for name, note in notes]
    if backups:
        lines += ["Backup sets", *[f"  {path}" for path in backups]]
    if cures:
        lines += ["What to do now", *[f"  {cure}" for cure in cures]]
    return "\n".join(lines)


def _first_lines(message: str) -> str:
    kept = [line for line in str(message).splitlines() if line.strip()][:12]
    return "\n      ".join(kept)


def _state(host: HostReport) -> str:
    if not host.reachable:
        return "UNREACHABLE: what is true there is not known"
    if host.at_work:
        return "AT WORK STILL: " + ", ".join(host.at_work)
    if host.test_mode:
        return IN_MODE.get(host.test_mode, host.test_mode).format(host.held_by)
    if host.drift:
        return "DIFFERS: " + ", ".join(str(row["component"]) for row in host.drift)
    if host.to_undo and host.receipt is not None and host.receipt["verdict"] != "done":
        return f"{host.to_undo} act(s) of {host.receipt['change']} are still in force"
    parts = [f"{component} {row['release']}" for component, row in sorted(host.current.items())]
    return ", ".join(parts) or "no release installed"
