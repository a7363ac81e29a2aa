# SPDX-License-Identifier: GPL-3.0-or-later
"""The web entry: nginx before the application servers, with a maintenance switch and the static document root."""
from __future__ import annotations

import os
import signal
from pathlib import Path

from . import ports as port_numbers
from . import processes
from .debian import Programs
from .layout import WEB, Layout, write

CONFIG = """daemon off;
worker_processes 1;
{user}pid {run}/nginx.own.pid;
error_log {run}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log {run}/access.log;
    client_body_temp_path {run}/body;
    proxy_temp_path {run}/proxy;
    fastcgi_temp_path {run}/fastcgi;
    uwsgi_temp_path {run}/uwsgi;
    scgi_temp_path {run}/scgi;
    types {{ text/html html; text/css css; text/plain txt; application/json json; image/svg+xml svg; }}
    default_type application/octet-stream;
    include {members};
    # A client keeps its server: a cookie names the one that answered last.
    map $cookie_cfis_route $cfis_upstream {{
        default cfis;
{routes}    }}
    # nginx names every server that it tried.
    map $upstream_addr $cfis_answered {{
        default "";
        "~(?<cfis_last>[^ ,]+)$" $cfis_last;
    }}
{users}{testers}}}
"""
SITE = """    server {{
        listen {address}:{port};
{switch}        location = / {{ return 302 $scheme://$http_host/cfis/; }}
        location /cfis/ {{
            proxy_pass http://$cfis_upstream;
            proxy_set_header Host $http_host;
            proxy_connect_timeout 5s;
            proxy_read_timeout 30s;
            add_header X-Served-By $upstream_addr always;
            add_header Set-Cookie "cfis_route=$cfis_answered; Path=/; HttpOnly; SameSite=Lax" always;
        }}
        location /static/ {{
            alias {static}/current/;
            index index.html;
        }}
    }}
"""
SWITCH = """        error_page 503 @maintenance;
        location @maintenance {{
            root {home}/etc;
            rewrite ^ /maintenance.html break;
        }}
        if (-f {home}/run/maintenance) {{ return 503; }}
"""
MAINTENANCE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>CFIS: maintenance</title></head>
<body><h1>CFIS is closed for maintenance</h1><p>A release is being installed. Please come back later.</p></body></html>
"""


def members_file(layout: Layout) -> Path:
    """The servers behind the web entry; a release takes them out and in by it."""
    return layout.host(WEB) / "etc" / "members.conf"


def members(layout: Layout, ports: dict[str, int]) -> dict[str, str]:
    """By application server, its address as the web entry has it."""
    return {host: f"{layout.address(host)}:{ports[f'http_{host}']}" for host in layout.applications}


def command(layout: Layout, programs: Programs) -> list[str]:
    """How nginx is called on the host of the web entry."""
    home = layout.host(WEB)
    argv = [str(programs.nginx), "-p", str(home), "-e", str(home / "run" / "error.log")]
    libraries = [f"LD_LIBRARY_PATH={programs.libraries}"] if programs.libraries else []
    return ["env", *libraries, *argv, "-c", str(home / "etc" / "nginx.conf")]


def _write_members(layout: Layout, ports: dict[str, int]) -> None:
    """A server that a release has taken out stays out."""
    path, servers = members_file(layout), members(layout, ports)
    wanted = _upstream("cfis", servers, list(servers)) + "".join(
        _upstream(f"cfis_{host}", servers, [host]) for host in servers)
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    if known.replace(" down;", ";") != wanted:
        write(path, wanted)


def _upstream(name: str, servers: dict[str, str], first: list[str]) -> str:
    """An upstream in which all servers but the first are there for the time that those are out."""
    lines = "".join(f"    server {address} max_fails=0{'' if host in first else ' backup'};\n"
                    for host, address in servers.items())
    return f"upstream {name} {{\n{lines}}}\n"


def configure(layout: Layout, ports: dict[str, int]) -> Path:
    """Two doors: the users', which the switch closes, and the testers', open while a release is verified."""
    home = layout.host(WEB)
    (home / "run").mkdir(parents=True, exist_ok=True)
    layout.static.mkdir(parents=True, exist_ok=True)
    write(home / "etc" / "maintenance.html", MAINTENANCE)
    _write_members(layout, ports)
    site = {"static": layout.static, "address": layout.address(WEB)}
    text = CONFIG.format(
        run=home / "run",
        user="" if os.geteuid() else "user root;\n",
        members=members_file(layout),
        routes="".join(f"        {address} cfis_{host};\n" for host, address in members(layout, ports).items()),
        users=SITE.format(port=ports["entry"], switch=SWITCH.format(home=home), **site),
        testers=SITE.format(port=ports["testers_entry"], switch="", **site),
    )
    return write(home / "etc" / "nginx.conf", text)


def start(layout: Layout, programs: Programs, ports: dict[str, int]) -> bool:
    home = layout.host(WEB)
    before = _written(layout)
    configure(layout, ports)
    started = processes.start("nginx", command(layout, programs), layout.environment(), home / "run", home)
    if not started and _written(layout) != before:
        os.kill(processes.running(home / "run" / "nginx.pid"), signal.SIGHUP)
    entry = (ports["entry"], layout.address(WEB))
    processes.wait_until(lambda: port_numbers.answers(*entry), "nginx", home / "run" / "error.log")
    return started


def _written(layout: Layout) -> list[bytes]:
    files = (layout.host(WEB) / "etc" / "nginx.conf", members_file(layout))
    return [path.read_bytes() if path.exists() else b"" for path in files]


def is_running(layout: Layout) -> bool:
    return bool(processes.running(layout.host(WEB) / "run" / "nginx.pid"))


def stop(layout: Layout) -> bool:
    return processes.stop(layout.host(WEB) / "run" / "nginx.pid")
