# SPDX-License-Identifier: GPL-3.0-or-later
"""python -m relmgmt_sandbox fetch | up | down | status | unreachable HOST | reachable HOST"""
from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from . import sandbox
from .errors import SandboxError
from .layout import Layout, default_root


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="relmgmt_sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("fetch", "up", "down", "status", "unreachable", "reachable"):
        command = commands.add_parser(name)
        command.add_argument("--directory", type=Path, default=default_root(), help="default: .sandbox of the clone")
        if name == "up":
            command.add_argument("--app-servers", type=int, choices=range(1, 17), help="default: 2")
        if name in ("unreachable", "reachable"):
            command.add_argument("host")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    options = _parse(argv)
    root = options.directory.absolute()
    layout = Layout(root, getattr(options, "app_servers", None) or sandbox.recorded_size(root))
    begin = time.monotonic()

    def tell(text: str) -> None:
        print(f"[{time.monotonic() - begin:5.1f} s] {text}", flush=True)

    try:
        return _carry_out(options, layout, tell)
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1


def _carry_out(options: argparse.Namespace, layout: Layout, tell: sandbox.Tell) -> int:
    if options.command == "fetch":
        sandbox.fetch(layout, tell)
    elif options.command == "up":
        sandbox.up(layout, tell)
    elif options.command == "down":
        sandbox.down(layout, tell)
    elif options.command == "status":
        return _show(sandbox.status(layout))
    else:
        sandbox.reach(layout, options.host, options.command == "reachable", tell)
    return 0


def _show(parts: list[tuple[str, bool, str]]) -> int:
    for name, runs, where in parts:
        print(f"{'up  ' if runs else 'DOWN'}  {name:26} {where}")
    return 0 if all(runs for _, runs, _ in parts) else 3


if __name__ == "__main__":
    sys.exit(main())
