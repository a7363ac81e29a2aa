# SPDX-License-Identifier: GPL-3.0-or-later
"""A GT.M instance: how its programs are run, and what can be observed of it.

The environment is private and minimal, standard input is closed, every program has a
deadline, and a run-time error ends the process with status 1: without ZHALT in
``gtm_etrap`` M falls into direct mode and exits 0 (FACTS 5.2). The ``gtm`` wrapper is never
used: it recovers journals and deletes old ones.
"""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, InvalidInput

DEADLINE = 60.0
TRAP = 'USE $PRINCIPAL WRITE "%RELMGMT-E-TRAP,",$ZSTATUS,! ZHALT 1'
#: variables that belong to the private environment; the option cannot replace them
OWN = frozenset(["gtm_dist", "gtmgbldir", "gtmroutines", "gtm_etrap", "PATH"])
MESSAGE = re.compile(r"%([A-Z]+)-([ISWEF])-([A-Z0-9]+)(?:, *(.*))?")
PROBLEMS = frozenset(["W", "E", "F"])


class Message(NamedTuple):
    """One ``%GTM-E-NAME, text`` line."""

    severity: str
    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.text else self.name


class Answer(NamedTuple):
    """What a program said. ``pid``: its process."""

    rc: int
    out: str
    err: str
    pid: int
    args: Tuple[str, ...]

    @property
    def messages(self) -> List[Message]:
        """Its ``%GTM-`` messages, in order, from both streams; a trapped error is one."""
        found = [MESSAGE.search(line) for line in (self.err + "\n" + self.out).splitlines()]
        return [_message(hit) for hit in found if hit]

    @property
    def problems(self) -> List[Message]:
        """Warnings, errors and fatal errors."""
        return [message for message in self.messages if message.severity in PROBLEMS]

    def has(self, name: str) -> bool:
        """Whether a message of this name was printed."""
        return any(message.name == name for message in self.messages)


def _message(hit: "re.Match[str]") -> Message:
    text = (hit.group(4) or "").strip()
    if hit.group(1) == "RELMGMT" and hit.group(3) == "TRAP":
        inner = MESSAGE.search(text)
        place = text.split(",")[1] if text.count(",") > 1 else ""
        if inner:
            return Message(inner.group(2), inner.group(3), f"{(inner.group(4) or '').strip()} at {place}")
    return Message(hit.group(2), hit.group(3), text)


