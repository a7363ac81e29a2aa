# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox of the tests' own, the playbooks as users start them, and a checker.

The checker reads the hosts' state by means of its own (mupip, the file system, HTTP); it
imports nothing of the product.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from programs import cache_directory

REPO = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
RECAP = re.compile(r"^(\S+)\s*: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.M)


class Run(NamedTuple):
    """How a playbook ended: exit status, everything it printed, its result file."""

    status: int
    output: str
    result: dict[str, Any]

    @property
    def changed(self) -> dict[str, int]:
        """By host, how many tasks changed something."""
        return {match[1]: int(match[3]) for match in RECAP.finditer(self.output)}

    @property
    def verdict(self) -> str:
        """The verdict of the result file, empty when there is none."""
        return str(self.result.get("verdict", ""))


class Environment:
    """One sandbox."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.inventory = "inventories/sandbox"
        self._variables: dict[str, dict[str, Any]] = {}
        self.environ = {
            "RELMGMT_CACHE": str(cache_directory()), **os.environ, "RELMGMT_SANDBOX": str(root),
            "PYTHONPATH": str(REPO / "sandbox"),
            "ANSIBLE_CONFIG": str(REPO / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
            # Each environment its own connections: a control socket of an earlier one is not reused.
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(root / "cp"),
        }

    # -- the sandbox -----------------------------------------------------------------

    def sandbox(self, *words: str) -> None:
        """python -m relmgmt_sandbox WORDS"""
        command = [sys.executable, "-m", "relmgmt_sandbox", *words, "--directory", str(self.root)]
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def variables(self, host: str) -> dict[str, Any]:
        """The inventory's variables of a host; they do not change while the sandbox is up."""
        if host in self._variables:
            return self._variables[host]
        command = [str(BIN / "ansible-inventory"), "-i", "inventories/sandbox", "--host", host]
        done = subprocess.run(command, cwd=REPO, env=self.environ, capture_output=True, text=True, check=True)
        self._variables[host] = json.loads(done.stdout)
        return self._variables[host]

    @contextmanager
    def unreachable(self, host: str) -> Iterator[None]:
        """While this lasts, the host's sshd is down."""
        self.sandbox("unreachable", host)
        try:
            yield
        finally:
            self.sandbox("reachable", host)

    # -- playbooks -------------------------------------------------------------------

    def command(self, playbook: str, ticket: str | Path, *options: str) -> list[str]:
        """The command as the README gives it."""
        if isinstance(ticket, str):
            ticket = REPO / "examples" / "changes" / f"{ticket}.yml"
        return [str(BIN / "ansible-playbook"), "-i", self.inventory, f"playbooks/{playbook}.yml",
                "-e", f"change={ticket}", *options]

    def start(self, playbook: str, ticket: str | Path, *options: str) -> subprocess.Popen[str]:
        """Start a playbook in a process group of its own."""
        self._result_file.unlink(missing_ok=True)
        return subprocess.Popen(
            [*self.command(playbook, ticket, "-e", f"relmgmt_result_file={self._result_file}"), *options],
            cwd=REPO, env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )

    def finish(self, process: subprocess.Popen[str], timeout: float = 600) -> Run:
        """Wait for a playbook."""
        output, _ = process.communicate(timeout=timeout)
        result = json.loads(self._result_file.read_text()) if self._result_file.exists() else {}
        return Run(process.returncode, output, result)

    def play(self, playbook: str, ticket: str | Path, *options: str) -> Run:
        """Run a playbook to its end."""
        return self.finish(self.start(playbook, ticket, *options))

    def release(self, ticket: str | Path, *options: str) -> Run:
        """Deliver and release."""
        delivered = self.play("deliver", ticket)
        assert delivered.status == 0, delivered.output
        return self.play("release", ticket, *options)

    @property
    def _result_file(self) -> Path:
        return self.root / "result.json"

    # -- looking ---------------------------------------------------------------------

    def ledger(self, host: str, query: str) -> list[tuple[Any, ...]]:
        """Rows of a host's ledger."""
        path = self.root / "hosts" / host / "state" / "ledger.db"
        if not path.exists():
            return []
        base = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
        try:
            return base.execute(query).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            base.close()

    def wait_for(self, what: Callable[[], bool], seconds: float = 120) -> None:
        """Wait until something is so; AssertionError when it never is."""
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, "never happened"
            time.sleep(0.02)

    def page(self, url: str) -> tuple[int, str]:
        """Status and text of a page."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def entry(self, path: str = "/cfis/") -> tuple[int, str]:
        """A page as users get it."""
        return self.page(self.variables("web1")["relmgmt_entry_url"] + path)

    def server(self, host: str, path: str = "/cfis/") -> tuple[int, str]:
        """A page of one server."""
        return self.page(self.variables(host)["relmgmt_websphere"]["liberty"]["url"] + path)

    def liberty(self, host: str, action: str) -> None:
        """Stop or start the server of a host, as its administrator would."""
        options = self.variables(host)["relmgmt_websphere"]["liberty"]
        environ = {**os.environ, "JAVA_HOME": options["java_home"], "WLP_USER_DIR": options["user_dir"]}
        done = subprocess.run([f"{options['install_dir']}/bin/server", action, options["server"]], env=environ,
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode in (0, 1), done.stdout

    def mumps(self, code: str) -> str:
        """What M code prints in the instance."""
        gtm = self.variables("db1")["relmgmt_instance"]["gtm"]
        done = subprocess.run(
            [f"{gtm['dist']}/mumps", "-run", "%XCMD", code], env=self._gtm_environ(gtm), capture_output=True,
            text=True, stdin=subprocess.DEVNULL, check=True,
        )
        return done.stdout.strip()

    def _gtm_environ(self, gtm: dict[str, Any]) -> dict[str, str]:
        return {
            **os.environ, **{k: str(v) for k, v in (gtm.get("environment") or {}).items()},
            "gtm_dist": gtm["dist"], "gtmgbldir": gtm["global_directory"],
            "gtmroutines": f"{gtm['object_directory']}({gtm['source_directory']}) "
            f"{gtm['dist']}/libgtmutil.so {gtm['dist']}",
        }

    def globals(self) -> dict[str, str]:
        """By global name, a digest of its extract."""
        gtm = self.variables("db1")["relmgmt_instance"]["gtm"]
        done = subprocess.run(
            [f"{gtm['dist']}/mupip", "extract", "-format=zwr", "-stdout"], env=self._gtm_environ(gtm),
            capture_output=True, stdin=subprocess.DEVNULL, check=True,
        )
        found: dict[str, list[bytes]] = {}
        for line in done.stdout.splitlines()[2:]:
            found.setdefault(re.split(rb"[(=]", line, maxsplit=1)[0].decode(), []).append(line)
        return {name: hashlib.sha256(b"\n".join(lines)).hexdigest() for name, lines in found.items()}

    def routines(self) -> dict[str, str]:
        """By routine, a digest of its source."""
        gtm = self.variables("db1")["relmgmt_instance"]["gtm"]
        return tree(Path(gtm["source_directory"]))

    def web(self) -> dict[str, str]:
        """Files of applications, their configuration and the current static content, by path."""
        found: dict[str, str] = {}
        for host in sorted((self.root / "hosts").glob("app*")):
            server = host / "wlp-usr" / "servers" / "cfis"
            for part in ("apps", "dropins", "configDropins"):
                kept = {k: v for k, v in tree(server / part).items() if not k.startswith("expanded/")}
                found.update({f"{host.name}/{part}/{k}": v for k, v in kept.items()})
            found[f"{host.name}/server.xml"] = digest(server / "server.xml")
            found[f"{host.name}/behind the proxy"] = self.member_line(host.name)
        static = self.root / "hosts" / "web1" / "static" / "current"
        found["static target"] = os.readlink(static) if static.is_symlink() else ""
        found.update({f"static/{k}": v for k, v in tree(static.resolve()).items()} if static.exists() else {})
        return found

    def member_line(self, host: str) -> str:
        """The line by which the web entry's nginx knows a server; it ends with down while it is out."""
        proxy = self.variables("web1")["relmgmt_proxy"]
        lines = Path(proxy["nginx"]["members_file"]).read_text().splitlines()
        return next(line for line in lines if proxy["members"][host] in line)

    def moves(self, ticket: str) -> list[str]:
        """What the newest attempt of a change did to the servers behind the web entry, in order."""
        rows = self.ledger(
            "web1", f"SELECT target, intent FROM act WHERE change='{ticket}' AND module='proxy_member' AND attempt="
            f"(SELECT max(attempt) FROM receipt WHERE change='{ticket}') ORDER BY id")
        return [f"{target.partition(':')[2]} {json.loads(intent)['state']}" for target, intent in rows]

    def snapshot(self) -> dict[str, dict[str, str]]:
        """Both tiers, item by item, global by global, file by file."""
        return {"globals": self.globals(), "routines": self.routines(), "web": self.web()}

    def untouched(self) -> dict[str, dict[str, str]]:
        """Everything that check mode must leave alone, digest by digest."""
        instance = self.variables("db1")["relmgmt_instance"]["gtm"]
        state = {h.name: tree(h / "state") for h in sorted((self.root / "hosts").iterdir())}
        return {
            **self.snapshot(), "objects": tree(Path(instance["object_directory"])),
            "backup": tree(self.root / "hosts" / "db1" / "backup"),
            "drop": tree(self.root / "hosts" / "drop1" / "drop"),
            "docroot": tree(self.root / "hosts" / "web1" / "static"),
            "shared": tree(self.root / "shared"), "mail": tree(self.root / "mail"),
            "ledgers": {f"{host}/{k}": v for host, files in state.items() for k, v in files.items()},
        }


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tree(directory: Path) -> dict[str, str]:
    """Digests of a directory's files by path; links by their target."""
    found = {}
    for path in sorted(directory.rglob("*")) if directory.exists() else []:
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = "-> " + os.readlink(path)
        elif path.is_file():
            found[name] = digest(path)
    return found


def kill_group(process: subprocess.Popen[str]) -> None:
    """kill -9 of a playbook and its workers."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
