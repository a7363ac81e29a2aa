# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m relmgmt_sandbox.demo_test_mode: a release is tested by people on production's data, nothing outside hears.

The sandbox comes up in a network of its own (root), so that its fences are not the machine's; it is removed at the end.
"""
from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from . import isolated, sandbox
from . import ports as port_numbers
from .demo import INVENTORY, environment, ticket_of
from .errors import SandboxError
from .layout import CLONE, INTERFACES, Layout

FIRST, TESTED = "CHG0000001", "CHG0000006"
LEAVE = ("-e", "outcome=signed_off", "-e", "confirmed_by=helen.brandt")
PATIENCE = 30
SWITCHES = "SELECT module, target, started_at, finished_at FROM act WHERE change=? AND module IN \
('backup_set', 'interface_fence', 'test_mode', 'restore') ORDER BY started_at"


class Listeners:
    """What the external systems' listeners got, phase by phase."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.phases: list[tuple[str, dict[str, int]]] = []
        self._before = self.sizes()

    def end_of(self, phase: str) -> None:
        """The bytes since the last phase belong to this one."""
        now = self.sizes()
        self.phases.append((phase, {log: now[log] - self._before[log] for log in now}))
        self._before = now

    def heard_since(self, before: dict[str, int], kind: str) -> bool:
        """Has every system got something since?"""
        now = self.sizes()
        return all(now[log] > before[log] for log in now if log.endswith(f" {kind}"))

    def table(self) -> str:
        """A line for each listener, a column for each phase."""
        lines = [f"  {'bytes received':22}" + "".join(f"{phase:>24}" for phase, _ in self.phases)]
        for log in self._before:
            lines.append(f"  {log:22}" + "".join(f"{got[log]:>24}" for _, got in self.phases))
        return "\n".join(lines)

    def sizes(self) -> dict[str, int]:
        """Bytes that each listener has received so far."""
        found = {}
        for name in INTERFACES:
            for kind in ("production", "test"):
                path = self.layout.interfaces / f"{name.lower()}-{kind}.log"
                texts = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
                found[f"{name} {kind}"] = sum(len(json.loads(line).get("text", "")) for line in texts)
        return found


def main() -> int:
    begin = time.monotonic()

    def tell(text: str) -> None:
        print(f"[{time.monotonic() - begin:5.1f} s] {text}", flush=True)

    if os.geteuid():
        print("demo-test-mode: the fence is real, and so takes root for a network of its own. "
              "Cure: run it as root, for example in a container", file=sys.stderr)
        return 2
    root = Path(os.environ.get("RELMGMT_SANDBOX") or CLONE / ".sandbox-test-mode").absolute()
    os.environ.setdefault("RELMGMT_CACHE", str(CLONE / ".sandbox" / "cache"))
    layout = Layout(root, 2)
    try:
        sandbox.fetch(layout, tell)
        isolated.enter()
        return _demonstrate(layout, tell)
    except SandboxError as error:
        print(f"demo-test-mode: {error}", file=sys.stderr)
        return 1
    finally:
        sandbox.down(layout, tell)


def _demonstrate(layout: Layout, tell: Callable[[str], None]) -> int:
    sandbox.up(layout, tell)
    for playbook in ("deliver", "release"):
        _play(layout, tell, playbook, FIRST)
    heard = Listeners(layout)
    _letter(layout, heard, "production")
    heard.end_of("CFIS001, users")
    _play(layout, tell, "deliver", TESTED)
    _play(layout, tell, "release", TESTED)
    heard.end_of("release, entering")
    for _ in range(3):
        _letter(layout, heard, "test")
    heard.end_of("test mode, testers")
    _play(layout, tell, "leave-test-mode", TESTED, *LEAVE)
    heard.end_of("leaving")
    _letter(layout, heard, "production")
    heard.end_of("CFIS002, users")
    print(f"\nWhat the external systems' listeners received\n{heard.table()}")
    print("\nHow long each switch took, in seconds\n" + "\n".join(_switches(layout)))
    return _judge(heard)


def _play(layout: Layout, tell: Callable[[str], None], playbook: str, change: str, *options: str) -> None:
    argv = ["ansible-playbook", "-i", INVENTORY, f"playbooks/{playbook}.yml", "-e", f"change={ticket_of(change)}"]
    tell(" ".join([*argv, *options]))
    if subprocess.run([*argv, *options], cwd=CLONE, env=environment(layout), check=False).returncode:
        raise SandboxError(f"{playbook} of {change} failed", "read the screen above")


def _letter(layout: Layout, heard: Listeners, kind: str) -> None:
    """A letter through the testers' door; the interfaces' job tells every external system of it."""
    before = heard.sizes()
    door = port_numbers.read(layout)["testers_entry"]
    data = urllib.parse.urlencode({"id": "1003", "text": "a letter"}).encode()
    with urllib.request.urlopen(f"http://127.0.0.1:{door}/cfis/api/correspondence", data, timeout=20) as answer:
        if "error" in json.load(answer):
            raise SandboxError("the application refused the letter")
    deadline = time.monotonic() + PATIENCE
    while not heard.heard_since(before, kind):
        if time.monotonic() > deadline:
            raise SandboxError(f"the {kind} listeners got nothing within {PATIENCE} s")
        time.sleep(0.1)


def _switches(layout: Layout) -> Iterator[str]:
    for host in layout.hosts:
        path = layout.host(host) / "state" / "ledger.db"
        if not path.exists():
            continue
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as ledger:
            for module, target, started, finished in ledger.execute(SWITCHES, (TESTED,)):
                yield f"  {host:6} {module:16} {target:32} {finished - started:6.2f}"


def _judge(heard: Listeners) -> int:
    """Between entering and the end of leaving no production listener may have heard anything."""
    quiet = ("release, entering", "test mode, testers", "leaving")
    leaked = [f"{log} in phase '{phase}'" for phase, got in heard.phases if phase in quiet
              for log, count in got.items() if count and log.endswith("production")]
    for one in leaked:
        print(f"LEAKED: {one}", file=sys.stderr)
    return 1 if leaked else 0


if __name__ == "__main__":
    sys.exit(main())
