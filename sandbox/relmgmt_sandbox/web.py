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
    upstream cfis {{
{servers}    }}
{users}{testers}}}
"""
SITE = """    server {{
        listen {address}:{port};
{switch}        location = / {{ return 302 $scheme://$http_host/cfis/; }}
        location /cfis/ {{
            proxy_pass http://cfis;
            proxy_set_header Host $http_host;
            proxy_connect_timeout 5s;
            proxy_read_timeout 30s;
            add_header X-Served-By $upstream_addr always;
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


def configure(layout: Layout, ports: dict[str, int]) -> Path:
    """Two doors: the users', which the switch closes, and the testers', open while a release is verified."""
    home = layout.host(WEB)
    (home / "run").mkdir(parents=True, exist_ok=True)
    layout.static.mkdir(parents=True, exist_ok=True)
    write(home / "etc" / "maintenance.html", MAINTENANCE)
    servers = "".join(
        f"        server {layout.address(host)}:{ports[f'http_{host}']} max_fails=0;\n" for host in layout.applications
    )
    site = {"static": layout.static, "address": layout.address(WEB)}
    text = CONFIG.format(
        run=home / "run",
        user="" if os.geteuid() else "user root;\n",
        servers=servers,
        users=SITE.format(port=ports["entry"], switch=SWITCH.format(home=home), **site),
        testers=SITE.format(port=ports["testers_entry"], switch="", **site),
    )
    return write(home / "etc" / "nginx.conf", text)


def start(layout: Layout, programs: Programs, ports: dict[str, int]) -> bool:
    home = layout.host(WEB)
    before = (home / "etc" / "nginx.conf").read_bytes() if (home / "etc" / "nginx.conf").exists() else b""
    config = configure(layout, ports)
    argv = [str(programs.nginx), "-p", str(home), "-e", str(home / "run" / "error.log"), "-c", str(config)]
    environment = layout.environment(LD_LIBRARY_PATH=programs.libraries)
    started = processes.start("nginx", argv, environment, home / "run", home)
    if not started and config.read_bytes() != before:
        os.kill(processes.running(home / "run" / "nginx.pid"), signal.SIGHUP)
    entry = (ports["entry"], layout.address(WEB))
    processes.wait_until(lambda: port_numbers.answers(*entry), "nginx", home / "run" / "error.log")
    return started


def is_running(layout: Layout) -> bool:
    return bool(processes.running(layout.host(WEB) / "run" / "nginx.pid"))


def stop(layout: Layout) -> bool:
    return processes.stop(layout.host(WEB) / "run" / "nginx.pid")
