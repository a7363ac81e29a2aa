# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``relmgmt``."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError
from relmgmt_runner import __version__
from relmgmt_runner.adapters.clock import SystemClock
from relmgmt_runner.adapters.inventories import CommandInventories
from relmgmt_runner.adapters.terminal import display_for
from relmgmt_runner.approve import Given, approve
from relmgmt_runner.errors import DONE, RunnerError, UsageError, status_of
from relmgmt_runner.house import House, find_house
from relmgmt_runner.ports import Clock, Display, Inventories, Playbooks
from relmgmt_runner.progress import printable
from relmgmt_runner.run import Ports, Request, absolute_inventory, carry_out
from relmgmt_runner.seal import seal
from relmgmt_runner.validate import status_of as status_of_findings
from relmgmt_runner.validate import validate

STATUSES = """\
exit status:
  0  done, nothing to do, or checked     4  refused (gate, lease, digest)
  1  internal error                      5  failed, everything is as it was before
  2  usage or invalid input              6  failed and something differs or is unknown:
  3  waiting for a gate, or for testers     a person is needed
"""
PLAYBOOKS = {
    "run": ("release", "carry out a change: gate, backup, install, deploy, verify, record", """\
  relmgmt run examples/changes/CHG0000002.yml -i inventories/sandbox
  relmgmt run CHG0000002.yml -i inventories/production --check --diff"""),
    "deliver": ("deliver", "send the change's packages to the SFTP drop, days ahead", """\
  relmgmt deliver examples/changes/CHG0000002.yml -i inventories/sandbox"""),
    "enter-test-mode": ("enter-test-mode", "let testers work on the data, interfaces at test endpoints", """\
  relmgmt enter-test-mode examples/changes/CHG0000005.yml -i inventories/sandbox
  relmgmt enter-test-mode CHG0000005.yml -i inventories/production --entered-by 'Ann Lee'"""),
    "leave-test-mode": ("leave-test-mode", "restore the data, interfaces to production, fence down", """\
  relmgmt leave-test-mode examples/changes/CHG0000005.yml -i inventories/sandbox \\
      --outcome signed_off --confirmed-by 'Ann Lee'"""),
    "rollback": ("rollback", "put back what was current before the change", """\
  relmgmt rollback examples/changes/CHG0000002.yml -i inventories/sandbox"""),
}
#: what a playbook is told beside the ticket, by the variable's name: is it required, its choices, what it means
OPTIONS: dict[str, dict[str, tuple[bool, tuple[str, ...] | None, str]]] = {
    "enter-test-mode": {"entered_by": (False, None, "who enters test mode (default: the user who runs this)")},
    "leave-test-mode": {
        "outcome": (True, ("signed_off", "rejected"), "how the tests ended; after a rejection the release goes back"),
        "confirmed_by": (True, None, "who says so, and that what testers wrote is lost"),
    },
}


class World(NamedTuple):
    """The ports; None is made from the house when it is needed."""

    display: Display
    clock: Clock
    playbooks: Playbooks | None = None
    inventories: Inventories | None = None


