# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m relmgmt_sandbox.demo: the sandbox comes up and a release goes through it, as an engineer would do it."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import ports as port_numbers
from . import sandbox
from .errors import SandboxError
from .layout import CLONE, DATABASE, Layout, default_root

FIRST, NEXT = "CHG0000001", "CHG0000002"
INVENTORY = "inventories/sandbox"
INSTALLED = f"  {FIRST} installed CFIS001, since nothing was installed.\n"
CARRIED_OUT = f"""\
  The packages of {NEXT} were delivered to the SFTP drop (playbooks/deliver.yml); in real life days ahead.
  {NEXT} was carried out: gate, lease, quiesce, backup, install, deploy, verify, sign-off request, reopen, record
  (playbooks/release.yml)."""
ALREADY = f"  {NEXT} was finished before, so delivery and release changed nothing."
STORY = """
What happened
{happened}

Where to look
  the application, as its users see it       {entry}/cfis/
  what each server says of the release       {entry}/cfis/api/status
{servers}
  static content                             {entry}/static/
  the document of the change cycle           {records}
  mails that were sent                       {mail}
  what the external interfaces received      {interfaces}

How to undo it, from {clone}, after: source .venv/bin/activate
  {play} playbooks/rollback.yml -e change={ticket}

What else to try
  once more: nothing changes
    {play} playbooks/release.yml -e change={ticket}
  a release that fails its completeness check and is taken back by itself
    {play} playbooks/deliver.yml playbooks/release.yml -e change={failing}
  stop everything and remove it
    make demo-down
"""


def main() -> int:
    begin = time.monotonic()

    def tell(text: str) -> None:
        print(f"[{time.monotonic() - begin:5.1f} s] {text}", flush=True)

    root = default_root()
    layout = Layout(root, sandbox.recorded_size(root))
    try:
        sandbox.up(layout, tell)
        before = _releases(layout, tell)
    except SandboxError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    tell("the demo is complete")
    print(_story(layout, before))
    return 0


def _releases(layout: Layout, tell: Callable[[str], None]) -> set[str]:
    """Carry the next release out, after the current one if none is there; what was there before."""
    current = _current(layout)
    tell(f"current release: {', '.join(sorted(current)) or 'none'}")
    if not current:
        _carry_out(layout, FIRST, tell)
    _carry_out(layout, NEXT, tell)
    return current


def _current(layout: Layout) -> set[str]:
    """What the ledger of the database host says is installed."""
    argv = ["ansible", "-i", INVENTORY, DATABASE, "--one-line", "-m", "relmgmt.release.release_info"]
    done = subprocess.run(argv, cwd=CLONE, env=environment(layout), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SandboxError(f"{' '.join(argv)} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
    state: dict[str, Any] = json.loads(done.stdout.partition("=>")[2])
    return {row["release"] for row in state["current"].values()}


def _carry_out(layout: Layout, change: str, tell: Callable[[str], None]) -> None:
    for playbook in ("deliver", "release"):
        argv = ["ansible-playbook", "-i", INVENTORY, f"playbooks/{playbook}.yml", "-e", f"change={ticket_of(change)}"]
        tell(" ".join(argv))
        if subprocess.run(argv, cwd=CLONE, env=environment(layout), check=False).returncode:
            raise SandboxError(f"{playbook} of {change} failed", "read the screen above; the sandbox is still up")


def ticket_of(change: str) -> str:
    return f"examples/changes/{change}.yml"


def environment(layout: Layout) -> dict[str, str]:
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": places, "RELMGMT_SANDBOX": str(layout.root),
            "ANSIBLE_CONFIG": str(CLONE / "ansible.cfg")}


def _happened(before: set[str]) -> str:
    if before == {"CFIS002"}:
        return ALREADY
    return CARRIED_OUT if before else INSTALLED + CARRIED_OUT


def _story(layout: Layout, before: set[str]) -> str:
    ports = port_numbers.read(layout)
    servers = [f"  {host + ', without the proxy':42} http://127.0.0.1:{ports[f'http_{host}']}/cfis/"
               for host in layout.applications]
    return STORY.format(
        happened=_happened(before), ticket=ticket_of(NEXT), failing=ticket_of("CHG0000003"),
        entry=f"http://127.0.0.1:{ports['entry']}",
        servers="\n".join(servers), records=layout.root / "records", mail=layout.mail, interfaces=layout.interfaces,
        clone=CLONE, play=f"ansible-playbook -i {INVENTORY}",
    )


if __name__ == "__main__":
    sys.exit(main())
