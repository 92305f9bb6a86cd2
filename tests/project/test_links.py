"""Every link from one page to another leads to a file and a heading that are there."""

import re
from pathlib import Path


def pages(root):
    """README.md and the like, and those of docs/."""
    found = [*root.glob("*.md"), *root.glob("docs/**/*.md")]
    assert Path(root, "docs", "format.md") in found
    return sorted(found)


def links(text):
    """The targets of links that stay in the repository: `path`, `path#heading` or `#heading`."""
    without_code = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [
        target for target in re.findall(r"\]\(([^)\s]+)\)", without_code) if "://" not in target
    ]


def anchors(text):
    """The names of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def is_there(page, target):
    path, _, heading = target.partition("#")
    file = page.parent / path if path else page
    if not file.exists():
        return False
    return not heading or heading in anchors(file.read_text(encoding="utf-8"))


def test_links_lead_somewhere(request):
    broken = []
    for page in pages(request.config.rootpath):
        targets = links(page.read_text(encoding="utf-8"))
        broken += [f"{page.name}: {target}" for target in targets if not is_there(page, target)]
    assert not broken


# Pages of the site that show README.md, and the like.
REPEATED = {f"docs/{name}.md" for name in ("quickstart", "contributing", "changelog", "security")}


def test_readme_links_every_page(request):
    root = request.config.rootpath
    linked = links(Path(root, "README.md").read_text(encoding="utf-8"))
    there = {page.relative_to(root).as_posix() for page in root.glob("docs/**/*.md")}
    assert there > REPEATED
    assert not there - REPEATED - set(linked)
