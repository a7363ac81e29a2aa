# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal session: csession and ``iris session`` (FACTS 1.2)."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the module around it takes 3 ms of every session
import os
import re
import time

from emulated.devices import Devices
from emulated.errors import Halt, MError, SyntaxFault, ThrownObject
from emulated.globals import Globals
from emulated.layout import Settings
from emulated.library import exceptions
from emulated.machine import Machine, Quit
from emulated.parser import parse_line
from emulated.values import text


def run(settings: Settings, namespace: str, entry: str, emergency: bool = False) -> int:
    """A session from its login to its end; the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    devices = Devices(settings.scenario.encoding)
    terminal = devices.principal
    try:
        globals_ = Globals(settings.socket)
    except OSError:
        terminal.write(f"Instance '{settings.name}' is not running.\n")
        terminal.flush()
        return settings.facts.control_failure_status
    refusal = globals_.ask("hello", os.getpid())
    if refusal:
        terminal.write(refusal + "\n")
        terminal.flush()
        return settings.facts.licence_status
    try:
        return _Session(settings, globals_, devices).start(namespace, entry, emergency)
    except BrokenPipeError:
        return 141
    finally:
        globals_.close()


class _Session:
    """Reads lines and runs them."""

    def __init__(self, settings: Settings, globals_: Globals, devices: Devices) -> None:
        self.settings = settings
        self.devices = devices
        self.terminal = devices.principal
        self.globals = globals_
        self.failed = False
        self.vm: Machine | None = None

    def start(self, namespace: str, entry: str, emergency: bool) -> int:
        scenario = self.settings.scenario
        if scenario.state.startswith("sign-on inhibited") and not emergency:
            self._say("Sign-on inhibited\n")
            return self.settings.facts.control_failure_status
        if scenario.credentials and not emergency and not self._login(*scenario.credentials):
            self._say("Access Denied\n")
            return self.settings.facts.refused_login_status
        time.sleep(scenario.prompt_delay)
        wanted = scenario.startup_namespace or namespace or "USER"
        vm = self.vm = Machine(self.settings, self.globals, self.devices, "USER")
        try:
            vm.switch_namespace(wanted)
        except MError as error:
            self._say(error.text() + "\n")
            return self.settings.facts.entry_error_status if entry else self.settings.facts.heredoc_error_status
        if scenario.unexpected_prompt:
            self._unexpected(scenario.unexpected_prompt)
        try:
            return self._entry(vm, entry) if entry else self._prompts(vm)
        except Halt as halt:
            self.terminal.flush()
            for each in list(self.devices.opened):
                self.devices.close(each)
            return halt.status or (self._error_status(bool(entry)) if self.failed else 0)

    def _error_status(self, entry: bool) -> int:
        facts = self.settings.facts
        return facts.entry_error_status if entry else facts.heredoc_error_status

    def _say(self, written: str) -> None:
        self.terminal.write(written)
        self.terminal.flush()

    # -- getting in ------------------------------------------------------------------

    def _login(self, user: str, password: str) -> bool:
        """User name and password come first on standard input (1.2)."""
        for _ in range(3):
            self._say("\nUsername: ")
            given = self.terminal.read_line()
            self._say("\nPassword: ")
            secret = self.terminal.read_line()
            if given is None or secret is None:
                return False
            if (given, secret) == (user, password):
                self._say("\n")
                return True
            self._say("\nAccess Denied\n")
        return False

    def _unexpected(self, prompt: str) -> None:
        """Whatever is typed is not what is waited for (T27)."""
        self._say(prompt)
        while self.terminal.read_line() is not None:
            self._say(prompt)
        while True:
            time.sleep(60)

    # -- an entry given as argument --------------------------------------------------

    def _entry(self, vm: Machine, entry: str) -> int:
        """A routine, label or class method, run as DO runs it (1.2)."""
        from emulated.library import backup

        native = backup.shell_entry(entry)
        if native is not None:
            return self._native_entry(vm, native)
        written = entry if entry.startswith("##") or "^" in entry or "(" in entry or "$" in entry else f"^{entry}"
        self._line(vm, f"do {written}")
        self.terminal.flush()
        raise Halt(0)

    def _native_entry(self, vm: Machine, native: object) -> int:
        try:
            answer: int = native(vm)  # type: ignore[operator]
        except MError as error:
            self._show(vm, error, "")
            raise Halt(0) from None
        self.terminal.flush()
        return answer

    # -- prompts ---------------------------------------------------------------------

    def _prompts(self, vm: Machine) -> int:
        if self.settings.facts.banner:
            self._say(f"\nNode: {os.uname().nodename}, Instance: {self.settings.name}\n\n")
        while True:
            if self.terminal.x:
                self.terminal.new_line()
            self._say(self._prompt(vm))
            line = self._read(vm)
            if line is None:
                raise Halt(0)
            if self.settings.facts.newline_after_input:
                self.terminal.new_line()
            self._line(vm, line)

    def _prompt(self, vm: Machine) -> str:
        level = f"TL{vm.level}:" if vm.level else ""
        depth = len(vm.frames)
        if depth > 1:
            return f"{level}{vm.namespace} {depth}{vm.frame.kind}0>"
        return f"{level}{vm.namespace}>"

    def _read(self, vm: Machine) -> str | None:
        self.devices.current = self.terminal
        line = self.terminal.read_line()
        if line is None or not self.settings.facts.multiline_blocks:
            return line
        while _open_blocks(line) > 0:
            more = self.terminal.read_line()
            if more is None:
                return line
            line += "\n" + more
        return line

    def _line(self, vm: Machine, line: str) -> None:
        """One line; an error is shown and the next line is read all the same."""
        try:
            if len(line) > self.settings.facts.longest_line:
                raise MError("SYNTAX", why="the line is too long for this terminal")
            vm.run(parse_line(line))
        except Quit:
            self._quit(vm)
        except MError as error:
            self._show(vm, error, line)
        except ThrownObject as thrown:
            shown = exceptions.display_string(vm, thrown.thrown) if isinstance(
                thrown.thrown, exceptions.ExceptionObject) else str(thrown.thrown)
            self._show(vm, MError("THROW", f"*{text(shown)}"), line)

    def _quit(self, vm: Machine) -> None:
        """QUIT at the prompt gives a kept level of the stack back, and does nothing else (1.2)."""
        if len(vm.frames) > 1:
            vm.undo_new(vm.frames.pop())

    def _show(self, vm: Machine, error: MError, line: str) -> None:
        """Source line, marker, error text (1.2)."""
        self.failed = True
        self.devices.current = self.terminal
        shown = vm.noted(error)
        source, column = line, vm.at_column
        if isinstance(error, SyntaxFault):
            source, column = error.source or line, error.column
        elif error.location and vm.frame.routine is not None:
            source = vm.frame.routine.source[vm.frame.line].expandtabs()
        if self.terminal.x:
            self.terminal.new_line()
        self._say(f" {source}\n {' ' * column}^\n{shown}\n")
        if not self.settings.facts.stack_kept:
            vm.leave_to(1)


def _open_blocks(line: str) -> int:
    """Blocks that a text opens and does not close; braces in strings are none."""
    code = re.sub(r'"[^"\n]*"', "", line)
    return code.count("{") - code.count("}")
