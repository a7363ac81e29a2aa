# SPDX-License-Identifier: GPL-3.0-or-later
"""%Status values and $SYSTEM.Status (FACTS 1.2, 2.2): 1, or a list of errors with codes and translated text."""

from __future__ import annotations

from emulated import lists
from emulated.errors import MError
from emulated.machine import Machine
from emulated.registry import method
from emulated.values import Value, integer, text
from emulated.variables import Tree

OK: Value = 1
#: Texts by code and language. Codes of FACTS: 1003, 5002, 5030, 5373, 5475, 5659, 6301; the others are the emulator's.
_TEXTS = {
    "en": {
        1003: "Expected space : '%1' : Offset:%2 [%3]", 5001: "%1", 5002: "%1: %2", 5005: "Cannot open file '%1'",
        5012: "File '%1' does not exist", 5030: "An error occurred while compiling class '%1'",
        5351: "Class '%1' does not exist", 5373: "Class '%1', used by '%2', does not exist",
        5475: "Error compiling routine: %1. Errors: %2", 5659: "Property '%1' required", 5809: "Object to Load not "
        "found, class '%1', ID '%2'", 5123: "Unable to find entry point for method '%1'",
        6301: "SAX XML Parser Error: %1", 5810: "Object to delete not found, class '%1', ID '%2'",
        6024: "Routine '%1' does not exist", 7000: "Integrity check found errors: %1",
    },
    "de": {
        1003: "Leerzeichen erwartet : '%1' : Offset:%2 [%3]", 5001: "%1", 5002: "%1: %2",
        5005: "Datei '%1' kann nicht geöffnet werden", 5012: "Datei '%1' existiert nicht",
        5030: "Beim Kompilieren der Klasse '%1' ist ein Fehler aufgetreten", 5351: "Klasse '%1' existiert nicht",
        5373: "Klasse '%1', von '%2' verwendet, existiert nicht",
        5475: "Fehler beim Kompilieren der Routine: %1. Fehler: %2", 5659: "Eigenschaft '%1' erforderlich",
        5809: "Zu ladendes Objekt nicht gefunden, Klasse '%1', ID '%2'",
        5123: "Einsprungpunkt der Methode '%1' nicht gefunden", 6301: "SAX XML Parser Fehler: %1",
        5810: "Zu löschendes Objekt nicht gefunden, Klasse '%1', ID '%2'",
        6024: "Routine '%1' existiert nicht", 7000: "Integritätsprüfung fand Fehler: %1",
    },
}
_ERROR = {"en": "ERROR", "de": "FEHLER"}


def error(code: int, *parameters: Value) -> str:
    """A status with one error."""
    return "0 " + lists.build([lists.build([code, *parameters])])


def joined(*statuses: Value) -> Value:
    """One status of several: their errors in order, 1 if none has any."""
    bodies = [text(each)[2:] for each in statuses if not is_ok(each)]
    return "0 " + "".join(bodies) if bodies else OK


def is_ok(status: Value) -> bool:
    return text(status)[:1] == "1"


def errors(status: Value) -> list[list[Value | None]]:
    """Code and parameters of each error of a status."""
    if is_ok(status):
        return []
    return [lists.parse(text(each)) for each in lists.parse(text(status)[2:]) if each is not None]


def code_of(status: Value) -> int:
    found = errors(status)
    return integer(found[0][0] or 0) if found else 0


def error_text(vm: Machine, one: list[Value | None]) -> str:
    """``ERROR #5002: ...`` in the language of the process; the code stays (2.2)."""
    language = vm.settings.scenario.language
    code = integer(one[0] or 0)
    template = _TEXTS[language].get(code, "%1")
    parameters = ["" if each is None else text(each) for each in one[1:]]
    if code == 5002 and parameters:
        parameters.insert(0, vm.facts.status_5002_words)
    for index, each in enumerate(parameters, 1):
        template = template.replace(f"%{index}", each)
    return f"{_ERROR[language]} #{code}: {template}"


def texts(vm: Machine, status: Value) -> list[str]:
    """The text of each error; the second and later are told as causes (2.2)."""
    return [error_text(vm, each) for each in errors(status)]


def full_text(vm: Machine, status: Value) -> str:
    return "\r\n  > ".join(texts(vm, status))


# -- $SYSTEM.Status ------------------------------------------------------------------


@method("%SYSTEM.Status", "OK")
def ok(vm: Machine) -> Value:
    return OK


@method("%SYSTEM.Status", "Error", "rc,p1=,p2=,p3=,p4=,p5=,p6=,p7=,p8=,p9=")
def make_error(vm: Machine, code: Value, *parameters: Value) -> Value:
    given = list(parameters)
    while given and given[-1] == "":
        given.pop()
    return error(integer(code), *given)


@method("%SYSTEM.Status", "IsOK", "sc")
def check_ok(vm: Machine, status: Value) -> Value:
    return int(is_ok(status))


@method("%SYSTEM.Status", "IsError", "sc")
def check_error(vm: Machine, status: Value) -> Value:
    return int(not is_ok(status))


@method("%SYSTEM.Status", "GetErrorText", "sc,language=")
def get_error_text(vm: Machine, status: Value, language: Value) -> Value:
    return full_text(vm, status)


@method("%SYSTEM.Status", "GetOneErrorText", "sc,errnum=1")
def get_one_error_text(vm: Machine, status: Value, number: Value) -> Value:
    found = texts(vm, status)
    return found[integer(number) - 1] if 0 < integer(number) <= len(found) else ""


@method("%SYSTEM.Status", "GetErrorCodes", "sc")
def get_error_codes(vm: Machine, status: Value) -> Value:
    return ",".join(text(each[0] or "") for each in errors(status))


@method("%SYSTEM.Status", "AppendStatus", "s1,s2")
def append_status(vm: Machine, first: Value, second: Value) -> Value:
    return joined(first, second)


@method("%SYSTEM.Status", "DisplayError", "sc,trailcrlf=")
def display_error(vm: Machine, status: Value, trailing: Value) -> Value:
    if not is_ok(status):
        vm.devices.current.write("\n" + full_text(vm, status))
    return OK


@method("%SYSTEM.Status", "DecomposeStatus", "sc,&err,flag=,language=")
def decompose(vm: Machine, status: Value, found: Tree, flags: Value, language: Value) -> Value:
    """e, e(i) and the nodes below (2.2); a second call with the same array appends."""
    before = integer(found.value or 0)
    for index, each in enumerate(errors(status), before + 1):
        found.set([index], error_text(vm, each))
        found.set([index, "code"], each[0] or 0)
        found.set([index, "dcode"], each[0] or 0)
        found.set([index, "domain"], "%ObjectErrors")
        found.set([index, "namespace"], vm.namespace)
        found.set([index, "caller"], "")
        parameters = each[1:]
        found.set([index, "param"], len(parameters))
        for number, parameter in enumerate(parameters, 1):
            found.set([index, "param", number], "" if parameter is None else parameter)
        found.value = index
    if found.value is None:
        found.value = 0
    return OK


def from_error(failure: MError) -> str:
    """Status 5002 of an error of the language (1.2)."""
    return error(5002, failure.text())
