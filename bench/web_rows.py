# SPDX-License-Identifier: GPL-3.0-or-later
"""The web half: what users notice of a rollout, and what a re-run and a large WAR cost.

Ours, stock modules and pyinfra make the same files on the same servers, one server after the other. The peers do not
drain servers, keep no ledger and know no way back.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from .errors import BenchError, NotMeasurable
from .harness import Contestant, Run, Step
from .rows import NO_PEER, Promise, Runs, seconds
from .suites import REPOSITORY, Files, Setting, Suite
from .web_hosts import BIN, FIRST, STATIC, STATUS, Hosts, Release

OURS, STOCK, PYINFRA, AT_ONCE = "ours", "stock modules", "pyinfra", "pyinfra, all servers at once"
HERE = Path(__file__).with_name("web")
SMALL = 20_000
LARGE, TRY = 60_000_000, 2_000_000
PYINFRA_PIN = "pyinfra==3.10.0"
RECAP = re.compile(r"^\S+\s*: ok=\d+\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.M)


class WebSuite(Suite):
    """Rows on a sandbox of their own. Nothing of it is about a cold disk."""

    cold: ClassVar[bool] = False
    app_servers: ClassVar[int]
    minutes: ClassVar[float]

    def __init__(self, setting: Setting, files: Files) -> None:
        super().__init__(setting, files)
        self.hosts = Hosts(self.directory / "s")

    @property
    def count(self) -> int:
        """How many application servers there are."""
        return self.app_servers if self.setting.full else 2

    @property
    def setup_seconds(self) -> float:
        return 60 * self.minutes

    @property
    def older(self) -> Release:
        """What is there before."""
        return Release(self.directory, "BFWB001", self.war_bytes)

    @property
    def newer(self) -> Release:
        """What is rolled out."""
        return Release(self.directory, "BFWB002", self.war_bytes)

    @property
    def war_bytes(self) -> int:
        """How large the WAR is."""
        return SMALL

    def prepare(self, names: Sequence[str]) -> None:
        self.hosts.up(self.count)
        for release in (self.older, self.newer):
            release.make()
        for ticket in (FIRST, self.older.ticket):
            self.hosts.play("deliver", ticket)
            self.hosts.play("release", ticket)
        self.hosts.play("deliver", self.newer.ticket)

    def clean(self) -> None:
        self.hosts.remove()
        super().clean()

    # -- the three ways ------------------------------------------------------------------

    def ours(self, playbook: str, release: Release) -> Step:
        """One of our playbooks."""
        return Step(
            [self.hosts.playbook(playbook, release.ticket)], directory=REPOSITORY, environment=self.hosts.environment,
        )

    def stock(self, release: Release) -> Step:
        """The playbook of stock modules, with our ansible.cfg."""
        variables = [word for item in release.variables.items() for word in ("-e", "=".join(item))]
        command = [str(BIN / "ansible-playbook"), "-i", "inventories/sandbox", str(HERE / "stock.yml"), *variables]
        return Step([command], directory=REPOSITORY, environment=self.hosts.environment)

    def pyinfra(self, release: Release, *options: str) -> Step:
        """The deploy of pyinfra, in an environment of its own."""
        variables = {**release.variables, "release_files": str(self.directory)}
        data = [word for item in variables.items() for word in ("--data", "=".join(item))]
        command = [
            str(self._pyinfra), "-y", *options, *data, str(HERE / "pyinfra_hosts.py"), str(HERE / "pyinfra_deploy.py"),
        ]
        return Step([command], directory=self.directory, environment=self.hosts.environment)

    @property
    def _pyinfra(self) -> Path:
        return self.setting.directory / "pyinfra" / "bin" / "pyinfra"

    def install_pyinfra(self) -> None:
        """Its own virtual environment: it wants another paramiko than ours."""
        if self._pyinfra.exists():
            return
        place = self._pyinfra.parents[1]
        for command in ([sys.executable, "-m", "venv", str(place)],
                        [str(place / "bin" / "pip"), "install", "--quiet", PYINFRA_PIN]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise NotMeasurable(f"{' '.join(command)}: {done.stderr[-300:]}")

    def run_now(self, step: Step) -> None:
        """Outside any timing."""
        self.hosts.run(list(step.commands[0]))

    def shown(self, release: Release) -> Callable[[], None]:
        """A check that every server, and the entry, shows this release."""

        def check() -> None:
            variables = self.hosts.inventory["_meta"]["hostvars"]
            servers = self.hosts.inventory["application_servers"]["hosts"]
            urls = [variables[name]["relmgmt_websphere"]["liberty"]["url"] + STATUS for name in servers]
            urls.append(f"http://127.0.0.1:{self.hosts.ports['entry']}{STATIC}")
            for url in urls:
                page = self.hosts.run(["curl", "--silent", "--fail", url])
                if release.name not in page:
                    raise BenchError(f"{url} does not show {release.name}")

        return check


def unchanged(output: str) -> dict[str, float]:
    """A playbook's facts; BenchError if it changed anything, so that it was no re-run."""
    rows = [[int(count) for count in row] for row in RECAP.findall(output)]
    if not rows or any(any(row) for row in rows):
        raise BenchError(f"this was no run that changes nothing: {output[-400:]}")
    return {"hosts": len(rows)}


