# SPDX-License-Identifier: GPL-3.0-or-later
"""Up, down, status: in which order the parts come and go."""
from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from . import application, debian, gtm, inventory, liberty, listeners, processes, ssh, web
from . import ports as port_numbers
from .errors import SandboxError
from .layout import DATABASE, Layout, interpreter, write

MADE = ("debian", "hosts", "interfaces", "mail", "run", "shared", "ssh", "app-servers", "inventory.json", "ports.json")
Tell = Callable[[str], None]


class Parts(NamedTuple):
    """What is fetched from elsewhere."""

    programs: debian.Programs
    wlp: Path
    java: Path


def fetch(layout: Layout, tell: Tell) -> Parts:
    """Everything that comes over a network is here, and nothing is started."""
    return Parts(debian.find_programs(layout, tell), wlp=liberty.find_runtime(layout, tell),
                 java=liberty.find_java(tell))


def up(layout: Layout, tell: Tell) -> None:
    """Bring every part up; parts that are up stay as they are."""
    if len(str(layout.root).split()) != 1:
        raise SandboxError(f"sshd and ssh cannot work with the blank in {layout.root}", "give another --directory")
    layout.root.mkdir(parents=True, exist_ok=True)
    write(layout.root / "app-servers", str(layout.app_servers))
    ports = port_numbers.choose(layout)
    programs, wlp, java = fetch(layout, tell)
    _directories(layout)
    _hosts(layout, programs, ports, tell)
    _database(layout, programs.gtm_dist, ports, tell)
    _outside(layout, ports, tell)
    _servers(layout, ports, wlp, java, tell)
    tell("web entry " + ("started" if web.start(layout, programs, ports) else "is up"))
    built = inventory.build(layout, ports, programs, wlp, java)
    inventory.save(layout, built)


def _directories(layout: Layout) -> None:
    for directory in (layout.run, layout.mail, layout.interfaces, layout.shared, layout.drop):
        directory.mkdir(parents=True, exist_ok=True)
    for host in layout.hosts:
        (layout.host(host) / "state").mkdir(parents=True, exist_ok=True)


def _hosts(layout: Layout, programs: debian.Programs, ports: dict[str, int], tell: Tell) -> None:
    ssh.prepare(layout, ports)
    started = [host for host in layout.hosts if ssh.start(layout, host, programs, ports)]
    tell(f"SSH of {', '.join(started)} started" if started else "SSH of every host is up")


def _database(layout: Layout, dist: Path, ports: dict[str, int], tell: Tell) -> None:
    created = gtm.create(layout, dist, ports)
    application.install_controls(layout, dist, ports)
    tell("M instance " + ("created, with journal and cases" if created else "is there"))
    for component in application.COMPONENTS:
        if created or application.was_open(layout, component):
            application.control(layout, DATABASE, "cfis", "start", component)


def _outside(layout: Layout, ports: dict[str, int], tell: Tell) -> None:
    served = {name: port for name, port in ports.items() if name.endswith(("_production", "_test"))}
    served["smtp"] = ports["smtp"]
    argv = [interpreter(), str(Path(listeners.__file__)), str(layout.root), json.dumps(served)]
    started = processes.start("listeners", argv, layout.environment(), layout.run, layout.root)
    # Only the mail sink is asked: it starts last, and a connection to an interface would be recorded as one.
    processes.wait_until(lambda: port_numbers.answers(ports["smtp"]), "mail sink", layout.run / "listeners.log")
    tell("interfaces' listeners and mail sink " + ("started" if started else "are up"))


def _servers(layout: Layout, ports: dict[str, int], wlp: Path, java: Path, tell: Tell) -> None:
    for host in layout.applications:
        liberty.configure(layout, host, ports)
    with ThreadPoolExecutor(max_workers=2) as pool:
        started = list(pool.map(lambda host: liberty.start(layout, host, wlp, java), layout.applications))
    for host, now in zip(layout.applications, started, strict=True):
        tell(f"application server {host} " + ("started" if now else "is up"))


