# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the host: ccontrol and csession, or iris (FACTS 1.1, 1.2, 3.1)."""

from __future__ import annotations

import os
import sys
import time

from emulated import wire
from emulated.globals import Globals
from emulated.layout import Settings

_QUESTIONS = (
    "Do you want to broadcast a message to anyone? No => ", "Do you want a system status report? No => ",
    "Do you want to run user defined shutdown routine? Yes => ", "Do you really want to stop the instance? Yes => ",
)


def main(base: str, command: str, arguments: list[str]) -> int:
    """What ``bin/<command>`` does; its exit status."""
    settings = Settings.load(base)
    if command == "csession":
        return session(settings, arguments)
    if not arguments:
        return usage(settings)
    function, *rest = arguments
    action = _ACTIONS.get(function)
    if action is None or (function in _IRIS_ONLY and not settings.product.iris):
        return usage(settings)
    return action(settings, rest)


def usage(settings: Settings) -> int:
    _say("usage: start|stop|force|stopstart|list|qlist|" + ("session|freeze|thaw" if settings.product.iris else "view"))
    return settings.facts.control_failure_status


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


# -- state ---------------------------------------------------------------------------


def is_running(settings: Settings) -> bool:
    try:
        wire.connect(settings.socket).close()
    except OSError:
        return False
    return True


def state(settings: Settings) -> str:
    """Field 4 of qlist: the state, and since when (1.1)."""
    stamp = settings.private / "changed"
    when = time.ctime(stamp.stat().st_mtime) if stamp.exists() else "never"
    if not is_running(settings):
        word = settings.facts.state_after_crash if (settings.private / "server.pid").exists() else "down"
        return f"{word}, last used {when}"
    return f"{settings.scenario.state or 'running'}, since {when}"


def qlist_line(settings: Settings) -> str:
    """Eight to thirteen fields, by the age of the product (1.1)."""
    product = settings.product
    mirror = ("Failover", "Backup") if settings.scenario.mirror_backup else ("", "")
    fields = [settings.name.upper(), str(settings.install), product.version, state(settings), settings.cpf.name,
              "1972", "57772", "62972", settings.scenario.health, "IRIS" if product.iris else "", *mirror, ""]
    return "^".join(fields[: product.qlist_fields])


def _named(settings: Settings, arguments: list[str]) -> bool:
    return bool(arguments) and arguments[0].upper() == settings.name.upper()


def qlist(settings: Settings, arguments: list[str]) -> int:
    if arguments and not _named(settings, arguments):
        _say(f"No instance {arguments[0]} found")
        return settings.facts.qlist_unknown_status
    _say(qlist_line(settings))
    return 0


def listing(settings: Settings, arguments: list[str]) -> int:
    """For people: translated, not for programs (1.1)."""
    if arguments and not _named(settings, arguments):
        return _unknown(settings, arguments)
    _say(f"\nInstance '{settings.name}'   (default)\n\tdirectory: {settings.install}\n"
         f"\tversionid: {settings.product.version}\n"
         f"\tconf file: {settings.cpf.name}  (SuperServer port = 1972, WebServer = 57772)\n"
         f"\tstatus:    {state(settings)}")
    return 0


def _unknown(settings: Settings, arguments: list[str]) -> int:
    _say(f"Instance '{arguments[0] if arguments else ''}' not found.")
    return settings.facts.control_failure_status


# -- start and stop ------------------------------------------------------------------


def start(settings: Settings, arguments: list[str]) -> int:
    if not _named(settings, arguments):
        return _unknown(settings, arguments)
    if is_running(settings):
        _say(f"'{settings.name}' is already up!")
        return settings.facts.control_failure_status
    _say(f"Starting {settings.name}")
    _pid, why = spawn_server(settings)
    if why:
        _say(f"Startup failed: {why}")
        return settings.facts.control_failure_status
    return 0