class NoOp(WebSuite):
    """Everything is as it should be already."""

    name = "web, no-op re-run"
    app_servers = 10
    minutes = 3

    @property
    def promises(self) -> Sequence[Promise]:
        return [
            Promise(self.name, STOCK, "s", 0.1, (OURS, STOCK), seconds(OURS), seconds(STOCK)),
            Promise(self.name, PYINFRA, "s", 1.1, (OURS, PYINFRA), seconds(OURS), seconds(PYINFRA)),
        ]

    @property
    def contestants(self) -> Sequence[Contestant]:
        return [
            Contestant(OURS, [self.ours("deploy", self.older)], 4, check=self.shown(self.older), facts=unchanged),
            Contestant(STOCK, [self.stock(self.older)], 45, check=self.shown(self.older), facts=unchanged),
            Contestant(PYINFRA, [self.pyinfra(self.older, "--serial")], 4, check=self.shown(self.older)),
            Contestant(AT_ONCE, [self.pyinfra(self.older)], 2, check=self.shown(self.older)),
        ]

    def prepare(self, names: Sequence[str]) -> None:
        super().prepare(names)
        if PYINFRA in names or AT_ONCE in names:
            self.install_pyinfra()
            self.run_now(self.pyinfra(self.older))
        if STOCK in names:
            self.run_now(self.stock(self.older))
        self.run_now(self.ours("deploy", self.older))


class LargeWar(WebSuite):
    """A WAR of 60 MB, to four servers that run another."""

    name = "web, 60 MB WAR to 4 servers"
    app_servers = 4
    minutes = 4

    @property
    def war_bytes(self) -> int:
        return LARGE if self.setting.full else TRY

    @property
    def promises(self) -> Sequence[Promise]:
        return [
            Promise(self.name, STOCK, "s", 1.5, (OURS, STOCK), seconds(OURS), seconds(STOCK)),
            Promise(self.name, PYINFRA, "s", 4.0, (OURS, PYINFRA), seconds(OURS), seconds(PYINFRA)),
        ]

    @property
    def contestants(self) -> Sequence[Contestant]:
        return [
            self._contestant(OURS, self.ours("deploy", self.newer), self._gate, self.ours("rollback", self.newer)),
            self._contestant(STOCK, self.stock(self.newer), None, self.stock(self.older)),
            self._contestant(PYINFRA, self.pyinfra(self.newer, "--serial"), None, self.stock(self.older)),
        ]

    def _contestant(self, name: str, step: Step, before: Callable[[], None] | None, back: Step) -> Contestant:
        def check() -> None:
            self.shown(self.newer)()
            self.run_now(back)
            self.shown(self.older)()

        return Contestant(name, [step], 25, prepare=before or (lambda: None), check=check)

    def _gate(self) -> None:
        self.hosts.play("gate", self.newer.ticket)

    def prepare(self, names: Sequence[str]) -> None:
        super().prepare(names)
        if PYINFRA in names:
            self.install_pyinfra()


class Rollout(WebSuite):
    """A release of the WAR and the static content under a steady load through the web entry; its way back without."""

    name = "web, rollout under load"
    app_servers = 3
    minutes = 2

    @property
    def promises(self) -> Sequence[Promise]:
        return [
            Promise("web, lost requests", NO_PEER, "requests", 0, (OURS,), total("lost"), note=requests),
            Promise("web, wrong-version requests", NO_PEER, "requests", 0, (OURS,), total("backwards"), note=requests),
        ]

    @property
    def contestants(self) -> Sequence[Contestant]:
        return [Contestant(OURS, [self._under_load()], 40, check=self._back, facts=self._counted)]

    def _under_load(self) -> Step:
        port = self.hosts.ports["entry"] if (self.hosts.at / "ports.json").exists() else 0
        load = [
            sys.executable, "-m", "relmgmt_sandbox.load", "--port", str(port),
            "--ask", f"{STATUS}={self.newer.name}", "--ask", f"{STATIC}={self.newer.name}", "--",
        ]
        step = self.ours("release", self.newer)
        return step._replace(commands=[[*load, *step.commands[0]]])

    def _back(self) -> None:
        self.shown(self.newer)()
        self.hosts.play("rollback", self.newer.ticket)
        self.shown(self.older)()

    def _counted(self, output: str) -> dict[str, float]:
        counted = dict(json.loads(output.splitlines()[-1]))
        if not 0 < counted["newer"] < counted["answers"]:
            raise BenchError(f"the load did not see both releases: {counted}")
        return counted


def total(key: str) -> Callable[[Runs], float]:
    """Over all rounds: one lost request is one too many."""
    return lambda runs: sum(run.facts[key] for run in runs[OURS])


def requests(runs: Runs) -> str:
    """How many requests that is of."""
    every: Sequence[Run] = runs[OURS]
    return f"of {sum(int(run.facts['answers']) for run in every)} requests in {len(every)} rollouts"
