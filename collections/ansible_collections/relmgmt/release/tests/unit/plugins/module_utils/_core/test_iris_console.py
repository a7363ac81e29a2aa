# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of a load, from console and error log as FACTS 2.2 have them."""

from __future__ import annotations

from ansible_collections.relmgmt.release.plugins.module_utils._core.iris_console import (
    WHOLE,
    compile_errors,
    detected,
    trapped,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import CompileError

CONSOLE = """\
Load started on 04/20/2011 10:27:15
Loading file /x.xml as xml
Imported class: MyApp.Info
Imported routine: CASE.MAC
, compiling 1 class
Compiling class MyApp.Info
Compiling routine MyApp.Info.1
ERROR: MyApp.Info.cls(version+2) #1003: Expected space : '}' : Offset:14 [zversion+1^MyApp.Info.1]
 TEXT: quit:x{ }
ERROR: CASE.MAC(Open+1) #1002: Invalid character in tag
 TEXT: 9set
ERROR: CASE.mac(7) #1026: Invalid command
ERROR #5373: Class 'Other.Base' used by 'MyApp.Info' does not exist
Skipping class MyApp.Info
Detected 4 errors during load.
"""
SOURCES = {"MyApp.Info.CLS": ("<Class>",), "CASE.MAC": ("CASE ;", "Opened ;", "Open ;", " 9set x=1", " quit")}


def test_errors_have_item_line_and_text():
    assert compile_errors(CONSOLE, [], SOURCES) == [
        CompileError("MyApp.Info.CLS", 0, "quit:x{ }",
                     "version+2: #1003: Expected space : '}' : Offset:14 [zversion+1^MyApp.Info.1]"),
        CompileError("CASE.MAC", 4, "9set", "#1002: Invalid character in tag"),
        CompileError("CASE.MAC", 7, "", "#1026: Invalid command"),
        CompileError("MyApp.Info.CLS", 0, "", "#5373: Class 'Other.Base' used by 'MyApp.Info' does not exist"),
    ]
    assert detected(CONSOLE) == 4


def test_the_error_log_alone_tells_too():
    texts = ["ERROR #5475: Error compiling routine: MyApp.Info.1. Errors: x\n > ERROR #5030: An error occurred "
             "while compiling class 'MyApp.Info'", "FEHLER #5001: anders"]
    found = compile_errors("", texts, SOURCES)
    assert [(one.item, one.message[:5]) for one in found] == [("MyApp.Info.CLS", "#5475"), ("MyApp.Info.CLS", "#5030")]
    assert compile_errors("", ["ERROR #6301: SAX XML Parser Error"], SOURCES)[0].item == WHOLE


def test_an_error_that_both_tell_counts_once():
    again = ["ERROR: CASE.MAC(Open+1) #1002: Ungültiges Zeichen"]
    assert len(compile_errors(CONSOLE, again, SOURCES)) == 4


def test_a_good_load_has_none():
    good = "Load started\nImported class: A\nLoad finished successfully.\n"
    assert (compile_errors(good, [], SOURCES), detected(good)) == ([], 0)


def test_a_trapped_error_is_found_in_a_terminals_output():
    assert trapped("CFIS>\n<UNDEFINED> *x\nCFIS 2d0>") == "<UNDEFINED> *x"
    assert trapped("CFIS>\nfine\n") == ""
