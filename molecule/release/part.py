# SPDX-License-Identifier: GPL-3.0-or-later
"""One part of the sandbox on a machine of its own: part.py {database|application|web} HOST ADDRESSES

ADDRESSES is JSON, host to address. What is up stays as it is; "changed" is printed if anything was made or started.
part.py runtime prints where the Liberty runtime lies on the controller, downloaded once.
"""
from __future__ import annotations

import json
import sys
from pathlib import Path

from relmgmt_sandbox import application, gtm, liberty, listeners, processes, web
from relmgmt_sandbox.debian import Programs
from relmgmt_sandbox.layout import INTERFACES, Layout, default_root, interpreter

ROOT = Path("/srv/cfis")
GTM = Path("/opt/fis-gtm")
PORTS = {
    "database": 9001, "http_app1": 9080, "http_app2": 9080, "entry": 80, "testers_entry": 8080,
    **{f"{name.lower()}_{kind}": 7001 + number
       for number, (name, kind) in enumerate((name, kind) for name in INTERFACES for kind in ("production", "test"))},
}


def database(layout: Layout) -> bool:
    if not GTM.exists():
        GTM.symlink_to(next(Path("/usr/lib").glob("*/fis-gtm/V*/mumps")).parent)
    created = gtm.create(layout, GTM, PORTS)
    application.install_controls(layout, GTM, PORTS)
    _outside(layout)
    for component in application.COMPONENTS:
        if created:
            application.control(layout, "db1", "cfis", "start", component)
    return created


def _outside(layout: Layout) -> None:
    """The external systems' ends of the interfaces, on the loopback interface of the database host."""
    for directory in (layout.run, layout.interfaces):
        directory.mkdir(parents=True, exist_ok=True)
    served = {name: port for name, port in PORTS.items() if name.endswith(("_production", "_test"))}
    argv = [interpreter(), str(Path(listeners.__file__)), str(layout.root), json.dumps(served)]
    processes.start("listeners", argv, layout.environment(), layout.run, layout.root)


def application_server(layout: Layout, host: str) -> bool:
    liberty.configure(layout, host, PORTS)
    return liberty.start(layout, host, Path("/opt/wlp"), Path("/usr/lib/jvm/default-java"))


def web_server(layout: Layout) -> bool:
    application.install_controls(layout, GTM, PORTS)
    programs = Programs(GTM, Path("/usr/sbin/nginx"), Path("/usr/sbin/sshd"), "")
    return web.start(layout, programs, PORTS)


def main(part: str, host: str = "", addresses: str = "{}") -> None:
    if part == "runtime":
        print(liberty.find_runtime(Layout(default_root(), 2), lambda text: print(text, file=sys.stderr)))
        return
    layout = Layout(ROOT, 2, json.loads(addresses))
    layout.host(host).mkdir(parents=True, exist_ok=True)
    if part == "database":
        changed = database(layout)
    elif part == "application":
        changed = application_server(layout, host)
    else:
        changed = web_server(layout)
    print("changed" if changed else "as it was")


if __name__ == "__main__":
    main(*sys.argv[1:])
