"""Nothing imports what stands below it in the table of CONTRIBUTING.md, where every file has its row."""

import ast
import importlib.util
import re
from pathlib import Path

import idxio

PACKAGE = Path(idxio.__file__).parent
EXCEPTIONS = {("idxio/core/config.py", "idxio/__init__.py")}  # the version


def rows(text):
    """The row of each file or folder in the table."""
    table = re.search(r"\| file \| job \|\n\|---\|---\|\n(.*?)\n\n", text, re.DOTALL)[1].splitlines()
    found = {}
    for number, line in enumerate(table):
        folder = ""
        for path in re.findall(r"`([^`]+)`", line.split("|")[1]):
            found[path if "/" in path else folder + path] = number
            folder = folder or path[: path.rindex("/") + 1]
    return found


def row_of(path, table):
    """The row of a file: its own, or that of a folder it lies in."""
    full = path
    while path not in table:
        path = re.sub(r"[^/]*/?$", "", path.rstrip("/"))
        assert path, f"{full}: no row"
    return table[path]


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


def test_data_flows_down(request):
    table = rows(Path(request.config.rootpath, "CONTRIBUTING.md").read_text(encoding="utf-8"))
    files = [path.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("*.py*") if path.suffix in (".py", ".pyx")]
    assert len(files) > 80
    wrong = []
    for path in map(Path, sorted(path.as_posix() for path in files)):
        if path.name == "__init__.py" and path.as_posix() not in table:
            continue  # they hold a docstring, or load the native modules
        here = row_of(path.as_posix(), table)
        found = {target for target in imports(path) if row_of(target, table) > here}
        wrong += [f"{path} imports {target}" for target in found if (path.as_posix(), target) not in EXCEPTIONS]
    assert not wrong
