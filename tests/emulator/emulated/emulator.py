# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as tests use it: makes an instance in a directory, starts it, crashes it, looks inside."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from programs import cache_directory, programs

from emulated.control import is_running, shut_down, spawn_server
from emulated.databases import run_down
from emulated.facts import Facts, Scenario, default_facts
from emulated.globals import Globals
from emulated.layout import Settings, write_cpf
from emulated.namespaces import Namespaces
from emulated.values import Value, key, text

_HERE = Path(__file__).resolve().parent
_GDE = (
    'change -segment DEFAULT -file="$emulated_dat"\n'
    "change -segment DEFAULT -block_size=8192 -allocation=32 -extension_count=64 -global_buffer_count=256\n"
    "change -region DEFAULT -record_size=1000000 -key_size=1000 -stdnull -null_subscripts=always\nexit\n"
)


@dataclass(frozen=True)
class Ran:
    """What a command of the host left: exit status, standard output and standard error."""

    rc: int
    out: str
    err: str


class Emulator:
    """One instance of ``cache2008``, ``cache2018`` or ``iris2025`` under ``base``.

    ``facts`` and ``scenario`` may be changed at any time; ``save()`` makes that known.
    """

    def __init__(self, base: Path, product: str, name: str = "CFIS") -> None:
        self.base = base
        found = programs()
        self.settings = Settings.create(base, product, name, str(found.gtm_dist), found.libraries)
        self.name = name
        self.bin = base / "bin"
        self._servers: list[int] = []
        self._create()

    # -- making ----------------------------------------------------------------------

    def _create(self) -> None:
        settings = self.settings
        for each in (self.bin, settings.private, settings.install / "bin", settings.journals):
            each.mkdir(parents=True)
        (settings.private / "emustore.m").symlink_to(_HERE / "store.m")
        settings.save()
        write_cpf(settings)
        self._parameters()
        self._commands()
        self._databases()

    def _parameters(self) -> None:
        kind = "iris" if self.settings.product.iris else "cache"
        names = ("manager_user", "manager_group", f"{kind}_user", f"{kind}_group")
        lines = [f"security_settings.{name}: root\n" for name in names]
        (self.settings.install / "parameters.isc").write_text("".join(lines), encoding="utf-8")

    def _commands(self) -> None:
        for command in ("iris",) if self.settings.product.iris else ("ccontrol", "csession"):
            script = self.bin / command
            script.write_text(
                f"#!{sys.executable} -IS\nimport sys\nsys.path.insert(0, {str(_HERE.parent)!r})\n"
                f"from emulated.control import main\nimport os\n"
                f"status = main({str(self.base)!r}, {command!r}, sys.argv[1:])\n"
                "sys.stdout.flush()\nos._exit(status)\n",
                encoding="utf-8",
            )
            script.chmod(0o755)

    def _databases(self) -> None:
        settings = self.settings
        global_directory, template = _template(settings.gtm_dist, settings.libraries)
        shutil.copyfile(global_directory, settings.private / "one.gld")
        for directory in settings.databases().values():
            directory.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(template, directory / settings.product.database_file)

    # -- settings --------------------------------------------------------------------

    @property
    def facts(self) -> Facts:
        return self.settings.facts

    @property
    def scenario(self) -> Scenario:
        return self.settings.scenario

    def save(self) -> None:
        """Make changed facts and scenario known to commands and sessions."""
        self.settings.save()

    def directory(self, database: str) -> Path:
        """Directory of a database by its name in the CPF."""
        return Path(Namespaces(self.settings).database(database))

    def file(self, database: str) -> Path:
        return self.directory(database) / self.settings.product.database_file

    # -- commands of the host --------------------------------------------------------

    def command(self, *arguments: str, stdin: str = "", timeout: float = 60) -> Ran:
        """Run ``ccontrol`` or ``iris``."""
        return self._run([str(self.bin / ("iris" if self.settings.product.iris else "ccontrol")), *arguments],
                         stdin, timeout)

    def session(self, *lines: str, namespace: str = "", entry: str = "", timeout: float = 60) -> Ran:
        """A terminal session with these lines on standard input, or with an entry."""
        arguments = [self.name, *(["-U", namespace] if namespace else []), *([entry] if entry else [])]
        program = ["iris", "session"] if self.settings.product.iris else ["csession"]
        stdin = "".join(f"{line}\n" for line in lines)
        return self._run([str(self.bin / program[0]), *program[1:], *arguments], stdin, timeout)

    def _run(self, arguments: list[str], stdin: str, timeout: float) -> Ran:
        encoding = self.scenario.encoding
        done = subprocess.run(
            arguments, input=stdin.encode(encoding), capture_output=True, timeout=timeout, check=False)
        return Ran(done.returncode, done.stdout.decode(encoding), done.stderr.decode("utf-8"))

    def start(self) -> None:
        """Start the instance, without the cost of a command."""
        pid, why = spawn_server(self.settings)
        self._servers.append(pid)
        assert not why, why

    def stop(self) -> None:
        shut_down(self.settings)
        self._reap()

    def autostart(self) -> Ran:
        """What the host does when it boots: start the instance, if it can be."""
        return self.command("start", self.name, "quietly")

    @property
    def running(self) -> bool:
        return is_running(self.settings)

    def kill(self) -> None:
        """A crash: nothing is written any more; the instance comes back down, its files closed."""
        pid = int((self.settings.private / "server.pid").read_text(encoding="utf-8"))
        # The server last: a store that sees it go ends by itself, and killed in that it leaves nameless memory.
        killed = (*_children(pid), pid)
        for each in killed:
            _kill(each)
        # Shared memory can be run down only once nobody is attached to it.
        while any(_lives(each) for each in killed):
            time.sleep(0.001)
        self._reap()
        file = self.settings.product.database_file
        for path in (*(each / file for each in self._mounted()), *self.settings.memory.glob(f"*/{file}")):
            run_down(self.settings, path)
        shutil.rmtree(self.settings.memory, ignore_errors=True)

    def _mounted(self) -> Iterable[Path]:
        lock = self.settings.product.lock_file
        return [each for each in self.settings.databases().values() if (each / lock).exists()]

    def thaw(self) -> None:
        """As an operator thaws an instance that lets nobody in."""
        with self._globals() as globals_:
            globals_.ask("thaw")

    def close(self) -> None:
        """End of a test: nothing of the instance is left running."""
        if self.running:
            self.stop()
        for pid in self._servers:
            _kill(pid)
        self._reap()

    def _reap(self) -> None:
        """See servers through that have ended, or are about to."""
        while self._servers:
            os.waitpid(self._servers.pop(), 0)

    # -- looking inside, past the product ---------------------------------------------

    def get(self, name: str, *subscripts: Value, database: str = "CFISDATA") -> str | None:
        """The value of a node in a database of the running instance."""
        with self._globals() as globals_:
            return globals_.get(f"{self.directory(database)}/", name, [key(each) for each in subscripts])

    def set(self, name: str, *subscripts: Value, value: Value, database: str = "CFISDATA") -> None:
        """Write a node, as a user of the application does."""
        with self._globals() as globals_:
            globals_.set(f"{self.directory(database)}/", name, [key(each) for each in subscripts], text(value))

    def nodes(self, name: str, database: str = "CFISDATA") -> dict[tuple[str, ...], str]:
        """Every node of a global."""
        with self._globals() as globals_:
            found = list(globals_.nodes(f"{self.directory(database)}/", name, []))
        return {tuple(text(each) for each in subscripts): value for subscripts, value in found}

    def _globals(self) -> closing[Globals]:
        return closing(Globals(self.settings.socket))

    def runs_with(self, item: str) -> dict[str, str]:
        """The settings that an item of the running production was started with: by ``Target Name``, or ``Name``."""
        running: dict[str, dict[str, str]] = json.loads(self.get("Ens.Runtime", "Values") or "{}")
        return running.get(item, {})

    def clean(self) -> None:
        """As after creation, for the next test: no code and data of the application, no switch set."""
        self.settings.facts = default_facts(self.settings.product_key)
        self.settings.scenario = Scenario()
        self.save()
        with self._globals() as globals_:
            for database in ("CFISDATA", "CFISCODE", "USER"):
                directory = f"{self.directory(database)}/"
                for name in globals_.names(directory):
                    globals_.kill(directory, name, [])

    def log(self) -> str:
        """The messages log."""
        return self.settings.log.read_text(encoding="utf-8")

    def refused(self) -> str:
        """What was asked of the emulator and is not there, a line each."""
        path = self.settings.private / "refused.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""


