# SPDX-License-Identifier: GPL-3.0-or-later
"""$SYSTEM.OBJ: load, compile, export, delete (FACTS 2.1, 2.2)."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable
from pathlib import Path

from emulated import qualifiers
from emulated.class_text import element_of, production_data, storage_globals
from emulated.code import CodeStore
from emulated.compiler import Compiler
from emulated.exporter import Exporter, Missing
from emulated.layout import Settings
from emulated.library import status, streams
from emulated.loader import Loader
from emulated.machine import Machine
from emulated.registry import flag, method
from emulated.values import Oref, Value, text
from emulated.variables import Tree


def _with_options(vm: Machine, specification: Value, action: Callable[[qualifiers.Options], Value]) -> Value:
    try:
        options = qualifiers.parse(text(specification))
    except qualifiers.UnknownQualifier as unknown:
        return status.error(5001, f"Unknown flag or qualifier '{unknown}'")
    return action(options)


def _tell_errors(errors: Tree, found: list[str]) -> None:
    """errorlog = count, errorlog(i) = text (2.2)."""
    errors.kill([])
    errors.value = len(found)
    for number, each in enumerate(found, 1):
        errors.set([number], each)


def _tell_list(loaded: Tree, names: list[str], scalar: bool) -> None:
    """One item: a scalar and a node; several, or ImportDir: a node for each (2.1)."""
    loaded.kill([])
    if scalar and len(names) == 1:
        loaded.value = names[0]
    for each in names:
        loaded.set([each], "")


def _load(vm: Machine, specification: Value, errors: Tree, loaded: Tree, list_only: Value,
          take: Callable[[Loader], None], selected: Value = "", scalar: bool = True) -> Value:
    def action(options: qualifiers.Options) -> Value:
        loader = Loader(vm, options, flag(list_only), text(selected))
        loader.begin()
        take(loader)
        loader.finish()
        _tell_errors(errors, loader.outcome.errors)
        _tell_list(loaded, list(dict.fromkeys(loader.loaded)), scalar)
        return loader.outcome.status

    return _with_options(vm, specification, action)


@method("%SYSTEM.OBJ", "Load", "file,qspec=,&errorlog,&loadeditems,listonly=0,selecteditems=,displayname=,charset=")
def load(vm: Machine, file: Value, specification: Value, errors: Tree, loaded: Tree, list_only: Value,
         selected: Value, shown: Value, charset: Value) -> Value:
    if not vm.facts.load_takes_more and (selected != "" or shown != "" or charset != ""):
        from emulated.errors import MError

        raise MError("PARAMETER", why="Load takes five arguments here")
    return _load(vm, specification, errors, loaded, list_only, lambda loader: loader.file(text(file)), selected)


def _import_exists(settings: Settings) -> bool:
    return settings.facts.import_exists


@method("%SYSTEM.OBJ", "Import", "files,qspec=,&errorlog,&imported,listonly=0", when=_import_exists)
def import_files(vm: Machine, files: Value, specification: Value, errors: Tree, loaded: Tree,
                 list_only: Value) -> Value:
    def take(loader: Loader) -> None:
        for each in text(files).split(","):
            loader.file(each.strip())

    return _load(vm, specification, errors, loaded, list_only, take)


@method("%SYSTEM.OBJ", "ImportDir", "dir,wc=,qspec=,&err,recurse=0,&imported,listonly=0")
def import_directory(vm: Machine, directory: Value, wildcards: Value, specification: Value, errors: Tree,
                     recurse: Value, loaded: Tree, list_only: Value) -> Value:
    wanted = [each for each in text(wildcards).split(";") if each] or ["*.xml", "*.ro", "*.rtn"]
    return _directory(vm, text(directory), wanted, specification, errors, recurse, loaded, list_only)


@method("%SYSTEM.OBJ", "LoadDir", "dir,qspec=,&errorlog,recurse=0,&loaded")
def load_directory(vm: Machine, directory: Value, specification: Value, errors: Tree, recurse: Value,
                   loaded: Tree) -> Value:
    return _directory(vm, text(directory), ["*.xml"], specification, errors, recurse, loaded, "0")


def _directory(vm: Machine, directory: str, wanted: list[str], specification: Value, errors: Tree, recurse: Value,
               loaded: Tree, list_only: Value) -> Value:
    if not os.path.isdir(directory):
        return status.error(5012, directory)

    def take(loader: Loader) -> None:
        for path in sorted(Path(directory).glob("**/*" if flag(recurse) else "*")):
            if path.is_file() and any(fnmatch.fnmatch(path.name.lower(), each.lower()) for each in wanted):
                loader.file(str(path))

    return _load(vm, specification, errors, loaded, list_only, take, scalar=False)


@method("%SYSTEM.OBJ", "LoadStream", "stream,qspec=,&errorlog,&loadeditems,listonly=0")
def load_stream(vm: Machine, stream: Value, specification: Value, errors: Tree, loaded: Tree,
                list_only: Value) -> Value:
    data = streams.content(stream).encode("utf-8", "surrogatepass")
    return _load(vm, specification, errors, loaded, list_only, lambda loader: loader.data("stream", data))


# -- compiling -----------------------------------------------------------------------


def _list_of(names: Value | Tree) -> list[str]:
    """A comma list, or an array by reference with a node for each item."""
    if isinstance(names, Tree):
        found = [text(each) for each in names.children]
        return found or ([each.strip() for each in text(names.value).split(",")] if names.value is not None else [])
    return [each.strip() for each in text(names).split(",") if each.strip()]


def _chosen_classes(store: CodeStore, wanted: list[str]) -> list[str]:
    """Classes by name or wildcard; a leading ' leaves out (2.1)."""
    known = store.classes()
    chosen: list[str] = []
    for each in wanted:
        name = each.removesuffix(".cls").removesuffix(".CLS")
        if name.startswith("'"):
            chosen = [one for one in chosen if not fnmatch.fnmatchcase(one, name[1:])]
        elif "*" in name or "?" in name:
            chosen += [one for one in known if fnmatch.fnmatchcase(one, name)]
        else:
            chosen.append(name)
    return list(dict.fromkeys(chosen))


