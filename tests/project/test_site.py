"""What `make site` builds holds every page, every public name and every command."""

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import idxio
import idxio.adapters
from idxio.cli.main import _COMMANDS


@pytest.fixture
def docs(request):
    return Path(request.config.rootpath, "docs")


def pages(docs):
    """The sources of pages, without their suffixes."""
    for suffix in (".md", ".rst"):
        for page in docs.rglob(f"*{suffix}"):
            name = page.relative_to(docs).as_posix()
            if not name.startswith(("_", "reference/api/")):  # generated, or a template
                yield name.removesuffix(suffix)


def entries(docs, directive):
    """The lines in such directives, each with the folder of its page."""
    for page in docs.rglob("*.rst"):
        if "_build" not in page.parts:
            text = page.read_text(encoding="utf-8")
            for block in re.findall(rf"^\.\. {directive}::\n((?:   .*\n|\n)+)", text, re.MULTILINE):
                for line in filter(None, map(str.strip, block.splitlines())):
                    if not line.startswith(":"):
                        yield page.parent, line


def test_every_page_is_in_a_toctree(docs):
    listed = [
        (folder / name).relative_to(docs).as_posix() for folder, name in entries(docs, "toctree")
    ]
    assert sorted(listed) == sorted(set(pages(docs)) - {"index"})


def test_every_public_name_has_a_page(docs):
    listed = [name for _, name in entries(docs, "autosummary")]
    assert sorted(listed) == [f"idxio.{name}" for name in idxio.__all__]


def test_every_public_module_has_a_page(docs):
    texts = [page.read_text(encoding="utf-8") for page in docs.glob("reference/*.rst")]
    listed = re.findall(r"^\.\. automodule:: (\S+)$", "\n".join(texts), re.MULTILINE)
    adapters = [f"idxio.adapters.{m.name}" for m in pkgutil.iter_modules(idxio.adapters.__path__)]
    assert sorted(listed) == sorted([*adapters, "idxio.convert.pipeline", "idxio.transforms"])


def test_results_are_there(docs):
    text = Path(docs, "reference", "results.rst").read_text(encoding="utf-8")
    names = re.findall(r"^\.\. autoclass:: ([\w.]+)\.(\w+)", text, re.MULTILINE)
    assert names
    for module, name in names:
        assert isinstance(getattr(importlib.import_module(module), name), type)


def run(docs, *arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=docs, capture_output=True, text=True, timeout=300
    )


def test_every_command_is_in_the_reference(docs):
    code = "from command_reference import command_reference; print(command_reference())"
    result = run(docs, "-c", code)
    assert result.stderr == ""
    titles = re.findall(r"^idxio (\S+)\n-+\n\n\.\. code-block:: text$", result.stdout, re.MULTILINE)
    assert titles == list(_COMMANDS)


def test_the_demo_is_small_and_sound(docs, tmp_path):
    result = run(docs, "make_demo.py", str(tmp_path / "demo"))
    assert (result.returncode, result.stderr) == (0, "")
    files = {path.name: path.stat().st_size for path in (tmp_path / "demo").iterdir()}
    assert sum(files.values()) < 1 << 20
    assert "index.html" in files
    found = idxio.check(tmp_path / "demo")
    assert found.ok
    assert len(found.class_names) == 10
    assert idxio.load(tmp_path / "demo").is_sorted


@pytest.mark.parametrize(
    ("link", "complaint"),
    [
        ("b.html#there", None),
        ("folder/", None),
        ("#here", None),
        ("https://example.org/none", None),
        ("none.html", "no such file"),
        ("b.html#none", "no such anchor"),
        ("#none", "no such anchor"),
        ("../outside.html", "no such file"),
    ],
)
def test_dead_links_of_a_site_are_found(docs, tmp_path, link, complaint):
    site = tmp_path / "site"
    (site / "folder").mkdir(parents=True)
    (site / "a.html").write_text(f'<p id="here"><a href="{link}">x</a></p>')
    (site / "b.html").write_text('<h1 id="there">x</h1>')
    (site / "folder" / "index.html").write_text("")
    (tmp_path / "outside.html").write_text("")
    result = run(docs, "check_links.py", str(site))
    assert result.stderr == ""
    assert result.returncode == (complaint is not None)
    expected = f"a.html: {link}: {complaint}\n" if complaint else ""
    assert result.stdout.startswith(expected + "3 pages, ")
