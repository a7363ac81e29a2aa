# SPDX-License-Identifier: GPL-3.0-or-later
"""Liberty: runtimes from Maven, one user directory and one server a host."""
from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from . import processes
from .errors import SandboxError
from .layout import DATABASE, SERVER, Layout, locked, write


class Runtime(NamedTuple):
    """A runtime in Maven Central: its product's name, and where it lies there."""

    product: str
    group: str
    artifact: str
    version: str

    @property
    def archive(self) -> str:
        """Name of its ZIP."""
        return f"{self.artifact}-{self.version}.zip"

    @property
    def folder(self) -> str:
        """Where it is unpacked, below the cache."""
        return f"{self.product}-{self.version}"


OPEN_LIBERTY = Runtime("openliberty", "io.openliberty", "openliberty-webProfile8", "26.0.0.3")
SERVER_XML = """<?xml version="1.0" encoding="UTF-8"?>
<server description="CFIS application server of the sandbox">
    <featureManager>
        <feature>servlet-4.0</feature>
        <feature>jsonp-1.1</feature>
    </featureManager>
    <httpEndpoint id="defaultHttpEndpoint" host="{address}" httpPort="{port}" httpsPort="-1"/>
    <applicationMonitor updateTrigger="polled" pollingRate="500ms" dropinsEnabled="false"/>
    <config updateTrigger="polled" monitorInterval="500ms"/>
    <webContainer deferServletLoad="false"/>
    <!-- Where the web tier would send to MEDS itself; test mode switches it. -->
    <variable name="{variable}" value="{meds}"/>
</server>
"""
VARIABLE = "cfis.meds.port"
JVM_OPTIONS = "-Xmx192m\n-XX:+UseSerialGC\n-XX:TieredStopAtLevel=1\n"


def find_java(tell: Callable[[str], None]) -> Path:
    """The Java home that runs the servers; as root a missing one is installed."""
    home = os.environ.get("JAVA_HOME")
    if home and (Path(home) / "bin" / "java").exists():
        return Path(home)
    if not shutil.which("java"):
        _install("default-jre-headless", "java", tell)
    return Path(str(shutil.which("java"))).resolve().parents[1]


def _install(package: str, program: str, tell: Callable[[str], None]) -> None:
    if os.geteuid():
        raise SandboxError(f"{program} is missing", f"ask an administrator for: apt-get install {package}")
    tell(f"installing {package} (apt)")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    argv = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", package]
    try:
        processes.run(argv, environment)
    except SandboxError:
        # A fresh image has no package lists.
        processes.run(["apt-get", "-qq", "update"], environment)
        processes.run(argv, environment)


def find_runtime(layout: Layout, tell: Callable[[str], None], runtime: Runtime = OPEN_LIBERTY) -> Path:
    """The unpacked runtime (`wlp`) in the cache, downloaded once."""
    home = layout.cache / runtime.folder
    with locked(layout.cache):
        if not (home / "wlp" / "bin" / "server").exists():
            _unpack(_archive(layout, tell, runtime), home)
    return home / "wlp"


def _archive(layout: Layout, tell: Callable[[str], None], runtime: Runtime) -> Path:
    place = Path(*runtime.group.split("."), runtime.artifact, runtime.version, runtime.archive)
    for path in (Path.home() / ".m2/repository" / place, layout.cache / runtime.archive):
        if path.exists():
            return path
    if not shutil.which("mvn"):
        _install("maven", "mvn", tell)
    tell(f"downloading {runtime.archive} (120 MB)")
    artifact = f"{runtime.group}:{runtime.artifact}:{runtime.version}:zip"
    maven = ["mvn", "-B", "-q"]
    processes.run([*maven, "dependency:get", f"-Dartifact={artifact}", "-Dtransitive=false"])
    processes.run([*maven, "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={layout.cache}"])
    return layout.cache / runtime.archive


def _unpack(archive: Path, home: Path) -> None:
    aside = home.with_name(f"{home.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    with zipfile.ZipFile(archive) as bundle:
        for member in bundle.infolist():
            path = Path(bundle.extract(member, aside))
            mode = member.external_attr >> 16
            if mode and path.is_file():
                path.chmod(mode & 0o777)
    # ZIPs made on Windows have no modes: the scripts need theirs in any case.
    for script in (aside / "wlp" / "bin").iterdir():
        if script.is_file():
            script.chmod(script.stat().st_mode | 0o755)
    shutil.rmtree(home, ignore_errors=True)
    aside.rename(home)


def configure(layout: Layout, host: str, ports: dict[str, int]) -> None:
    """Everything of a server but its applications: those are what releases bring."""
    server = layout.user_dir(host) / "servers" / SERVER
    for directory in ("apps", "configDropins/overrides"):
        (server / directory).mkdir(parents=True, exist_ok=True)
    database = f"CFIS_DB_HOST={layout.address(DATABASE)}\nCFIS_DB_PORT={ports['database']}\nCFIS_SERVER={host}\n"
    settings = SERVER_XML.format(address=layout.address(host), port=ports[f"http_{host}"], variable=VARIABLE,
                                 meds=ports["meds_production"])
    if not _is_in_test_mode(server / "server.xml", ports):
        _write_if_new(server / "server.xml", settings)
    _write_if_new(server / "jvm.options", JVM_OPTIONS)
    _write_if_new(server / "server.env", database)


def _is_in_test_mode(path: Path, ports: dict[str, int]) -> bool:
    """Test mode has switched the variable: bringing the sandbox up again must not switch it back."""
    switched = f'<variable name="{VARIABLE}" value="{ports["meds_test"]}"/>'
    return path.exists() and switched in path.read_text(encoding="utf-8")


def _write_if_new(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write(path, text)


def start(layout: Layout, host: str, wlp: Path, java: Path) -> bool:
    if _control(layout, host, wlp, java, "status", accept=(0, 1, 5)) == 0:
        return False
    _control(layout, host, wlp, java, "start", accept=(0, 1))
    return True


def is_running(layout: Layout, host: str, wlp: Path, java: Path) -> bool:
    return _control(layout, host, wlp, java, "status", accept=(0, 1, 2, 5)) == 0


def stop(layout: Layout, host: str, wlp: Path, java: Path) -> None:
    _control(layout, host, wlp, java, "stop", accept=(0, 1, 2, 21))


def _control(layout: Layout, host: str, wlp: Path, java: Path, action: str, accept: tuple[int, ...]) -> int:
    environment = layout.environment(WLP_USER_DIR=str(layout.user_dir(host)), JAVA_HOME=str(java))
    argv = [str(wlp / "bin" / "server"), action, SERVER, *(["--force"] if action == "stop" else [])]
    return processes.status_of(argv, environment, layout.host(host), accept)