def _compile(vm: Machine, wanted: list[str], specification: Value, errors: Tree) -> Value:
    def action(options: qualifiers.Options) -> Value:
        compiler = Compiler(vm, options)
        store = CodeStore(vm)
        compiler.say("compile_started", _now(), text(specification))
        routines = [each for each in wanted if each.rpartition(".")[2].upper() in ("MAC", "INT", "INC")]
        for each in routines:
            name, _, kind = each.rpartition(".")
            compiler.routine(name, kind.upper())
        compiler.classes(_chosen_classes(store, [each for each in wanted if each not in routines]))
        return _finished(vm, compiler, errors)

    return _with_options(vm, specification, action)


def _finished(vm: Machine, compiler: Compiler, errors: Tree) -> Value:
    count = len(compiler.outcome.errors)
    if count:
        compiler.say("compile_errors", count, compiler.seconds())
    else:
        compiler.say("compile_finished", compiler.seconds())
    if compiler.options.shows_log:
        vm.devices.current.new_line()
    _tell_errors(errors, compiler.outcome.errors)
    return compiler.outcome.status


def _now() -> str:
    import time

    return time.strftime("%m/%d/%Y %H:%M:%S")


@method("%SYSTEM.OBJ", "Compile", "&classes,qspec=,&errorlog,recurse=0")
def compile_classes(vm: Machine, classes: Tree, specification: Value, errors: Tree, recurse: Value) -> Value:
    return _compile(vm, _list_of(classes), specification, errors)


@method("%SYSTEM.OBJ", "CompileList", "&list,qspec=,&errorlog")
def compile_list(vm: Machine, items: Tree, specification: Value, errors: Tree) -> Value:
    return _compile(vm, _list_of(items), specification, errors)


@method("%SYSTEM.OBJ", "CompilePackage", "package,qspec=,&errorlog,recurse=0")
def compile_package(vm: Machine, package: Value, specification: Value, errors: Tree, recurse: Value) -> Value:
    return _compile(vm, [f"{text(package)}.*"], specification, errors)


@method("%SYSTEM.OBJ", "CompileAll", "qspec=,&errorlog,recurse=0")
def compile_all(vm: Machine, specification: Value, errors: Tree, recurse: Value) -> Value:
    return _compile(vm, ["*"], specification, errors)


# -- exporting -----------------------------------------------------------------------