class GtmInstance:
    """A GT.M instance as the inventory describes it.

    ``dist``: directory of mumps and mupip. ``source_directory`` and ``object_directory``:
    of the application's routines. ``environment``: further variables, for example
    ``gtm_chset``.
    """

    engine = "gtm"

    def __init__(
        self, name: str, dist: str, global_directory: str, source_directory: str,
        object_directory: str, environment: Optional[Mapping[str, str]] = None,
    ) -> None:
        self.name = name
        self.dist = _absolute(dist, "dist")
        self.global_directory = _absolute(global_directory, "global_directory")
        self.source_directory = _absolute(source_directory, "source_directory")
        self.object_directory = _absolute(object_directory, "object_directory")
        self.extra = {str(key): str(value) for key, value in (environment or {}).items()}
        _refuse_own(self.extra)

    @classmethod
    def of(cls, instance: Mapping[str, Any]) -> "GtmInstance":
        """From ``relmgmt_instance``: ``{name, engine: gtm, gtm: {dist, ...}}``."""
        options = dict(instance.get("gtm") or {})
        names = ("dist", "global_directory", "source_directory", "object_directory")
        missing = [name for name in names if not options.get(name)]
        if missing:
            raise InvalidInput(
                f"a GT.M instance needs gtm.{', gtm.'.join(missing)}",
                place=f"instance {instance.get('name')}", cure="add it to relmgmt_instance",
            )
        chosen = {name: str(options[name]) for name in names}
        return cls(str(instance["name"]), environment=options.get("environment"), **chosen)

    @property
    def chset(self) -> str:
        """M or UTF-8."""
        return (self.extra.get("gtm_chset") or "M").upper()

    def routines(self, *first: str) -> str:
        """``gtmroutines``: directories put in front, the application's, the utilities."""
        application = f"{self.object_directory}({self.source_directory})"
        # Objects of one character set cannot be linked in the other.
        utilities = f"{self.dist}/utf8" if self.chset == "UTF-8" else self.dist
        return " ".join([*first, application, f"{utilities}/libgtmutil.so", utilities])

    def environment(self, *first: str) -> Dict[str, str]:
        """The whole environment of a program."""
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8" if self.chset == "UTF-8" else "C",
            **self.extra,
            "gtm_dist": self.dist,
            "gtmgbldir": self.global_directory,
            "gtmroutines": self.routines(*first),
            "gtm_etrap": TRAP,
        }

    def mupip(self, *args: str, deadline: float = DEADLINE, cwd: Optional[str] = None) -> Answer:
        """Run mupip. A non-zero status is an answer, not an exception: see ``require``."""
        return self._run([os.path.join(self.dist, "mupip"), *args], b"", deadline, (), cwd)

    def mumps(
        self, *args: str, stdin: bytes = b"", deadline: float = DEADLINE,
        first: Tuple[str, ...] = (), cwd: Optional[str] = None,
    ) -> Answer:
        """Run mumps; ``first``: what goes in front of ``gtmroutines``."""
        return self._run([os.path.join(self.dist, "mumps"), *args], stdin, deadline, first, cwd)

    def require(self, answer: Answer, what: str) -> Answer:
        """The answer, if its status is 0; otherwise an error that carries its messages."""
        if answer.rc == 0 and not answer.has("TRAP"):
            return answer
        said = "; ".join(str(message) for message in answer.problems or answer.messages)
        raise EngineError(
            f"{what} failed: {said or answer.err.strip()[-500:] or 'no message'} (status {answer.rc})",
            place=f"instance {self.name}", command=" ".join(answer.args[:6]), rc=answer.rc,
            messages=[message.name for message in answer.messages], pid=answer.pid,
        )

    def _run(
        self, argv: List[str], stdin: bytes, deadline: float, first: Tuple[str, ...],
        cwd: Optional[str],
    ) -> Answer:
        try:
            process = subprocess.Popen(
                argv, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment(*first),
                cwd=cwd or "/", start_new_session=True,
            )
        except OSError as error:
            raise EngineError(
                f"{argv[0]} cannot be started: {error.strerror}", place=f"instance {self.name}",
                cure="correct gtm.dist in the inventory",
            ) from error
        out, err = self._converse(process, argv, stdin, deadline)
        shown = tuple(os.path.basename(word) if index == 0 else word for index, word in enumerate(argv))
        return Answer(process.returncode, _text(out), _text(err), process.pid, shown)

    def _converse(
        self, process: "subprocess.Popen[bytes]", argv: List[str], stdin: bytes, deadline: float,
    ) -> Tuple[bytes, bytes]:
        try:
            return process.communicate(stdin or None, timeout=deadline)
        except subprocess.TimeoutExpired as error:
            _stop(process)
            raise EngineError(
                f"{os.path.basename(argv[0])} {' '.join(argv[1:3])} did not end within {deadline:g} s",
                place=f"instance {self.name}",
                cure="see whether a region is frozen (mupip freeze) or a process holds it",
                pid=process.pid,
            ) from error


def _stop(process: "subprocess.Popen[bytes]") -> None:
    # SIGTERM first: GT.M then leaves its shared memory in order; a killed process does not.
    process.terminate()
    try:
        process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _text(data: bytes) -> str:
    # Values that are not UTF-8 survive the way to JSON and back (surrogates).
    return data.decode("utf-8", "surrogateescape")


def _absolute(path: str, option: str) -> str:
    if not os.path.isabs(path) or re.search(r"[\s()*]", path):
        raise InvalidInput(
            f"gtm.{option} must be an absolute path without blanks, brackets or stars: {path!r}",
            place="relmgmt_instance", cure="gtmroutines cannot carry such a path; choose another",
        )
    return os.path.normpath(path)


def _refuse_own(extra: Mapping[str, str]) -> None:
    wrong = sorted(OWN & set(extra))
    if wrong:
        raise InvalidInput(
            f"gtm.environment cannot set {', '.join(wrong)}", place="relmgmt_instance",
            cure="use the options dist, global_directory, source_directory, object_directory",
        )
