# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulated cell behind a port, and a profile whose wsadmin.sh runs the stand-in under a real Jython."""

from __future__ import annotations

import ast
import base64
import contextlib
import shutil
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .admin import Session
from .cell import Cell

STANDIN = Path(__file__).with_name("standin.py")
SOAP_PROPERTIES = """\
# SOAP Client Security Enablement
com.ibm.SOAP.securityEnabled=false
com.ibm.SOAP.loginUserid=
com.ibm.SOAP.loginPassword=
com.ibm.SOAP.loginSource=prompt
com.ibm.SOAP.requestTimeout=180
com.ibm.ssl.alias=DefaultSSLSettings
"""
WSADMIN = """\
#!/bin/sh
# The real one hands -javaoption to Java and everything else to wsadmin.
printf '%s\\n' "$*" >> "{profile}/arguments"
left=$#; options=
while [ "$left" -gt 0 ]; do
    case "$1" in
        -javaoption) options="$options $2"; shift 2; left=$((left - 2)) ;;
        *) word=$1; shift; set -- "$@" "$word"; left=$((left - 1)) ;;
    esac
done
exec "{java}" $options -XX:TieredStopAtLevel=1 -Xmx128m -Dpython.cachedir.skip=true -cp "{jar}" org.python.util.jython \
    "{standin}" {port} "$@"
"""


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        words = ast.literal_eval(self.rfile.readline().decode("ascii"))
        try:
            said = ("ok", self.server.answer(words))  # type: ignore[attr-defined]
        except Exception as error:
            said = ("error", str(error))
        with contextlib.suppress(OSError):  # a client that timed out is gone
            self.wfile.write((literal(list(said)) + "\n").encode("ascii"))


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, cell: Cell) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cell = cell
        self.sessions: dict[str, Session] = {}

    def answer(self, words: list[Any]) -> Any:
        if words[0] == "connect":
            return self._connect(words[1], words[2])
        _call, session, target, method, arguments = words
        return self.cell.call(self.sessions[session], target, method, arguments)

    def _connect(self, user: str, password: str) -> str:
        if (user, decoded(password)) != (self.cell.user, self.cell.password):
            raise PermissionError('WASX7246E: Cannot establish "SOAP" connection because of an authentication failure')
        self.cell.starts += 1
        name = f"session{len(self.sessions) + 1}"
        self.sessions[name] = Session()
        return name


def decoded(text: str) -> str:
    """A password as the product writes it into files."""
    if not text:
        return ""
    assert text.startswith("{xor}")
    return bytes(byte ^ 0x5F for byte in base64.b64decode(text[5:])).decode()


def literal(value: Any) -> str:
    """A value as both Jythons read it: texts are Java's, so of the Unicode kind."""
    if isinstance(value, list):
        return "[" + ", ".join(literal(one) for one in value) + "]"
    return "u" + ascii(value) if isinstance(value, str) else repr(value)


@contextlib.contextmanager
def served(cell: Cell, profile: Path, jar: Path) -> Iterator[None]:
    """The cell answers while this lasts; ``profile`` gets bin/wsadmin.sh and properties/soap.client.props."""
    with _Server(cell) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        make_profile(profile, jar, server.server_address[1])
        yield
        server.shutdown()
        thread.join()


def make_profile(profile: Path, jar: Path, port: int) -> None:
    """A profile that holds no more than a session needs."""
    for name in ("bin", "properties"):
        (profile / name).mkdir(parents=True, exist_ok=True)
    (profile / "properties/soap.client.props").write_text(SOAP_PROPERTIES)
    wsadmin = profile / "bin/wsadmin.sh"
    java = shutil.which("java")
    wsadmin.write_text(WSADMIN.format(profile=profile, java=java, jar=jar, standin=STANDIN, port=port))
    wsadmin.chmod(0o755)
