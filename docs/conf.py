"""How Sphinx builds the site: `make site`.

Pages in Markdown are read on their own, too. Those in reStructuredText only the site has.
"""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Generic, TypeVar

import idxio

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.append(str(DOCS))

from command_reference import command_reference  # noqa: E402

project = "idxio"
author = "the authors of idxio"
release = version = idxio.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]

# Headings have the anchors that GitHub gives them.
myst_heading_anchors = 4

# `name` in a docstring is a link where it is a public name, and code where not.
default_role = "py:obj"
add_module_names = False
autosummary_generate = True
autosummary_filename_map = {  # else idxio.Check and idxio.check are one file to some systems
    "idxio.Check": "idxio.Check-class",
    "idxio.Info": "idxio.Info-class",
}
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_mock_imports = ["torch"]  # some 200 MB
napoleon_google_docstring = False
napoleon_use_param = False  # else words of types, as "file", are looked up as attributes
maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"idxio {version}"
html_extra_path = ["_build/extra"]
html_copy_source = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["site.css"]


class _Subscripted(Generic[TypeVar("T")]):
    """Stands for the classes of torch that ours are made of; a mock would hide their signatures."""


sys.modules["torch.utils.data"] = ModuleType("torch.utils.data")
for _name in ("Dataset", "IterableDataset", "get_worker_info"):
    setattr(sys.modules["torch.utils.data"], _name, _Subscripted)

# Pages that are files of the root: the name here, and the file.
ROOT_PAGES = {
    "quickstart": "README.md",
    "contributing": "CONTRIBUTING.md",
    "changelog": "CHANGELOG.md",
    "security": "SECURITY.md",
}


def put_root_page(app, docname, source):
    """Give a page the text of a file in the root, with links as they must be from docs/; and lead
    links of other pages to such files to the pages.
    """
    if docname in ROOT_PAGES:
        text = (ROOT / ROOT_PAGES[docname]).read_text(encoding="utf-8")
        if docname == "quickstart":
            text = text.replace("# idxio\n", "# Quickstart\n", 1)
        source[0] = re.sub(r"\[([^]]*)\]\(([^)\s]+)\)", from_docs, text)
        return
    up = "../" * docname.count("/")
    for name, file in ROOT_PAGES.items():
        source[0] = source[0].replace(f"](../{up}{file}", f"]({up}{name}.md")


def from_docs(link):
    """A link of a file in the root, from docs/; its words alone where it leads to a folder."""
    words, target = link[1], link[2]
    if "://" in target or target.startswith("#"):
        return link[0]
    page, hash_sign, heading = target.partition("#")
    for name, file in ROOT_PAGES.items():
        if page == file:
            page = f"docs/{name}.md"
    if (ROOT / page).is_dir():
        return words
    page = page.removeprefix("docs/") if page.startswith("docs/") else f"../{page}"
    return f"[{words}]({page}{hash_sign}{heading})"


def setup(app):
    app.connect("source-read", put_root_page)
    commands = DOCS / "_build" / "commands.rst"
    commands.parent.mkdir(exist_ok=True)
    commands.write_text(command_reference(), encoding="utf-8")
