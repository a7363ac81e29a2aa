# SPDX-License-Identifier: GPL-3.0-or-later
"""The script of a session stays within what Jython 2.1 and 2.7 have in common, and holds no secret.

The language is checked here by its grammar alone; test_was_jython.py runs it.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import ansible_collections
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_options import WasOptions
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_session import (
    Connected,
    SessionLost,
    WasSession,
    script,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

SCRIPT = ast.parse(script("/tmp/relmgmt-was-x"))
#: what Python 2.1 does not have, or reads otherwise
NEWER = (
    ast.AnnAssign, ast.AsyncFor, ast.AsyncFunctionDef, ast.AsyncWith, ast.Await, ast.DictComp, ast.FloorDiv,
    ast.GeneratorExp, ast.IfExp, ast.JoinedStr, ast.MatMult, ast.Nonlocal, ast.Set, ast.SetComp, ast.Starred, ast.With,
    ast.Yield, ast.YieldFrom,
)
BUILT_IN = {
    "Exception", "ValueError", "chr", "int", "isinstance", "len", "list", "open", "ord", "str", "type",
    "AdminApp", "AdminConfig", "AdminControl", "AdminTask",
}
#: methods of texts, lists, dictionaries and files that Python 2.1 has
METHODS = {
    "append", "close", "exc_info", "find", "flush", "get", "join", "keys", "lower", "read", "sleep", "sort", "split",
    "stdout", "strip", "time", "toString", "write", "delete",
}
OURS = {"app", "config", "control", "task"}

#: what AnsiballZ does: the module's code is imported from an archive, which is gone when the module's call returns
FROM_AN_ARCHIVE = """
import os, sys
sys.path.insert(0, {archive!r})
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_session import script
assert script.__code__.co_filename.startswith({archive!r})
os.unlink({archive!r})
print(len(script("/x")))
"""


def nodes(kind):
    return [node for node in ast.walk(SCRIPT) if isinstance(node, kind)]


def test_nothing_newer_than_jython_2_1_is_written():
    assert [ast.dump(node) for node in nodes(NEWER)] == []
    assert [node.value for node in nodes(ast.Constant) if isinstance(node.value, (bool, bytes))] == []
    assert all(not function.decorator_list and not function.args.kwonlyargs for function in nodes(ast.FunctionDef))
    assert all(not made.bases for made in nodes(ast.ClassDef))


def test_exceptions_are_caught_without_a_name_and_without_a_finally():
    """`except X, e` and `except X as e` exclude each other; try-except-finally came with 2.5."""
    assert all(handler.name is None for handler in nodes(ast.ExceptHandler))
    assert all(not attempt.finalbody for attempt in nodes(ast.Try))


def test_no_function_uses_a_name_of_one_around_it():
    """2.1 has no nested scopes."""
    for function in nodes(ast.FunctionDef):
        inner = [node for node in ast.walk(function) if isinstance(node, (ast.FunctionDef, ast.Lambda))]
        assert inner == [function]


def test_objects_of_wsadmin_take_no_keyword_arguments():
    assert [ast.dump(call) for call in nodes(ast.Call) if call.keywords] == []


def test_only_what_python_2_1_has_is_called_upon():
    bound = {node.id for node in nodes(ast.Name) if isinstance(node.ctx, ast.Store)}
    bound |= {one.name for one in nodes((ast.FunctionDef, ast.ClassDef))}
    bound |= {argument.arg for argument in nodes(ast.arg)}
    bound |= {alias.name for imported in nodes((ast.Import, ast.ImportFrom)) for alias in imported.names}
    assert {node.id for node in nodes(ast.Name)} - bound <= BUILT_IN
    own = {node.attr for node in nodes(ast.Attribute) if isinstance(node.value, ast.Name) and node.value.id == "self"}
    of_wsadmin = {call.attr for call in nodes(ast.Attribute) if isinstance(call.value, ast.Attribute)
                  and call.value.attr in OURS}
    assert {node.attr for node in nodes(ast.Attribute)} - own - of_wsadmin - OURS <= METHODS


def test_only_what_every_jython_has_is_imported():
    """WebSphere's Jython 2.1 has no library of Python's beside it where it is stripped."""
    imported = [alias.name for one in nodes(ast.Import) for alias in one.names]
    assert sorted(imported) == ["sys", "time"]
    assert {one.module for one in nodes(ast.ImportFrom)} == {"java.io", "java.lang"}


def test_t39_the_text_of_the_script_outlives_the_file_that_the_module_came_in(tmp_path):
    archive, module_utils = tmp_path / "AnsiballZ.zip", "ansible_collections/relmgmt/release/plugins/module_utils"
    top = Path(next(iter(ansible_collections.__path__))).parent
    folders = module_utils.split("/")
    with zipfile.ZipFile(archive, "w") as packed:
        for depth in range(len(folders)):
            packed.writestr("/".join([*folders[:depth + 1], "__init__.py"]), "")
        for path in (top / module_utils).rglob("*.py"):
            if path.parent != top / module_utils or path.name != "__init__.py":
                packed.write(path, path.relative_to(top))
    code = FROM_AN_ARCHIVE.format(archive=str(archive))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(len(script("/x"))), done.stderr


@pytest.mark.parametrize("directory", ["/tmp/a b", '/tmp/quo"te'])
def test_the_directory_comes_through_as_it_is(directory):
    last = ast.parse(script(directory)).body[-1]
    assert ast.literal_eval(last.value.args[4]) == directory


def test_what_wsadmin_printed_is_told_without_the_password(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    place = {"profile": "/p", "servers": [{"node": "n", "server": "s"}]}
    session = WasSession(WasOptions.of({**place, "username": "u", "password_file": str(secret)}))
    assert session._tail("u\n s3cret refused") == "u *** refused"


class Script:
    """The script's part of a session: it answers request after request, by their numbers."""

    def __init__(self, directory: Path, marker: str) -> None:
        self.directory, self.marker = directory, marker
        self.number, self.ended, self.output = 1, False, b""
        self.said = '{"result": {}}'

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *_how: object) -> None:
        self.ended = True

    def send(self, data: bytes) -> None:
        assert data == b""

    def await_text(self, _pattern: object, _seconds: float) -> bytes:
        if self.ended or not (self.directory / f"request-{self.number}.json").exists():
            return b""
        self.number += 1
        mark = f"{self.marker}:{self.number - 1}"
        return f"{mark}:begin\n{self.said}\n{mark}:end".encode()

    def wait(self, _seconds: float) -> int | None:
        return 0 if self.ended else None


