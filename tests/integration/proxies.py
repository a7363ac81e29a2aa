# SPDX-License-Identifier: GPL-3.0-or-later
"""Real proxies before servers that tests can change, and a load of requests that counts what its users see."""

from __future__ import annotations

import http.client
import http.server
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from programs import programs, tool

HAPROXY = """\
global
    stats socket {place}/a.sock mode 600 level {level}
    maxconn 500
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    retries 0
frontend web
    bind 127.0.0.1:{port}
    default_backend cfis
backend cfis
    balance roundrobin
    {affinity}
{servers}"""
NGINX = """\
daemon off;
worker_processes 2;
{user}pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    include {place}/members.conf;  # the file of proxy_member
    map $cookie_route $pool {{
        default cfis;
{pools}    }}
    map $upstream_addr $answered {{
        default "";
        "~(?<last>[^ ,]+)$" $last;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://$pool;
            proxy_next_upstream off;
            add_header Set-Cookie "route=$answered" always;
        }}
    }}
}}
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """The release as text; /slow takes two seconds; while the server is being changed, 500."""

    protocol_version = "HTTP/1.1"
    server: AppServer

    def do_GET(self) -> None:
        self.server.requests += 1
        if self.path == "/slow":
            time.sleep(2)
        body = self.server.release.encode()
        self.send_response(500 if self.server.being_changed else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        del args


class AppServer(http.server.ThreadingHTTPServer):
    """An application server: its release, how many requests it got, and whether it is being changed."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.release = "older"
        self.requests = 0
        self.being_changed = False

    def handle_error(self, *args: Any) -> None:
        """A proxy's health check hangs up before the answer."""
        del args

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


@contextmanager
def app_servers(count: int) -> Iterator[list[AppServer]]:
    """That many servers, app1 and so on."""
    found = [AppServer(f"app{number}") for number in range(1, count + 1)]
    threads = [threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True) for server in found]
    for thread in threads:
        thread.start()
    yield found
    for server in found:
        server.shutdown()
        server.server_close()


class RunningProxy:
    """A proxy process; ``options`` is its relmgmt_proxy."""

    def __init__(self, place: pathlib.Path, servers: list[AppServer]) -> None:
        self.place = place
        self.servers = servers
        self.port = free_port()
        self.options: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, argv: list[str]) -> None:
        self.process = subprocess.Popen(argv, cwd=self.place, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 15
        while not self.answers():
            assert self.process.poll() is None, f"{argv[0]} has ended with {self.process.returncode}"
            assert time.monotonic() < deadline, f"{argv[0]} does not answer"
            time.sleep(0.05)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=15)


class HAProxyUnderTest(RunningProxy):
    """One backend, sessions bound by a cookie."""

    def __init__(
        self, place: pathlib.Path, servers: list[AppServer], affinity: str = "cookie SRV insert indirect nocache",
        level: str = "admin",
    ) -> None:
        super().__init__(place, servers)
        lines = "".join(f"    server {server.name} {server.address} cookie {server.name} check inter 200ms\n"
                        for server in servers)
        config = place / "haproxy.cfg"
        config.write_text(HAPROXY.format(place=place, port=self.port, affinity=affinity, servers=lines, level=level))
        self.options = {
            "kind": "haproxy", "members": {server.name: server.name for server in servers},
            "haproxy": {"socket": str(place / "a.sock"), "backend": "cfis"},
        }
        self.start([tool("haproxy", "haproxy"), "-f", str(config), "-db"])

    def tell(self, command: str) -> str:
        """What the stats socket answers, as an administrator sees it."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.place / "a.sock"))
            connection.sendall(command.encode() + b"\n")
            with connection.makefile() as answer:
                return answer.read()


class NginxUnderTest(RunningProxy):
    """One upstream for new sessions, and one for the sessions of each server, told by a cookie."""

    def __init__(self, place: pathlib.Path, servers: list[AppServer], affinity: bool = True) -> None:
        super().__init__(place, servers)
        self.members = place / "members.conf"
        own = servers if affinity else []
        self.members.write_text("# the servers\n" + upstream("cfis", servers, servers) + "".join(
            upstream(f"cfis_{server.name}", servers, [server]) for server in own))
        pools = "".join(f"        {server.address} cfis_{server.name};\n" for server in own)
        self.config = place / "nginx.conf"
        user = "" if os.geteuid() else "user root;\n"
        self.config.write_text(NGINX.format(place=place, port=self.port, pools=pools, user=user))
        command = [str(programs().nginx), "-p", str(place), "-e", str(place / "error.log"), "-c", str(self.config)]
        self.options = {
            "kind": "nginx", "members": {server.name: server.address for server in servers},
            "nginx": {"members_file": str(self.members), "command": command, "pid_file": str(place / "nginx.pid")},
        }
        self.start(command)


def upstream(name: str, servers: list[AppServer], first: list[AppServer]) -> str:
    """An upstream of nginx in which all servers but the first are there for the time that those are out."""
    lines = "".join(f"    server {server.address} max_fails=0{'' if server in first else ' backup'};  # {server.name}\n"
                    for server in servers)
    return f"upstream {name} {{\n{lines}}}\n"


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
