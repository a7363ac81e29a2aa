# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer `pyinfra`: what stock.yml does, in pyinfra's operations; values by --data."""

import hashlib
from pathlib import Path

from pyinfra import host
from pyinfra.api import OperationError
from pyinfra.facts.files import File, FindFiles, Sha256File
from pyinfra.facts.server import Command
from pyinfra.operations import files, server

INCLUDE = """\
<?xml version="1.0" encoding="UTF-8"?>
<server>
    <!-- Kept by relmgmt: a change by hand is overwritten by the next release. -->
    <webApplication id="relmgmt-cfis" name="cfis" location="{placed}" contextRoot="/cfis"/>
</server>
"""


def check(path: str, sha256: str) -> None:
    """Refuse a package that is not the approved one."""
    if hashlib.sha256(Path(path).read_bytes()).hexdigest() != sha256:
        raise OperationError(f"{path} is not what was approved")


def roll_out() -> None:
    """The WAR, on one application server."""
    data = host.data
    check(data.war, data.war_sha256)
    liberty = data.relmgmt_websphere["liberty"]
    home = f"{liberty['user_dir']}/servers/{liberty['server']}"
    include = f"{home}/configDropins/overrides/relmgmt-cfis.xml"
    placed = f"cfis-{data.war_sha256[:12]}.war"
    place = Path(data.release_files) / f"{placed}.xml"
    place.write_text(INCLUDE.format(placed=placed))
    shared = f"{data.relmgmt_shared_folder}/cfis"
    for path in (f"{home}/apps", f"{home}/configDropins/overrides", shared):
        files.directory(name=f"{path} is there", path=path)
    running = host.get_fact(Command, f"sed -n 's/.*location=\"\\([^\"]*\\)\".*/\\1/p' {include} 2>/dev/null || true")
    if running and running != placed:
        server.shell(name="Keep the prior package", commands=[f"cp -n {home}/apps/{running} {shared}/{running}"])
    files.put(name="Copy the WAR", src=data.war, dest=f"{home}/apps/{placed}", mode="644")
    if host.get_fact(File, path=f"{home}/apps/{placed}") and running == placed:
        found = host.get_fact(Sha256File, path=f"{home}/apps/{placed}")
        if found != data.war_sha256:
            raise OperationError(f"{placed} is not what was approved")
    else:
        server.shell(
            name="Read its digest back",
            commands=[f"echo '{data.war_sha256}  {home}/apps/{placed}' | sha256sum --check --quiet"],
        )
    files.put(name="Switch to the WAR", src=str(place), dest=include, mode="640")
    look = (
        f"for i in $(seq 240); do curl -sf {liberty['url']}/cfis/api/status | grep -q '{data.release}' && exit 0;"
        " sleep 0.5; done; exit 1"
    )
    server.shell(name="Wait for the release's own answer", commands=[look])
    for path in host.get_fact(FindFiles, path=f"{home}/apps", fname="cfis-*.war") or []:
        if Path(path).name not in (placed, running):
            files.file(name=f"Remove {path}", path=path, present=False)


def switch() -> None:
    """The static content, on one web server."""
    data = host.data
    check(data.static_zip, data.static_sha256)
    root = data.relmgmt_static["document_root"]
    folder = f"releases/{data.release}-{data.static_sha256[:12]}"
    there = host.get_fact(File, path=f"{root}/{folder}/release.txt")
    files.directory(name="Make the directory", path=f"{root}/{folder}")
    if not there:
        files.put(name="Copy the content", src=data.static_zip, dest=f"{root}/.static.zip")
        server.shell(name="Unpack the content", commands=[f"unzip -oq {root}/.static.zip -d {root}/{folder}"])
        files.file(name="Remove the archive", path=f"{root}/.static.zip", present=False)
    files.link(name="Switch to it", path=f"{root}/current", target=folder)
    look = f"curl -sf {data.relmgmt_entry_url}/static/release.txt | grep -q '{data.release}'"
    server.shell(name="Look at the page", commands=[look])


if "application_servers" in host.groups:
    roll_out()
if "web_servers" in host.groups:
    switch()
