"""The page of `idxio view` in headless Chromium, from nginx on loopback: what a look at
Fashion-MNIST, sorted by label, costs.

``python -m benchmarks.cli_view``. Frames are those of the browser: nothing else should run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import idxio
from idxio.cli.viewer import dataset
from idxio.cli.viewer.render import render

from .core_import import ROOT
from .files import DEFAULT_DATA

sys.path.insert(0, str(ROOT / "tests" / "support"))
from browser import Page, chromium
from nginx_server import nginx

NAMES = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz")
DRAWN = "document.getElementById('grid')?.dataset.drawn === 'all'"
JUMPS = (45_678, 123, 59_999, 30_000)
STEPS = (10, 40, 150, 1000)  # pixels a frame
FRAMES = """(async (step) => {
  const main = document.querySelector('main');
  main.scrollTop = 0;
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  for (let i = 0; i < 600; i++) {
    main.scrollTop += step;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  times.sort((a, b) => a - b);
  return [times[300], times[570], times[599]];
})"""


def main() -> None:
    """Print each target beside what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder of Fashion-MNIST")
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory(prefix="idxio-benchmarks-") as name:
        files = Path(name, "files")
        files.mkdir()
        idxio.write_sorted(*(files / one for one in NAMES), *(data / one for one in NAMES))
        page = render(dataset.find(str(files), None))
        (files / "index.html").write_bytes(page)
        print(f"the page: {len(page):,} bytes (target: 40,000)")
        with nginx(files, Path(name, "nginx")) as url, chromium(Path(name, "chromium")) as browser:
            browser.page().open("about:blank")
            measure(browser.page(), f"{url}/plain/index.html")


def measure(page: Page, url: str) -> None:
    """Print what one page asks for and how long it takes."""
    start = time.perf_counter()
    page.open(f"{url}#train/3")
    page.wait(DRAWN)
    seconds = time.perf_counter() - start
    print(
        f"first screen of a class: {len(page.requests)} requests (8), {page.received / 1000:.0f} KB"
        f" (300), {seconds:.2f} s (1)"
    )
    for number in JUMPS:
        before = len(page.requests)
        start = time.perf_counter()
        page.evaluate(f"location.hash = '#train/all/{number}'")
        page.wait(f"document.querySelector('dialog').dataset.record === '{number}' && {DRAWN}")
        seconds = time.perf_counter() - start
        print(f"record {number:,}: {len(page.requests) - before} requests (2), {seconds:.2f} s")
    page.evaluate("document.querySelector('dialog').close()")
    for step in STEPS:
        before = len(page.requests)
        times: Any = page.evaluate(f"{FRAMES}({step})")
        median, most, longest = (f"{value:.1f}" for value in times)
        print(
            f"scrolling {step:,} pixels a frame: 95 % of the frames within {most} ms (34), median"
            f" {median}, longest {longest}; {len(page.requests) - before} requests"
        )
    print(f"complaints of the console: {len(page.complaints)} (0)")


if __name__ == "__main__":
    main()