def main(argv: Sequence[str] | None = None, world: World | None = None) -> int:
    """Run the command; returns its exit status."""
    options = parser().parse_args(argv)
    used = world or World(display_for(), SystemClock())
    try:
        return int(options.work(options, used))
    except (RunnerError, RelmgmtError) as error:
        print(f"relmgmt: {printable(str(error))}", file=sys.stderr)
        return status_of(error)
    except OSError as error:
        print(f"relmgmt: {printable(str(error))}", file=sys.stderr)
        return RunnerError.status


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="relmgmt", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=STATUSES,
        description="Release management for M databases and WebSphere.",
    )
    top.add_argument("--version", action="version", version=f"relmgmt {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, (playbook, summary, examples) in PLAYBOOKS.items():
        command = _command(commands, name, summary, examples)
        _add_playbook(command, playbook)
        for option, (required, choices, told) in OPTIONS.get(name, {}).items():
            command.add_argument(f"--{option.replace('_', '-')}", dest=f"say_{option}", required=required,
                                 choices=choices, metavar=None if choices else "NAME", help=told)
    _add_validate(_command(commands, "validate", "check a ticket, its approvals and bundle; no host is touched", """\
  relmgmt validate examples/bundles/CFIS002
  relmgmt validate examples/changes/CHG0000002.yml -i inventories/sandbox"""))
    _add_approve(_command(commands, "approve", "add an approval to a change, bound to its bundle's digest", """\
  relmgmt approve CHG0000002.yml --gate coordinator_approval \\
      --person 'Ann Lee' --role coordinator
  relmgmt approve CHG0000002.yml --gate acceptance_sign_off --environment acceptance \\
      --person 'Ann Lee' --role coordinator --expires 2026-12-06T06:00:00+01:00"""))
    _add_seal(_command(commands, "seal", "write a bundle's digests into release.yml and SHA256SUMS", """\
  relmgmt seal examples/bundles/CFIS002"""))
    return top


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, examples: str
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=summary, description=summary[0].upper() + summary[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter, epilog=f"examples:\n{examples}\n\n{STATUSES}",
    )


def _add_inventory(command: argparse.ArgumentParser, required: bool) -> None:
    command.add_argument(
        "-i", "--inventory", action="append", required=required, default=None if required else [],
        metavar="INVENTORY", help="inventory of the environment (may be given more than once)",
    )


def _add_playbook(command: argparse.ArgumentParser, playbook: str) -> None:
    command.add_argument("change", type=Path, metavar="CHANGE", help="the change ticket, a YAML file")
    _add_inventory(command, required=True)
    command.add_argument("--check", action="store_true", help="say what would change; change nothing")
    command.add_argument("--diff", action="store_true", help="show differences item by item")
    command.add_argument(
        "-e", "--extra-vars", action="append", default=[], metavar="K=V", help="extra variable, as ansible-playbook's"
    )
    command.add_argument(
        "--artifacts", type=Path, metavar="DIR",
        help="where to keep what the run leaves behind (default: ~/.local/state/relmgmt/runs)",
    )
    command.set_defaults(work=_run, playbook=playbook)


def _add_validate(command: argparse.ArgumentParser) -> None:
    command.add_argument("path", type=Path, metavar="CHANGE_OR_BUNDLE", help="a change ticket or a bundle's directory")
    _add_inventory(command, required=False)
    command.set_defaults(work=_validate)


def _add_approve(command: argparse.ArgumentParser) -> None:
    command.add_argument("change", type=Path, metavar="CHANGE", help="the change ticket, a YAML file")
    command.add_argument("--gate", required=True, help="what is approved, e.g. coordinator_approval")
    command.add_argument("--person", required=True, help="who approves; not who requested the change")
    command.add_argument("--role", required=True, help="in which role")
    command.add_argument(
        "--environment", default="", help="where; another one than the ticket's signs off the bundle there"
    )
    command.add_argument(
        "--expires", default="", metavar="ISO", help="until when, with a zone (default: 14 days from now)"
    )
    command.set_defaults(work=_approve)


def _add_seal(command: argparse.ArgumentParser) -> None:
    command.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's directory")
    command.set_defaults(work=_seal)


def _house() -> House:
    return find_house(Path.cwd())


def _run(options: argparse.Namespace, world: World) -> int:
    request = Request(
        options.playbook, options.change, tuple(options.inventory), options.check, options.diff,
        tuple(options.extra_vars), options.artifacts, _said(options),
    )
    playbooks = world.playbooks or _real_playbooks()
    verdict = carry_out(request, _house(), Ports(playbooks, world.display, lambda: secrets.token_hex(16)))
    return verdict.status


def _said(options: argparse.Namespace) -> dict[str, str]:
    """The variables that options of OPTIONS give."""
    given = {name[len("say_"):]: value for name, value in vars(options).items() if name.startswith("say_")}
    return {name: str(value) for name, value in given.items() if value is not None}


def _real_playbooks() -> Playbooks:
    """Imported when needed: the other commands then start without ansible-runner's second of imports."""
    from relmgmt_runner.adapters.playbooks import RunnerPlaybooks

    return RunnerPlaybooks()


def _validate(options: argparse.Namespace, world: World) -> int:
    hosts = None
    if options.inventory:
        reader = world.inventories or CommandInventories(_house())
        hosts = reader.values(tuple(absolute_inventory(item) for item in options.inventory))
    findings = validate(options.path, hosts, world.clock.now())
    for finding in findings:
        world.display.say(printable(str(finding)))
    return status_of_findings(findings)


def _approve(options: argparse.Namespace, world: World) -> int:
    if not options.change.is_file():
        raise UsageError("no such change ticket", str(options.change), "give the path of the ticket")
    given = Given(options.gate, options.person, options.role, options.environment, options.expires)
    entry = approve(options.change, given, world.clock.now())
    digest = entry.get("digest") or entry["bundle_digest"]
    world.display.say(
        f"{entry['gate']} by {entry['person']} ({entry['role']}) for {entry['environment']}, "
        f"until {entry['expires']}, bound to {digest}"
    )
    return DONE


def _seal(options: argparse.Namespace, world: World) -> int:
    bundle, wrote = seal(options.bundle)
    world.display.say(f"{bundle.name}: {'sealed' if wrote else 'was sealed already'}, digest {bundle.digest}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
