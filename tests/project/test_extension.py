"""A new compression or source is one file: nothing outside their packages asks which one it has.

What it would ask stands in the class (`compression/base.py`, `storage/base.py`), and the lists that
name all of them are in `compression/registry.py` and `storage/source.py`.
"""

import ast
import re
from pathlib import Path

import pytest

import idxio
import idxio.loader.batches  # all samplers
from idxio.compression import registry
from idxio.compression.base import Compression
from idxio.loader.samplers import Sampler
from idxio.storage.base import Source

PACKAGE = Path(idxio.__file__).parent
# What others may import of the compressions.
FACES = {"base", "registry", "read_ahead"}
# Texts that may name a compression: the public argument, and names of files that are written.
ALLOWED = {
    ("core/repack.py", "gzip"),
    ("convert/build_files.py", ".gz"),
    ("convert/import_.py", ".gz"),
    ("cli/demo/demo.py", ".gz"),
    # The usual names, in the message that says what was looked for.
    ("datasets/discovery.py", "-images-idx3-ubyte[.gz] with -labels-idx1-ubyte[.gz]"),
    # The folder where torchvision puts files.
    ("datasets/discovery.py", "raw"),
    ("datasets/published/on_this_machine.py", "raw"),
    # The archive of EMNIST.
    (
        "datasets/published/table.py",
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
    ),
}


def subclasses(kind):
    """The names of a class and of all that are made of it."""
    return {kind.__name__}.union(*map(subclasses, kind.__subclasses__()))


def words():
    """What names a compression in a text."""
    names = set()
    for kind in registry.COMPRESSIONS:
        names |= {kind.packing, kind.program, kind.module, *(s[1:] for s in kind.suffixes)}
    # "raw" and "io" are words of any text.
    return re.compile(
        rf"(?<![\w.])\.?({'|'.join(map(re.escape, sorted(names - {'raw', 'io', ''})))})(?!\w)"
    )


def files(*left_out):
    """The Python files of idxio outside some of its packages, and their syntax trees."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        if name.split("/")[0] not in left_out:
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def docstrings(tree):
    """The nodes that are docstrings, also those of attributes."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        for child in node.body:
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                yield child.value


def names_in(node):
    """The last parts of all names in an expression."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr


def asked_kinds(tree, *bases):
    """The classes made of some that isinstance() or a type of an object is held against; by default
    those of sources and compressions.
    """
    kinds = set().union(*map(subclasses, bases or (Source, Compression)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {
            "isinstance",
            "issubclass",
        }:
            yield from kinds & set(names_in(node.args[1]))
        elif isinstance(node, ast.Compare):
            yield from kinds & {name for side in node.comparators for name in names_in(side)}


def named_formats(tree):
    """The texts that name a compression, outside docstrings and the sentences of help texts."""
    skipped = {id(node) for node in docstrings(tree)}
    word = words()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in skipped:
            text = node.value
            if not isinstance(text, str) or (text.count(" ") > 3 and "|" not in text):
                continue
            if text == "raw" or word.search(text):
                yield text


def test_no_file_asks_for_a_kind():
    asked = [
        (name, kind) for name, tree in files("storage", "compression") for kind in asked_kinds(tree)
    ]
    asked += [
        (name, kind)
        for name, tree in files()
        if not name.startswith("storage/")
        for kind in asked_kinds(tree)
    ]
    assert not asked


def test_no_file_names_a_format():
    named = {(name, text) for name, tree in files("compression") for text in named_formats(tree)}
    assert named <= ALLOWED
    assert named == ALLOWED  # the list of exceptions has none that is gone


def test_the_page_names_no_format_but_those_it_unpacks():
    page = (PACKAGE / "cli/viewer/view.html").read_text(encoding="utf-8")
    read = [kind for kind in registry.COMPRESSIONS if kind.in_browsers]
    own = {kind.packing for kind in read} | {
        suffix[1:] for kind in read for suffix in kind.suffixes
    }
    assert {match[1] for match in words().finditer(page)} <= own


def test_a_sampler_is_asked_by_its_interface():
    asked = [(name, kind) for name, tree in files() for kind in asked_kinds(tree, Sampler)]
    assert not asked


def test_compressions_are_used_by_their_face():
    used = []
    for name, tree in files("compression"):
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.ImportFrom)
                and node.module
                and "compression" in node.module.split(".")
            ):
                part = node.module.partition("compression")[2].strip(".").partition(".")[0]
                parts = {part} if part else {alias.name for alias in node.names}
                used += [(name, part) for part in parts - FACES]
    assert not used


@pytest.mark.parametrize(
    "text",
    [
        "isinstance(x, Gzip)",
        "isinstance(x, (int, raw.Raw))",
        "isinstance(source, PathSource)",
        "type(x) is BufferSource",
    ],
)
def test_an_asked_kind_is_seen(text):
    assert list(asked_kinds(ast.parse(text)))


@pytest.mark.parametrize(
    "text", ["x == 'gzip'", "x.endswith('.xz')", "f'{x}.gz'", "p = r'(gz|bz2)'", "x != 'raw'"]
)
def test_a_named_format_is_seen(text):
    assert list(named_formats(ast.parse(text)))


@pytest.mark.parametrize("kind", registry.COMPRESSIONS, ids=lambda kind: kind.packing)
def test_a_compression_declares_itself(kind):
    assert registry.named(kind.packing) is kind
    assert all(0 < len(magic) <= 6 for magic in kind.magic)
    assert all(suffix.startswith(".") for suffix in kind.suffixes)
    assert bool(kind.magic) == bool(kind.suffixes) == bool(kind.program) == (not kind.is_plain)
    assert all(registry.of_suffix(f"x{suffix}") is kind for suffix in kind.suffixes)
    assert kind.can_write == (kind.writer.__func__ is not Compression.writer.__func__)
    assert kind.supports_ranges == (kind.read_at is not Compression.read_at)
    assert kind.supports_ranges == (kind.gather is not Compression.gather)
    for magic in kind.magic:
        assert kind.program in registry.likely_cause(magic + bytes(20))
        others = [other for other in registry.COMPRESSIONS if other is not kind]
        assert not any(magic.startswith(other.magic) for other in others)