def _export(vm: Machine, items: Tree, specification: Value, errors: Tree, write: Callable[[str], Value],
            charset: str = "UTF-8") -> Value:
    def action(options: qualifiers.Options) -> Value:
        exporter = Exporter(vm, options)
        names: list[str] = []
        failed: list[Value] = []
        if options.shows_log:
            Compiler(vm, options).say("export_started", _now())
        for each in _list_of(items):
            try:
                names += exporter.expand(each)
            except Missing as missing:
                failed.append(status.error(5351 if str(missing).upper().endswith(".CLS") else 6024, str(missing)))
        outcome = status.joined(*failed) if failed else write(exporter.export(names, charset))
        _tell_errors(errors, status.texts(vm, outcome))
        if options.shows_log and status.is_ok(outcome):
            Compiler(vm, options).say("export_finished")
            vm.devices.current.new_line()
        return outcome

    return _with_options(vm, specification, action)


@method("%SYSTEM.OBJ", "Export", "&items,filename=,qspec=,&errorlog,charset=")
def export(vm: Machine, items: Tree, filename: Value, specification: Value, errors: Tree, charset: Value) -> Value:
    encoding = text(charset) or "UTF-8"

    def write(content: str) -> Value:
        try:
            data = content.encode(encoding, "xmlcharrefreplace")
            if filename == "":
                vm.devices.current.write(content)
            else:
                Path(text(filename)).write_bytes(data)
        except (OSError, LookupError):
            return status.error(5005, text(filename))
        return status.OK

    return _export(vm, items, specification, errors, write, encoding)


@method("%SYSTEM.OBJ", "ExportToStream", "&items,&stream,qspec=,&errorlog,charset=")
def export_to_stream(vm: Machine, items: Tree, stream: Tree, specification: Value, errors: Tree,
                     charset: Value) -> Value:
    def write(content: str) -> Value:
        target = stream.value
        if not isinstance(target, Oref):
            target = stream.value = streams.new_stream("%Stream.GlobalCharacter")
        streams.put(target, content)
        return status.OK

    return _export(vm, items, specification, errors, write)


# -- deleting ------------------------------------------------------------------------


def _delete(vm: Machine, wanted: list[str], specification: Value, errors: Tree) -> Value:
    def action(options: qualifiers.Options) -> Value:
        compiler = Compiler(vm, options)
        store = CodeStore(vm)
        for name in _chosen_classes(store, wanted):
            if store.definition(name) is None:
                compiler.fail(status.error(5351, name))
            else:
                compiler.say("deleting", name)
                _delete_class(vm, store, name, options.on("deleteextent"))
        _tell_errors(errors, compiler.outcome.errors)
        return compiler.outcome.status

    return _with_options(vm, specification, action)


def _delete_class(vm: Machine, store: CodeStore, name: str, with_data: bool) -> None:
    definition = store.definition(name)
    if with_data and definition is not None:
        for each in storage_globals(element_of(definition)):
            vm.place(each, []).kill()
    if definition is not None and production_data(element_of(definition)) is not None:
        from emulated.library.configuration import forget

        forget(vm, name)
    store.delete_class(name)
    store.delete_routine(f"{name}.1", "INT")
    store.delete_object(f"{name}.1")


@method("%SYSTEM.OBJ", "Delete", "&classes,qspec=,&errorlog")
def delete(vm: Machine, classes: Tree, specification: Value, errors: Tree) -> Value:
    return _delete(vm, _list_of(classes), specification, errors)


@method("%SYSTEM.OBJ", "DeletePackage", "package,qspec=,&errorlog")
def delete_package(vm: Machine, package: Value, specification: Value, errors: Tree) -> Value:
    return _delete(vm, [f"{text(package)}.*"], specification, errors)


def _uncompile_exists(settings: Settings) -> bool:
    return settings.facts.uncompile_exists


@method("%SYSTEM.OBJ", "UnCompile", "&classes,qspec=,&errorlog", when=_uncompile_exists)
def uncompile(vm: Machine, classes: Tree, specification: Value, errors: Tree) -> Value:
    store = CodeStore(vm)
    for name in _chosen_classes(store, _list_of(classes)):
        store.uncompile(name)
        store.delete_object(f"{name}.1")
    _tell_errors(errors, [])
    return status.OK


