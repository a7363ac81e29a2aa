# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Open Liberty server for tests: unpacked from its Maven archive, on a free port, nothing installed.

The runtime is the sandbox's: fetched by Maven and unpacked once into the cache (``RELMGMT_CACHE``, else .cache).
"""

from __future__ import annotations

import os
import pathlib
import socket
import subprocess
from dataclasses import dataclass

from programs import cache_directory
from relmgmt_sandbox.layout import Layout
from relmgmt_sandbox.liberty import find_runtime

SERVER_XML = """\
<server>
    <featureManager><feature>servlet-4.0</feature></featureManager>
    <httpEndpoint id="defaultHttpEndpoint" host="127.0.0.1" httpPort="{port}" httpsPort="-1"/>
    <applicationManager autoExpand="{expand}"/>
    {extra}
</server>
"""


@dataclass
class LibertyUnderTest:
    """A server and where its parts lie."""

    name: str
    install_dir: pathlib.Path
    user_dir: pathlib.Path
    port: int

    @property
    def directory(self) -> pathlib.Path:
        """The server's configuration directory."""
        return self.user_dir / "servers" / self.name

    @property
    def url(self) -> str:
        """The server's own address."""
        return f"http://127.0.0.1:{self.port}"

    def websphere(self, start_timeout: int = 60) -> dict[str, object]:
        """The inventory's relmgmt_websphere for it."""
        liberty = {
            "server": self.name, "install_dir": str(self.install_dir), "user_dir": str(self.user_dir),
            "url": self.url, "start_timeout": start_timeout,
        }
        return {"kind": "liberty", "liberty": liberty}

    def call(self, action: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``bin/server ACTION NAME``."""
        return subprocess.run(
            [str(self.install_dir / "bin/server"), action, self.name, *arguments],
            env={**os.environ, "WLP_USER_DIR": str(self.user_dir), "JVM_ARGS": "-Xmx256m"},
            capture_output=True, text=True, check=False, timeout=180,
        )

    def start(self) -> None:
        """Start it and wait for the kernel."""
        done = self.call("start")
        if done.returncode not in (0, 1):
            raise RuntimeError(f"Liberty does not start: {done.stdout}{done.stderr}")

    def stop(self) -> None:
        """Stop it; a server that is down already is fine."""
        self.call("stop", "--force")


def create_server(
    user_dir: str | os.PathLike[str], name: str = "test", expand: bool = True, extra: str = ""
) -> LibertyUnderTest:
    """A server of that name on a free port, not yet started; ``expand`` is Liberty's own default."""
    place = pathlib.Path(user_dir)
    server = LibertyUnderTest(name, install_dir(), place, _free_port())
    (server.directory / "apps").mkdir(parents=True)
    text = SERVER_XML.format(port=server.port, expand=str(expand).lower(), extra=extra)
    (server.directory / "server.xml").write_text(text)
    return server


def install_dir() -> pathlib.Path:
    """The unpacked runtime, ``wlp``, in the cache that the sandbox uses too."""
    return find_runtime(Layout(cache_directory() / "programs", 1), lambda text: None)



def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
