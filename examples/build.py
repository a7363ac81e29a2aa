# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the example bundles and their approvals from examples/application.

python examples/build.py           write examples/bundles and examples/changes/*.approvals.yml
python examples/build.py --check   compare what would be written with what is committed; 1 and the names if it differs

A release's directory holds what changed since the one it replaces. Archives are stored, sorted and dated by the
release, so that the same sources make the same bytes. Classes are compiled with the JDK that the committed WAR
names; with another one, or none, the classes of the committed WAR are taken over, but only if their sources are
unchanged.
"""
from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import yaml

EXAMPLES = Path(__file__).resolve().parent
APPLICATION = EXAMPLES / "application"
RELEASES = ("CFIS001", "CFIS002", "CFIS003")
PHASES = ["gate", "lease", "quiesce", "backup", "install", "deploy", "verify", "sign_off_request", "reopen", "record"]
TEST_MODE = ["enter_test_mode", "leave_test_mode"]
SPDX = "# SPDX-License-Identifier: GPL-3.0-or-later\n---\n"
ZV = "Cache for UNIX (Red Hat Enterprise Linux for x86-64) 2018.1.7 (Build 721U)"
EXPIRES = "2099-12-31T23:59:59+00:00"


class Built(NamedTuple):
    name: str
    files: dict[str, bytes]
    digest: str


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def history(release: str) -> list[Path]:
    """The directories of the releases up to this one, oldest first."""
    return [APPLICATION / name for name in RELEASES[: RELEASES.index(release) + 1]]


def overlaid(release: str, part: str) -> dict[str, bytes]:
    """A part's files as this release has them: its own over those of the releases before."""
    found: dict[str, bytes] = {}
    for directory in history(release):
        for path in sorted((directory / part).rglob("*")):
            if path.is_file():
                found[path.relative_to(directory / part).as_posix()] = path.read_bytes()
    return found


# The Caché XML export


def export_xml(release: str, build: dict[str, Any]) -> bytes:
    """What Caché's own export of the release's routines and globals looks like."""
    time = datetime.fromisoformat(build["time"])
    names = sorted([path.stem for path in (APPLICATION / release / "routines").glob("*.m")] + build["also"])
    lines = ['<?xml version="1.0" encoding="UTF-8"?>',
             f'<Export generator="Cache" version="25" zv="{ZV}" ts="{time:%Y-%m-%d %H:%M:%S}">']
    lines += [_routine(name, overlaid(release, "routines")[f"{name}.m"].decode("utf-8"), time) for name in names]
    for name, nodes in yaml.safe_load((APPLICATION / release / "globals.yml").read_text(encoding="utf-8")).items():
        lines += ["", "<Global>", *_node(f"^{name}", nodes), "</Global>", ""]
    return ("\n".join([*lines, "</Export>"]) + "\n").encode("utf-8")


def _routine(name: str, code: str, time: datetime) -> str:
    horolog = f"{(time.date() - date(1840, 12, 31)).days},{time.hour * 3600 + time.minute * 60 + time.second}"
    text = code.replace("]]>", "]]]]><![CDATA[>")
    return f'<Routine name="{name}" type="MAC" languagemode="0" timestamp="{horolog}"><![CDATA[\n{text}]]></Routine>\n'


def _node(subscript: str, content: Any) -> list[str]:
    head = f"<Node><Sub>{escape(subscript)}</Sub>"
    if not isinstance(content, dict):
        return [head, f"<Data>{escape(str(content))}</Data>", "</Node>"]
    below = [line for key, value in sorted(content.items()) for line in _node(str(key), value)]
    return [head, *below, "</Node>"]


# Archives


def archive(files: dict[str, bytes], time: datetime) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as written:
        # A manifest is looked for at the head of a WAR.
        for name in sorted(files, key=lambda name: (name != "META-INF/MANIFEST.MF", name)):
            entry = zipfile.ZipInfo(name, (time.year, time.month, time.day, time.hour, time.minute, 0))
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            written.writestr(entry, files[name])
    return buffer.getvalue()


def war(release: str, time: datetime) -> bytes:
    web = overlaid(release, "web")
    sources = {name: data for name, data in web.items() if name.startswith("src/")}
    files = {name: data for name, data in web.items() if name not in sources}
    digest = sha256(b"".join(name.encode() + b"\0" + data for name, data in sorted(sources.items())))
    java, classes = classes_of(release, sources, digest)
    files.update({f"WEB-INF/classes/{name}": data for name, data in classes.items()})
    files["WEB-INF/classes/release.properties"] = f"release={release}\n".encode()
    files["META-INF/MANIFEST.MF"] = (
        f"Manifest-Version: 1.0\nImplementation-Title: CFIS\nImplementation-Version: {release}\n"
        f"Build-Jdk-Spec: {java}\nX-Source-Digest: {digest[:40]}\n\n"
    ).encode()
    return archive(files, time)


def classes_of(release: str, sources: dict[str, bytes], digest: str) -> tuple[str, dict[str, bytes]]:
    committed = EXAMPLES / "bundles" / release / "cfis.war"
    manifest, kept = _committed_classes(committed) if committed.exists() else ("", {})
    recorded = re.search(r"Build-Jdk-Spec: (\S+)", manifest)
    current = f"X-Source-Digest: {digest[:40]}" in manifest
    here, jars = jdk(), api_jars()
    if current and recorded and (here != recorded[1] or not jars):
        print(f"{release}: classes taken from the committed WAR (built with JDK {recorded[1]}; "
              f"here: {f'JDK {here}' if here else 'no JDK'}, {len(jars)} API jars)")
        return recorded[1], kept
    if not here or len(jars) < 2:
        sys.exit("The WAR's sources changed: javac and the sandbox's Open Liberty (API jars) are needed to build it. "
                 "Cure: install a JDK; bring the sandbox up once, or set RELMGMT_CACHE to its cache.")
    return here, compile_classes(sources, jars)


def _committed_classes(path: Path) -> tuple[str, dict[str, bytes]]:
    with zipfile.ZipFile(path) as kept:
        names = [name for name in kept.namelist() if name.endswith(".class")]
        classes = {name[len("WEB-INF/classes/"):]: kept.read(name) for name in names}
        return kept.read("META-INF/MANIFEST.MF").decode(), classes


def jdk() -> str:
    if not shutil.which("javac"):
        return ""
    said = subprocess.run(["javac", "-version"], capture_output=True, text=True, check=False)
    version = re.search(r"javac (\d+)", said.stdout + said.stderr)
    return version[1] if version else ""


def api_jars() -> list[Path]:
    box = Path(os.environ.get("RELMGMT_SANDBOX") or EXAMPLES.parent / ".sandbox")
    cache = Path(os.environ.get("RELMGMT_CACHE") or box / "cache")
    jars: list[Path] = []
    for pattern in ("com.ibm.websphere.javaee.servlet.4.0_*.jar", "com.ibm.websphere.javaee.jsonp.1.1_*.jar"):
        jars += sorted(cache.glob(f"openliberty-*/wlp/dev/api/spec/{pattern}"))[-1:]
    return jars