def down(layout: Layout, tell: Tell) -> None:
    """Stop everything and remove it; only the cache of downloads stays."""
    if not layout.ports_file.exists():
        tell(f"no sandbox in {layout.root}")
        return
    _stop_servers(layout, tell)
    if (layout.host(DATABASE) / "bin" / "cfis").exists():
        for component in reversed(application.COMPONENTS):
            application.control(layout, DATABASE, "cfis", "stop", component)
    for host in layout.hosts:
        ssh.stop(layout, host)
    web.stop(layout)
    processes.stop(layout.run / "listeners.pid")
    leftover = processes.marked(layout)
    if leftover:
        tell(f"ending {len(leftover)} processes that sessions or playbooks left behind")
        processes.end(leftover)
    _run_down(layout)
    processes.end(processes.marked(layout))  # the rundown has started GT.M's helper again
    _remove(layout)
    tell("everything is stopped and removed")


def _stop_servers(layout: Layout, tell: Tell) -> None:
    wlp = layout.cache / liberty.OPEN_LIBERTY.folder / "wlp"
    if not wlp.exists():
        return
    java = liberty.find_java(tell)
    present = [host for host in layout.applications if layout.user_dir(host).exists()]
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda host: liberty.stop(layout, host, wlp, java), present))
    tell("application servers stopped")


def _run_down(layout: Layout) -> None:
    if (layout.instance / "g" / "made").exists():
        gtm.run_down(layout, debian.find_programs(layout, lambda text: None).gtm_dist)


def _remove(layout: Layout) -> None:
    """Only what up makes: a directory given by mistake keeps what was in it."""
    for name in MADE:
        entry = layout.root / name
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, onerror=_open_and_retry)
        else:
            entry.unlink(missing_ok=True)
    if not any(layout.root.iterdir()):
        layout.root.rmdir()


def _open_and_retry(action: Callable[[str], object], path: str, error: object) -> None:
    # A Debian package may hold a directory without write permission for its owner.
    Path(path).parent.chmod(0o700)
    Path(path).chmod(0o700)
    if Path(path).is_dir():
        shutil.rmtree(path)
    else:
        action(path)


def recorded_size(root: Path) -> int:
    try:
        return int((root / "app-servers").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 2


def status(layout: Layout) -> list[tuple[str, bool, str]]:
    """Each part: name, whether it runs, where it is."""
    ports = port_numbers.read(layout)
    if not ports:
        raise SandboxError(f"there is no sandbox under {layout.root}", "make demo, or python -m relmgmt_sandbox up")
    parts = [(f"ssh {host}", ssh.is_running(layout, host), f"127.0.0.1:{ports[f'ssh_{host}']}")
             for host in layout.hosts]
    parts += [(f"CFIS {name}", application.is_running(layout, name), f"{layout.instance}")
              for name in application.COMPONENTS]
    parts += [(f"application server {host}", port_numbers.answers(ports[f"http_{host}"]),
               f"http://127.0.0.1:{ports[f'http_{host}']}/cfis/") for host in layout.applications]
    parts.append(("web entry", web.is_running(layout), f"http://127.0.0.1:{ports['entry']}/cfis/"))
    listening = bool(processes.running(layout.run / "listeners.pid"))
    parts.append(("mail sink", listening, f"{layout.mail}"))
    parts.append(("interfaces' listeners", listening, f"{layout.interfaces}"))
    return parts


def reach(layout: Layout, host: str, reachable: bool, tell: Tell) -> None:
    """Cut a host off from SSH, or connect it again."""
    if reachable:
        ssh.start(layout, host, debian.find_programs(layout, tell), port_numbers.read(layout))
    else:
        ssh.stop(layout, host)
    tell(f"{host} is {'reachable' if reachable else 'unreachable'}")