@pytest.fixture
def session(tmp_path, monkeypatch):
    """A session that begins with such a script, again and again."""
    made = WasSession(WasOptions.of({"profile": "/p", "servers": [{"node": "n", "server": "s"}]}))
    begun = []

    def begin(self):
        self.directory, self._marker, self._number = str(tmp_path / f"session{len(begun)}"), "m", 0
        Path(self.directory).mkdir()
        self._conversation = Script(Path(self.directory), "m")
        begun.append(self._conversation)
        return Connected("c", "n", "UnManagedProcess", "9")

    monkeypatch.setattr(WasSession, "_begin", begin)
    made.begun = begun
    return made


def test_a_request_that_was_not_handed_over_is_not_counted(session, monkeypatch):
    """The script would wait for it for ever."""
    with pytest.raises(InvalidInput, match="Latin-1"):
        session.request("install", application="\u20ac")
    assert session.request("view") == {}

    def no_space(*_what: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(WasSession, "_write", no_space)
        with pytest.raises(OSError, match="no space"):
            session.request("view")
    assert session.request("view") == {}


def test_a_session_that_ended_while_nobody_asked_begins_anew(session):
    """Fetching a package takes longer than the script waits."""
    session.request("view")
    session.begun[-1].ended = True
    assert session.request("view") == {}
    assert len(session.begun) == 2
    assert not session.begun[0].directory.exists()


@pytest.mark.parametrize(
    "done, lost", [(["install"], True), (["install", "save"], False), (["install", "reset"], False)]
)
def test_one_that_ended_with_an_unsaved_change_does_not(session, done, lost):
    """What would be saved then is not what was changed."""
    for operation in done:
        session.request(operation)
    session.begun[-1].ended = True
    if lost:
        with pytest.raises(SessionLost, match="wsadmin ended"):
            session.request("save")
    else:
        session.request("view")
    assert len(session.begun) == (1 if lost else 2)


@pytest.mark.parametrize("said", ['{"result": {', "[]", '{"result": 1}'])
def test_an_answer_that_is_none_is_told(session, said):
    session.connect()
    session.begun[-1].said = said
    with pytest.raises(SessionLost, match="no answer that can be read"):
        session.request("view")