def compile_classes(sources: dict[str, bytes], jars: list[Path]) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as scratch:
        for name, data in sources.items():
            path = Path(scratch) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        argv = ["javac", "--release", "8", "-Xlint:all,-options", "-Werror", "-g:none", "-encoding", "UTF-8",
                "-cp", os.pathsep.join(map(str, jars)), "-d", "classes", *sorted(sources)]
        subprocess.run(argv, cwd=scratch, check=True)
        classes = Path(scratch) / "classes"
        return {path.relative_to(classes).as_posix(): path.read_bytes() for path in sorted(classes.rglob("*.class"))}


# Bundles and approvals


def bundle(release: str) -> Built:
    source = APPLICATION / release
    description = yaml.safe_load((source / "release.yml").read_text(encoding="utf-8"))
    build = description.pop("build")
    time = datetime.fromisoformat(build["time"])
    files = {
        f"{release}.xml": export_xml(release, build),
        "cfis.war": war(release, time),
        "cfis-static.zip": archive(overlaid(release, "static"), time),
    }
    files.update({name: (source / name).read_bytes() for name in description["documents"].values()})
    for package in description["packages"]:
        package["sha256"] = sha256(files[package["file"]])
    files["release.yml"] = (SPDX + dump(description)).encode()
    sums = "".join(f"{sha256(data)}  {name}\n" for name, data in sorted(files.items()))
    return Built(release, {**files, "SHA256SUMS": sums.encode()}, sha256(sums.encode()))


