# SPDX-License-Identifier: GPL-3.0-or-later
"""The two Jythons that WebSphere ships, from Maven into the cache."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from programs import cache_directory
from relmgmt_sandbox import processes
from relmgmt_sandbox.layout import locked

ARTIFACTS = {"2.7": "org.python:jython-standalone:2.7.4", "2.1": "jython:jython:2.1"}


@cache
def jython(version: str) -> Path:
    """Its JAR."""
    artifact = ARTIFACTS[version]
    _group, name, number = artifact.split(":")
    folder = cache_directory() / "jython"
    jar = folder / f"{name}-{number}.jar"
    folder.mkdir(exist_ok=True)
    with locked(folder):
        if not jar.exists():
            maven = ["mvn", "-B", "-q"]
            processes.run([*maven, "dependency:get", f"-Dartifact={artifact}:jar", "-Dtransitive=false"])
            processes.run([*maven, "dependency:copy", f"-Dartifact={artifact}:jar", f"-DoutputDirectory={folder}"])
    return jar
