# SPDX-License-Identifier: GPL-3.0-or-later
"""Console texts of Load and Compile (FACTS 2.2), by language."""

from __future__ import annotations

_TEXTS = {
    "en": {
        "load_started": "Load started on {0}", "loading": "Loading file {0} as {1}", "imported": "Imported {0}: {1}",
        "class": "class", "routine": "routine", "global": "global", "project": "project", "csp": "CSP file",
        "document": "document", "package": "package", "compiling_many": ", compiling {0} classes",
        "compiling_class": "Compiling class {0}", "compiling_routine": "Compiling routine {0}",
        "load_finished": "Load finished successfully.", "load_errors": "Detected {0} errors during load.",
        "skipping": "Skipping class {0}", "compile_started": "Compilation started on {0} with qualifiers '{1}'",
        "compile_finished": "Compilation finished successfully in {0}s.",
        "compile_errors": "Detected {0} errors during compilation in {1}s.", "text": " TEXT: {0}",
        "export_started": "Exporting to XML started on {0}", "exporting": "Exporting {0}: {1}",
        "export_finished": "Export finished successfully.", "deleting": "Deleting class {0}",
    },
    "de": {
        "load_started": "Laden gestartet am {0}", "loading": "Datei {0} wird als {1} geladen",
        "imported": "{0} importiert: {1}", "class": "Klasse", "routine": "Routine", "global": "Global",
        "project": "Projekt", "csp": "CSP-Datei", "document": "Dokument", "package": "Paket",
        "compiling_many": ", {0} Klassen werden kompiliert", "compiling_class": "Klasse {0} wird kompiliert",
        "compiling_routine": "Routine {0} wird kompiliert", "load_finished": "Laden erfolgreich beendet.",
        "load_errors": "{0} Fehler während des Ladens gefunden.", "skipping": "Klasse {0} wird übersprungen",
        "compile_started": "Kompilieren gestartet am {0} mit Qualifiern '{1}'",
        "compile_finished": "Kompilieren erfolgreich beendet in {0}s.",
        "compile_errors": "{0} Fehler während des Kompilierens gefunden in {1}s.", "text": " TEXT: {0}",
        "export_started": "XML-Export gestartet am {0}", "exporting": "{0} wird exportiert: {1}",
        "export_finished": "Export erfolgreich beendet.", "deleting": "Klasse {0} wird gelöscht",
    },
}


def message(language: str, name: str, *values: object) -> str:
    """A text by its name."""
    return _TEXTS[language][name].format(*values)
