"""Check that every link of a built site which stays in it leads to a file and an anchor.

Sphinx checks the links that it makes itself; not those in raw HTML, in templates and in the theme.

python docs/check_links.py FOLDER
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, path):
        super().__init__()
        self.links = set()
        self.anchors = {"", "top"}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("href", "src"):
                self.links.add(value)
            elif name in ("id", "name"):
                self.anchors.add(value)


def broken(site):
    """The links that lead nowhere, as `page: link`."""
    pages = {path: Page(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        for link in sorted(page.links):
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            if target.is_dir():
                target = target / "index.html"
            if not target.is_relative_to(site) or not target.is_file():
                yield f"{path.relative_to(site)}: {link}: no such file"
            elif target in pages and unquote(url.fragment) not in pages[target].anchors:
                yield f"{path.relative_to(site)}: {link}: no such anchor"


def main():
    site = Path(sys.argv[1]).resolve()
    found = list(broken(site))
    print(*found, sep="\n", end="\n" if found else "")
    pages = len(list(site.rglob("*.html")))
    print(f"{pages} pages, {len(found)} broken links")
    return bool(found) or not pages


if __name__ == "__main__":
    sys.exit(main())
