"""Packages are layers: nothing imports one that stands further down in the table of
CONTRIBUTING.md.
"""

import ast
import graphlib
import importlib.util
import re
from pathlib import Path

import idxio

PACKAGE = Path(idxio.__file__).parent
FACES = {"idxio/__init__.py", "idxio/__main__.py"}  # above all layers, and imported by none


def layers(config):
    """The packages in the order of the table; data flow down it."""
    text = Path(config.rootpath, "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = re.search(r"\| package \| job \|\n\|---\|---\|\n(.*?)\n\n", text, re.DOTALL)[1]
    return [
        name for line in table.splitlines() for name in re.findall(r"`(\w+)", line.split("|")[1])
    ]


def layer_of(path):
    """`core` of idxio/core/read.py, `errors` of idxio/errors.py."""
    return path.split("/")[1].removesuffix(".py")


def file_of(module):
    """The file of a module of idxio, and None for a name inside one."""
    path = module.replace(".", "/")
    for suffix, stands_for in (("/__init__.py", "/__init__.py"), (".py", ".py"), (".pyi", ".pyx")):
        if (PACKAGE.parent / f"{path}{suffix}").exists():
            return path + stands_for
    return None


def imports(path):
    """The files of idxio that one of them imports."""
    package = path.parent.as_posix().replace("/", ".")
    text = (PACKAGE.parent / path).read_text(encoding="utf-8")
    if path.suffix == ".pyx":  # in a source tree
        for module in re.findall(r"^from (\.\w+) c?import", text, re.MULTILINE):
            yield file_of(importlib.util.resolve_name(module, package))
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level:
            module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                yield file_of(f"{module}.{alias.name}") or file_of(module)


def graph():
    """What each file imports."""
    files = [
        path.relative_to(PACKAGE.parent)
        for path in PACKAGE.rglob("*.py*")
        if path.suffix in (".py", ".pyx")
    ]
    assert len(files) > 80
    return {path.as_posix(): set(imports(path)) for path in sorted(files)}


def test_data_flows_down(request):
    order = layers(request.config)
    wrong = []
    for path, targets in graph().items():
        if path not in FACES:
            here = order.index(layer_of(path))
            wrong += [f"{path} imports {target}" for target in targets & FACES]
            wrong += [
                f"{path} imports {target}"
                for target in targets - FACES
                if order.index(layer_of(target)) > here
            ]
    assert not wrong


def test_every_package_has_its_row(request):
    there = {layer_of(path) for path in graph() if path not in FACES}
    assert sorted(layers(request.config)) == sorted(there)


def test_files_import_each_other_one_way():
    # A file may load its neighbour in a function; even so, the other must not need it.
    graphlib.TopologicalSorter(graph()).prepare()