def spawn_server(settings: Settings) -> tuple[int, str]:
    """Start the server in a session of its own: its process, and why it did not start, "" if it runs."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    code = (f"import sys; sys.path.insert(0, {package!r}); from emulated.server import main\n"
            "main(sys.argv[1], int(sys.argv[2]))")
    pid = os.posix_spawn(
        sys.executable, [sys.executable, "-IS", "-c", code, settings.base, str(writing)], os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_RDWR, 0) for each in (0, 1, 2)], setsid=True,
    )
    os.close(writing)
    (settings.private / "changed").touch()
    with os.fdopen(reading) as answer:
        why = answer.read()
    return pid, "" if why == "ready" else why or "the server ended at once"


def stop(settings: Settings, arguments: list[str]) -> int:
    """``quietly`` asks nothing; without it every question needs an answer (1.1)."""
    if not _named(settings, arguments):
        return _unknown(settings, arguments)
    if not is_running(settings):
        _say(f"'{settings.name}' is not running")
        return settings.facts.control_failure_status
    if settings.scenario.state.startswith("sign-on inhibited") and "bypass" not in arguments:
        _say("Sign-on is inhibited: stop with bypass")
        return settings.facts.control_failure_status
    if "quietly" not in arguments and not _answered():
        _say("Not stopped")
        return settings.facts.control_failure_status
    shut_down(settings)
    if "restart" in arguments:
        return start(settings, arguments[:1])
    return 0


def shut_down(settings: Settings) -> None:
    """Stop a running server and wait until it has gone."""
    globals_ = Globals(settings.socket)
    globals_.ask("shutdown")
    globals_.close()
    while is_running(settings):
        time.sleep(0.01)
    (settings.private / "server.pid").unlink(missing_ok=True)
    (settings.private / "changed").touch()


def _answered() -> bool:
    """Ask as the real command does; an empty answer takes what stands behind the arrow."""
    for question in _QUESTIONS:
        sys.stdout.write(question)
        sys.stdout.flush()
        answer = sys.stdin.readline()
        if not answer:
            return False
        if question is _QUESTIONS[-1] and answer.strip().lower().startswith("n"):
            return False
    return True


def force(settings: Settings, arguments: list[str]) -> int:
    """Bring an instance down that does not answer."""
    if not _named(settings, arguments):
        return _unknown(settings, arguments)
    if is_running(settings):
        shut_down(settings)
    (settings.private / "server.pid").unlink(missing_ok=True)
    return 0


def stop_and_start(settings: Settings, arguments: list[str]) -> int:
    return stop(settings, [*arguments, "restart"])


# -- sessions, freeze ----------------------------------------------------------------


def session(settings: Settings, arguments: list[str]) -> int:
    """``INST [-U NS] [-B] ["entry"]``; ``-UNS`` without a blank works too (1.2)."""
    if not _named(settings, arguments):
        return _unknown(settings, arguments)
    namespace, entry, emergency = "", "", False
    rest = arguments[1:]
    while rest:
        each = rest.pop(0)
        if each.startswith("-U"):
            namespace = each[2:] or (rest.pop(0) if rest else "")
        elif each == "-B":
            emergency = True
        else:
            entry = each
    # Only a session needs the language.
    from emulated import terminal

    return terminal.run(settings, namespace, entry, emergency)


def freeze(settings: Settings, arguments: list[str]) -> int:
    """``iris freeze INST [timeout=sec] [namespace=ns]``: success or failure, binary (3.1)."""
    if not _named(settings, arguments):
        return _unknown(settings, arguments)
    options = dict(each.partition("=")[::2] for each in arguments[1:])
    success, failure = settings.facts.freeze_command_statuses
    if set(options) - {"timeout", "namespace"} or not is_running(settings):
        _say("freeze failed")
        return failure
    why = Globals(settings.socket).ask("freeze", True, float(options.get("timeout") or 0), 0.0)
    _say(why or "System suspended")
    return failure if why else success


def thaw(settings: Settings, arguments: list[str]) -> int:
    if not _named(settings, arguments):
        return _unknown(settings, arguments)
    success, failure = settings.facts.freeze_command_statuses
    if not is_running(settings):
        return failure
    thawed = Globals(settings.socket).ask("thaw") or settings.facts.thaw_of_unfrozen_succeeds
    return success if thawed else failure


_IRIS_ONLY = frozenset({"session", "freeze", "thaw"})
_ACTIONS = {
    "qlist": qlist, "list": listing, "view": listing, "start": start, "stop": stop, "force": force,
    "stopstart": stop_and_start, "session": session, "freeze": freeze, "thaw": thaw,
}
