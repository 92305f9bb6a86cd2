"""The page: view.html with the dataset in it."""

from __future__ import annotations

import html
import importlib.resources
import json
import re
from urllib.parse import urlsplit

from ...compression.registry import COMPRESSIONS
from .dataset import Viewed

GENERATOR = '<meta name="generator" content="idxio view">'
"""Stands in each page, and tells it from other programs' index.html."""
# What a reader of the source wants and a browser does not: comments, indentation, empty lines.
_SPARE = re.compile(r"^ *(//|/\*\*.*\*/$).*\n|(?<=[;,{]) // .*$|^[ \n]+", re.MULTILINE)
_STYLE = re.compile(r"<style>.*</style>", re.DOTALL)
_SPARE_IN_STYLE = re.compile(r"\s*([{};,])\s*|(?<=:)\s+")
_SCRIPT = re.compile(r"<script>.*</script>", re.DOTALL)
# Around operators that no sentence of the page has.
_SPARE_IN_SCRIPT = re.compile(r"(?<=\S) (=>|[=!]==|[<>]=|&&|\|\||[-+*&|?]*=|<) (?=\S)")


def render(viewed: Viewed, base: str = "") -> bytes:
    """Return the page. It reads the files from the URL `base`, or else from beside itself."""
    shown = {
        "base": base,
        "about": viewed.about,
        "names": viewed.class_names,
        "splits": [split._asdict() for split in viewed.splits],
        # what is refused by name, by its first bytes
        "packed": {
            kind.magic[0].hex(): kind.program for kind in COMPRESSIONS if not kind.in_browsers
        },
    }
    parts = urlsplit(base)
    origin = f"{parts.scheme}://{parts.netloc}"
    # JSON has "<" in strings only, and there it could end the script.
    dataset = json.dumps(shown, separators=(",", ":")).replace("<", "\\u003c")
    values = {
        "TITLE": html.escape(viewed.title),
        "HOST": html.escape(f" {origin}") if base else "",
        "DATASET": dataset,
    }
    return re.sub("@([A-Z]+)@", lambda match: values[match[1]], _template()).encode()


def _template() -> str:
    text = importlib.resources.files(__package__).joinpath("view.html").read_text("utf-8")
    text = _SPARE.sub("", text)
    text = _STYLE.sub(lambda style: _SPARE_IN_STYLE.sub(r"\1", style[0]), text)
    return _SCRIPT.sub(lambda script: _SPARE_IN_SCRIPT.sub(r"\1", script[0]), text)
