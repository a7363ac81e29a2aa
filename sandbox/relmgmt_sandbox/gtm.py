# SPDX-License-Identifier: GPL-3.0-or-later
"""The M instance: global directory, dataset, journal, and the users' data that no release brings."""
from __future__ import annotations

from pathlib import Path

from . import processes
from .layout import CLONE, INTERFACES, Layout

SEED = CLONE / "examples" / "application" / "data" / "cases.zwr"


def instance_variables(layout: Layout, dist: Path) -> dict[str, object]:
    """relmgmt_instance of the inventory."""
    home = layout.instance
    return {
        "name": "CFIS",
        "engine": "gtm",
        "gtm": {
            "dist": str(dist),
            "global_directory": str(home / "g" / "cfis.gld"),
            "source_directory": str(home / "r"),
            "object_directory": str(home / "o"),
            "environment": own_log(layout),
        },
    }


def own_log(layout: Layout) -> dict[str, str]:
    """A log of our own. No gtm_tmp: mupip journal fails while another gtmsecshr uses another one."""
    return {"gtm_log": str(layout.instance / "log")}


def environment(layout: Layout, dist: Path) -> dict[str, str]:
    home = layout.instance
    return layout.environment(
        gtm_dist=str(dist),
        gtmgbldir=str(home / "g" / "cfis.gld"),
        gtmroutines=f"{home}/o({home}/r) {dist}/libgtmutil.so {dist}",
        gtm_etrap='write:(0=$stack) "Error: ",$zstatus,! zhalt 1',
        gtm_chset="M",
        **own_log(layout),
    )


def create(layout: Layout, dist: Path, ports: dict[str, int]) -> bool:
    """Make the instance once; True if it was made now."""
    home = layout.instance
    made = home / "g" / "made"
    if made.exists():
        return False
    for name in ("g", "j", "r", "o", "log", "run", "tmp"):
        (home / name).mkdir(parents=True, exist_ok=True)
    settings = environment(layout, dist)
    for leftover in (*(home / "g").iterdir(), *(home / "j").iterdir()):
        leftover.unlink()
    _make_dataset(home, dist, settings)
    _load(_settings(ports), home, dist, settings)
    processes.run([str(dist / "mupip"), "load", str(SEED)], settings)
    made.write_text("", encoding="utf-8")
    return True


def _make_dataset(home: Path, dist: Path, settings: dict[str, str]) -> None:
    directory = (
        f"change -segment DEFAULT -file=\"{home}/g/cfis.dat\" -allocation=1000 -extension=1000 -block_size=4096\n"
        "change -region DEFAULT -record_size=8000 -key_size=255\nexit\n"
    )
    processes.run([str(dist / "mumps"), "-run", "GDE"], settings, stdin=directory)
    processes.run([str(dist / "mupip"), "create"], settings)
    journal = f"-journal=enable,on,before,file={home}/j/cfis.mjl"
    processes.run([str(dist / "mupip"), "set", journal, "-region", "*"], settings)


def _settings(ports: dict[str, int]) -> str:
    """What belongs to this environment and not to a release: where the interfaces' other ends are."""
    lines = ["sandbox settings", "01-JAN-2026  00:00:00 ZWR"]
    for name in INTERFACES:
        for kind in ("production", "test"):
            node = f'^CFISCFG("interface","{name}","endpoints","{kind}"'
            lines += [f'{node},"host")="127.0.0.1"', f'{node},"port")="{ports[f"{name.lower()}_{kind}"]}"']
        lines.append(f'^CFISCFG("interface","{name}","host")="127.0.0.1"')
        lines.append(f'^CFISCFG("interface","{name}","port")="{ports[f"{name.lower()}_production"]}"')
    return "\n".join(lines) + "\n"


def _load(text: str, home: Path, dist: Path, settings: dict[str, str]) -> None:
    path = home / "tmp" / "settings.zwr"
    path.write_text(text, encoding="utf-8")
    processes.run([str(dist / "mupip"), "load", str(path)], settings)
    path.unlink()


def run_down(layout: Layout, dist: Path) -> None:
    """Give the shared memory back: it would outlive the files."""
    if (layout.instance / "g" / "cfis.dat").exists():
        processes.status_of(
            [str(dist / "mupip"), "rundown", "-region", "*"], environment(layout, dist), layout.host("db1"),
            accept=tuple(range(256)),
        )
