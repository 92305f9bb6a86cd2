"""The files and functions that CONTRIBUTING.md leads through are there."""

import ast
import re
from pathlib import Path

import idxio

PACKAGE = Path(idxio.__file__).parent


def steps(config):
    """The (file, name) pairs of the walks; a name is `function` or `Class.method`."""
    text = Path(config.rootpath, "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.findall(r"`(\w+(?:/\w+)*\.pyx?): ([\w.]+)`", text)


def names(path):
    """The functions, classes and methods that a file defines: none if it is not there."""
    file = PACKAGE / path.replace(".pyx", ".pyi")  # no wheel holds the .pyx
    if not file.exists():
        return set()
    found = set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = [inner.name for inner in node.body if isinstance(inner, ast.FunctionDef)]
            found |= {f"{node.name}.{name}" for name in methods}
    return found


def test_walks_lead_through_the_code(request):
    walked = steps(request.config)
    assert len(walked) > 30
    assert not [f"{path}: {name}" for path, name in walked if name not in names(path)]
