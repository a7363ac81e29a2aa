# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Liberty server for tests: unpacked from its Maven archive, on a free port, nothing installed.

The runtimes are fetched by Maven and unpacked once into the cache (``RELMGMT_CACHE``, else .cache); Open Liberty is
the sandbox's own.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from programs import cache_directory
from relmgmt_sandbox.layout import Layout
from relmgmt_sandbox.liberty import OPEN_LIBERTY, Runtime, find_runtime

# The newest of its kind in Maven Central.
IBM_LIBERTY = Runtime("wlp", "com.ibm.websphere.appserver.runtime", "wlp-webProfile8", "20.0.0.11")
RUNTIMES = {"open": OPEN_LIBERTY, "ibm": IBM_LIBERTY}
SERVER_XML = """\
<server>
    <featureManager>{features}</featureManager>
    <httpEndpoint id="defaultHttpEndpoint" host="127.0.0.1" httpPort="{port}" httpsPort="{https_port}"/>
    <applicationManager autoExpand="{expand}"/>
    {extra}
</server>
"""
SECURITY = """\
<quickStartSecurity userName="deployer" userPassword="{password}"/>
    <keyStore id="defaultKeyStore" location="{keys}" type="PKCS12" password="{store_password}"/>
"""
JVM_ARGS = "-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"  # starts in half the time
PASSWORD, STORE_PASSWORD = "a password of the tests", "changeit"


@dataclass
class LibertyUnderTest:
    """A server and where its parts lie. ``options``: more of the inventory's relmgmt_websphere.liberty."""

    name: str
    install_dir: pathlib.Path
    user_dir: pathlib.Path
    port: int
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def directory(self) -> pathlib.Path:
        """The server's configuration directory."""
        return self.user_dir / "servers" / self.name

    @property
    def url(self) -> str:
        """The server's own address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The server's process."""
        return int((self.user_dir / "servers" / ".pid" / f"{self.name}.pid").read_text())

    def websphere(self, start_timeout: int = 60) -> dict[str, object]:
        """The inventory's relmgmt_websphere for it."""
        liberty = {
            "server": self.name, "install_dir": str(self.install_dir), "user_dir": str(self.user_dir),
            "url": self.url, "start_timeout": start_timeout, **self.options,
        }
        return {"kind": "liberty", "liberty": liberty}

    def call(self, action: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``bin/server ACTION NAME``."""
        return subprocess.run(
            [str(self.install_dir / "bin/server"), action, self.name, *arguments],
            env={**os.environ, "WLP_USER_DIR": str(self.user_dir), "JVM_ARGS": JVM_ARGS},
            capture_output=True, text=True, check=False, timeout=180,
        )

    def start(self) -> None:
        """Start it and wait for the kernel."""
        done = self.call("start")
        if done.returncode not in (0, 1):
            raise RuntimeError(f"Liberty does not start: {done.stdout}{done.stderr}")

    def until_logged(self, *ids: str) -> None:
        """Wait until the server has told of these messages."""
        deadline = time.monotonic() + 60
        while not all(one in (self.directory / "logs/messages.log").read_text() for one in ids):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} never said {ids}")
            time.sleep(0.2)

    def kill(self) -> None:
        """Away with it, now; a server that is down already is fine."""
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def create_server(
    user_dir: str | os.PathLike[str], name: str = "test", expand: bool = True, extra: str = "",
    runtime: str = "open", features: Sequence[str] = ("servlet-4.0",), https_port: int = -1,
) -> LibertyUnderTest:
    """A server of that name on a free port, not yet started; ``expand`` is Liberty's own default."""
    place = pathlib.Path(user_dir)
    server = LibertyUnderTest(name, install_dir(runtime), place, free_port())
    (server.directory / "apps").mkdir(parents=True)
    text = SERVER_XML.format(
        features="".join(f"<feature>{one}</feature>" for one in features),
        port=server.port, https_port=https_port, expand=str(expand).lower(), extra=extra,
    )
    (server.directory / "server.xml").write_text(text)
    return server


def create_administered(user_dir: pathlib.Path, runtime: str, extra: str) -> LibertyUnderTest:
    """A server with restConnector, a certificate of its own, and the inventory's ``admin`` for it."""
    keys, https_port = user_dir / "keys.p12", free_port()
    user_dir.mkdir(parents=True, exist_ok=True)
    security = SECURITY.format(password=PASSWORD, keys=keys, store_password=STORE_PASSWORD)
    features = ("servlet-4.0", "restConnector-2.0")
    server = create_server(user_dir, "administered", True, security + extra, runtime, features, https_port)
    store = ["-keystore", str(keys), "-storetype", "PKCS12", "-storepass", STORE_PASSWORD, "-alias", "default"]
    _keytool("-genkeypair", "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=127.0.0.1", "-validity", "30",
             "-ext", "san=ip:127.0.0.1", *store)
    certificate, password = user_dir / "server.pem", user_dir / "password"
    certificate.write_text(_keytool("-exportcert", "-rfc", *store))
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    server.options["admin"] = {
        "url": f"https://127.0.0.1:{https_port}", "user": "deployer", "password_file": str(password),
        "ca_file": str(certificate),
    }
    return server


def choose_runtimes(metafunc: pytest.Metafunc) -> None:
    """Run tests that use the fixture ``runtime`` on Open Liberty; those marked, and with RELMGMT_LIBERTY=all each, on
    IBM's too."""
    if "runtime" in metafunc.fixturenames:
        everywhere = os.environ.get("RELMGMT_LIBERTY") == "all"
        marked = metafunc.definition.get_closest_marker("both_runtimes") is not None
        metafunc.parametrize("runtime", list(RUNTIMES) if everywhere or marked else ["open"], scope="session")


def install_dir(runtime: str = "open") -> pathlib.Path:
    """An unpacked runtime, ``wlp``, in the cache that the sandbox uses too."""
    return find_runtime(Layout(cache_directory() / "programs", 1), lambda text: None, RUNTIMES[runtime])


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _keytool(*arguments: str) -> str:
    done = subprocess.run(["keytool", *arguments], capture_output=True, text=True, check=True)
    return done.stdout
