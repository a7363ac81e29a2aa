# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible is told of this sandbox; inventories/sandbox/inventory.py prints it."""
from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import Any

from . import gtm, ssh, web
from .debian import Programs
from .layout import DATABASE, DROP, INTERFACES, SERVER, WEB, Layout, interpreter, write
from .liberty import VARIABLE


def build(layout: Layout, ports: dict[str, int], programs: Programs, wlp: Path, java: Path) -> dict[str, Any]:
    hosts: dict[str, dict[str, Any]] = {host: _connection(layout, host, ports) for host in layout.hosts}
    hosts[DATABASE].update(
        relmgmt_instance=gtm.instance_variables(layout, programs.gtm_dist),
        relmgmt_application=_application(
            _component(layout, "interfaces", "interface", DATABASE, "cfis", ["interfaces"]),
            _component(layout, "server", "session", DATABASE, "cfis", ["server"]),
        ),
    )
    for host in layout.applications:
        hosts[host]["relmgmt_websphere"] = _websphere(layout, host, ports, wlp, java)
    hosts[WEB].update(
        relmgmt_application=_application(_component(layout, "entry", "web_entry", WEB, "entry", [])),
        relmgmt_static={"document_root": str(layout.static), "keep_releases": 5},
        relmgmt_proxy=_proxy(layout, ports, programs),
    )
    return {
        "_meta": {"hostvars": hosts},
        "all": {"children": ["databases", "application_servers", "web_servers", "drop"],
                "vars": _everywhere(layout, ports)},
        "databases": {"hosts": [DATABASE]},
        "application_servers": {"hosts": layout.applications},
        "web_servers": {"hosts": [WEB]},
        "drop": {"hosts": [DROP]},
    }


def save(layout: Layout, inventory: dict[str, Any]) -> None:
    write(layout.inventory_file, json.dumps(inventory, indent=1) + "\n")


def _connection(layout: Layout, host: str, ports: dict[str, int]) -> dict[str, Any]:
    options = {
        "StrictHostKeyChecking": "yes", "UserKnownHostsFile": f'"{ssh.known_hosts(layout)}"',
        "GlobalKnownHostsFile": "/dev/null", "IdentitiesOnly": "yes",
    }
    arguments = " ".join(f"-o {name}={value}" for name, value in options.items())
    return {
        "ansible_host": "127.0.0.1",
        "ansible_port": ports[f"ssh_{host}"],
        "ansible_user": getpass.getuser(),
        "ansible_ssh_private_key_file": str(ssh.client_key(layout)),
        "ansible_ssh_common_args": f"-F /dev/null {arguments}",
        "ansible_python_interpreter": interpreter(),
        "ansible_remote_tmp": str(layout.host(host) / "ansible"),
        "relmgmt_state_dir": str(layout.host(host) / "state"),
        # All hosts share one kernel: each has a table of its own. Nothing here survives a reboot anyway.
        "relmgmt_fence": {"table": f"relmgmt_fence_{host}", "boot": {"kind": "none"}},
    }


def _everywhere(layout: Layout, ports: dict[str, int]) -> dict[str, Any]:
    return {
        "relmgmt_backup_root": str(layout.host(DATABASE) / "backup"),
        "relmgmt_shared_folder": str(layout.shared),
        "relmgmt_record_root": str(layout.root / "records"),
        "relmgmt_entry_url": f"http://127.0.0.1:{ports['entry']}",
        "relmgmt_testers_url": f"http://127.0.0.1:{ports['testers_entry']}",
        "relmgmt_mail": {"host": "127.0.0.1", "port": ports["smtp"], "sender": "relmgmt@sandbox.example.com",
                         "to": ["change-management@sandbox.example.com", "ebusiness@sandbox.example.com"]},
        "relmgmt_interfaces": [_interface(layout, name, ports) for name in INTERFACES],
        # A timer unit would be the machine's own: a process keeps the end time.
        "relmgmt_test_mode": {"hours": 8, "point_max_age": 3600, "timer": {"kind": "process"}},
        "relmgmt_drop": {"method": "sftp", "host": "127.0.0.1", "port": ports[f"ssh_{DROP}"],
                         "user": getpass.getuser(), "private_key": str(ssh.client_key(layout)),
                         "known_hosts": str(ssh.known_hosts(layout)), "path": str(layout.drop)},
    }


def _interface(layout: Layout, name: str, ports: dict[str, int]) -> dict[str, Any]:
    """An external system: the job on the database host sends to it, and of MEDS the web tier keeps the port as well."""
    at = {"host": "127.0.0.1", "addresses": ["127.0.0.1"]}
    settings: list[dict[str, Any]] = [
        {"hosts": "databases", "place": "global_node", "global": "^CFISCFG", "subscripts": ["interface", name, "port"]}]
    if name == "MEDS":
        settings.append({"hosts": "application_servers", "place": "liberty", "type": "server_xml",
                         "name": f"server/variable[@name='{VARIABLE}']/@value"})
    return {
        "name": name, "direction": "outbound", "protocol": "tcp",
        "production": {**at, "port": ports[f"{name.lower()}_production"]},
        "test": {**at, "port": ports[f"{name.lower()}_test"]},
        "settings": settings,
        "queue": {"hosts": "databases", "place": "command", "command": [str(layout.host(DATABASE) / "bin" / "queue")]},
    }


def _application(*components: dict[str, Any]) -> dict[str, Any]:
    return {"name": "CFIS", "components": list(components)}


def _component(layout: Layout, name: str, kind: str, host: str, program: str, arguments: list[str]) -> dict[str, Any]:
    control = str(layout.host(host) / "bin" / program)
    words = ("open", "close", "status") if kind == "web_entry" else ("start", "stop", "status")
    argv = [[control, word, *arguments] for word in words]
    return {"name": name, "kind": kind, "start": argv[0], "stop": argv[1], "status": argv[2]}


def _proxy(layout: Layout, ports: dict[str, int], programs: Programs) -> dict[str, Any]:
    return {"kind": "nginx", "members": web.members(layout, ports), "nginx": {
        "members_file": str(web.members_file(layout)), "command": web.command(layout, programs),
        "pid_file": str(layout.host(WEB) / "run" / "nginx.own.pid"),
    }}


def _websphere(layout: Layout, host: str, ports: dict[str, int], wlp: Path, java: Path) -> dict[str, Any]:
    return {"kind": "liberty", "liberty": {
        "server": SERVER, "install_dir": str(wlp), "user_dir": str(layout.user_dir(host)), "java_home": str(java),
        "url": f"http://127.0.0.1:{ports[f'http_{host}']}", "start_timeout": 120,
    }}