@cache
def _template(gtm_dist: str, libraries: str) -> tuple[Path, Path]:
    """A global directory whose one file is named by the environment, and an empty database; made once."""
    kept = cache_directory() / f"emulated-{hashlib.sha256((gtm_dist + _GDE).encode()).hexdigest()[:16]}"
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=cache_directory()) as place:
            made = Path(place) / "made"
            made.mkdir()
            _make_template(made, gtm_dist, libraries)
            with suppress(OSError):  # another process was quicker
                made.rename(kept)
    return kept / "one.gld", kept / "empty.dat"


def _make_template(directory: Path, gtm_dist: str, libraries: str) -> None:
    environment = {
        "gtm_dist": gtm_dist, "gtmgbldir": str(directory / "one.gld"), "LD_LIBRARY_PATH": libraries,
        "gtmroutines": f"{gtm_dist}/libgtmutil.so {gtm_dist}", "emulated_dat": str(directory / "empty.dat"),
        "gtm_tmp": str(directory), "PATH": "/usr/bin:/bin", "HOME": str(directory), "gtm_chset": "M",
    }
    for arguments, stdin in ((["mumps", "-run", "GDE"], _GDE), (["mupip", "create"], "")):
        done = subprocess.run(
            [f"{gtm_dist}/{arguments[0]}", *arguments[1:]], input=stdin.encode(), env=environment,
            capture_output=True, check=False, cwd=directory)
        assert done.returncode == 0, done.stderr


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