def approvals(bundles: dict[str, str]) -> dict[str, bytes]:
    """Each ticket's approvals, bound to digests; the table may name another bundle, to show a refusal."""
    table = yaml.safe_load((APPLICATION / "approvals.yml").read_text(encoding="utf-8"))
    written: dict[str, bytes] = {}
    for change, rows in table.items():
        ticket = yaml.safe_load((EXAMPLES / "changes" / f"{change}.yml").read_text(encoding="utf-8"))
        given = [approval(row, ticket, bundles) for row in rows]
        written[f"{change}.approvals.yml"] = (SPDX + dump({"approvals": given})).encode()
    return written


def approval(row: dict[str, str], ticket: dict[str, Any], bundles: dict[str, str]) -> dict[str, str]:
    if ticket.get("kind") == "test_mode":
        digest, with_test_mode = ticket_digest(ticket), True
    else:
        digest, with_test_mode = bundles[row.pop("bundle", ticket["release"])], ticket.get("test_mode", False)
    given = {**row, "expires": EXPIRES}
    if row["gate"] == "acceptance_sign_off":
        return {**given, "bundle_digest": digest}
    at = PHASES.index("sign_off_request")
    phases = PHASES[:at] + TEST_MODE + PHASES[at:] if with_test_mode else PHASES
    return {**given, "digest": digest_of({"bundle": digest, "environment": row["environment"], "phases": phases})}


def ticket_digest(ticket: dict[str, Any]) -> str:
    """What stands for a bundle's digest where test mode alone is asked for: all that the ticket says."""
    nothing = {"release": "test-mode", "bundle": "", "summary": "", "reason": "", "notice_sent": "", "test_mode": False}
    dates = {key: str(ticket[key]) for key in ("date", "notice_sent") if key in ticket}
    return digest_of({**nothing, **ticket, **dates})


def digest_of(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


class _Plain(yaml.SafeDumper):
    """Without anchors, which a reader would have to follow, and with lists indented, as yamllint wants them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def dump(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Plain, sort_keys=False, width=110, allow_unicode=True)
    return text


def everything() -> dict[Path, bytes]:
    """Every file this script answers for, relative to examples/."""
    built = [bundle(release) for release in RELEASES]
    files = {Path("bundles", one.name, name): data for one in built for name, data in one.files.items()}
    given = approvals({one.name: one.digest for one in built})
    return {**files, **{Path("changes", name): data for name, data in given.items()}}


def differences(files: dict[Path, bytes]) -> list[str]:
    present = {path.relative_to(EXAMPLES) for path in (EXAMPLES / "bundles").rglob("*") if path.is_file()}
    present |= {path.relative_to(EXAMPLES) for path in (EXAMPLES / "changes").glob("*.approvals.yml")}
    found = [f"examples/{path}: is committed, but nothing makes it" for path in sorted(present - set(files))]
    found += [f"examples/{path}: is not committed" for path in sorted(set(files) - present)]
    changed = [path for path in sorted(set(files) & present) if (EXAMPLES / path).read_bytes() != files[path]]
    return found + [f"examples/{path}: differs{_members(EXAMPLES / path, files[path])}" for path in changed]


def _members(committed: Path, made: bytes) -> str:
    if committed.suffix not in (".war", ".zip"):
        return ""
    with zipfile.ZipFile(committed) as one, zipfile.ZipFile(io.BytesIO(made)) as other:
        old = {name: one.read(name) for name in one.namelist()}
        new = {name: other.read(name) for name in other.namelist()}
    return " in " + ", ".join(sorted(name for name in {**old, **new} if old.get(name) != new.get(name)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if anything differs")
    options = parser.parse_args()
    files = everything()
    if options.check:
        found = differences(files)
        print("\n".join(found) or f"{len(files)} files are as built")
        return 1 if found else 0
    for directory in (EXAMPLES / "bundles" / release for release in RELEASES):
        shutil.rmtree(directory, ignore_errors=True)
    for path, data in files.items():
        (EXAMPLES / path).parent.mkdir(parents=True, exist_ok=True)
        (EXAMPLES / path).write_bytes(data)
    print(f"{len(files)} files written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
