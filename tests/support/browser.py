"""A headless Chromium, driven over a pipe by the DevTools protocol: pages, keys, pictures, counts.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from server_process import environment

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_PATIENCE = 120
_KEYS = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
         "PageDown": 34, "End": 35, "Home": 36}  # fmt: skip

_STARTER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Page:
    """A tab, of its own size and colours, that notes what it asks for and complains of."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.complaints: list[str] = []
        """Errors and warnings of the console."""
        self.requests: list[tuple[str, str | None]] = []
        """URL and Range of each request."""
        self.received = 0
        """Bytes of answers, their heads too."""

    def send(self, method: str, **options: Any) -> dict[str, Any]:
        """Call a method of the protocol."""
        return self._browser.send(method, self._session, **options)

    def note(self, method: str, event: dict[str, Any]) -> None:
        """Take an event of this page."""
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(event["exceptionDetails"])[:1000])
        elif method == "Runtime.consoleAPICalled" and event["type"] in (
            "error",
            "warning",
            "assert",
        ):
            self.complaints.append(json.dumps(event["args"])[:1000])
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.complaints.append(event["entry"]["text"] + " " + event["entry"].get("url", ""))
        elif method == "Network.requestWillBeSent":
            url = event["request"]["url"]
            if url.startswith("http"):
                self.requests.append((url, event["request"]["headers"].get("Range")))
        elif method == "Network.loadingFinished":
            self.received += int(event["encodedDataLength"])

    def open(self, url: str, before: str = "") -> None:
        """Go to a URL; `before` is a script that runs before those of the page."""
        if before:
            self.send("Page.addScriptToEvaluateOnNewDocument", source=before)
        self.send("Page.navigate", url=url)

    def evaluate(self, script: str) -> Any:
        """The value of an expression, or of its promise."""
        answer = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait(self, script: str) -> Any:
        """Wait until an expression is true, and return its value."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                if value := self.evaluate(script):
                    return value
                error = f"never came true: {script}"
            except AssertionError as raised:  # as while a page goes and the next one comes
                error = str(raised)
            if time.monotonic() > until:
                raise AssertionError(f"{error}\n{self.evaluate('document.body.innerText')}")
            time.sleep(0.01)

    def press(self, key: str) -> None:
        """Press a key of the keyboard."""
        code = _KEYS.get(key, 0)
        text = {} if code else {"text": key}
        for kind in ("keyDown", "keyUp"):
            self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text
            )

    def click(self, x: float, y: float) -> None:
        """Click at a place in the window."""
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path: Path) -> None:
        """Write what the window shows, as a PNG file."""
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))

    def close(self) -> None:
        """Close the tab."""
        self.send("Page.close")


class Browser:
    """A running Chromium."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._data = b""
        self._number = 0
        self._pages: dict[str, Page] = {}

    def page(self, width: int = 1280, height: int = 800, *, is_dark: bool = False) -> Page:
        """Open a new tab."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.send(f"{domain}.enable")
        page.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        page.send("Emulation.setEmulatedMedia", features=[scheme])
        return page

    def send(self, method: str, session: str | None = None, **options: Any) -> dict[str, Any]:
        """Call a method, and take events until its answer comes."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": options}
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            if answer.get("sessionId") in self._pages:
                self._pages[answer["sessionId"]].note(answer["method"], answer["params"])

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._data:
            if not select.select([self._answers], [], [], _PATIENCE)[0]:
                raise AssertionError("Chromium does not answer")
            data = os.read(self._answers, 1 << 20)
            if not data:
                raise AssertionError("Chromium has ended")
            self._data += data
        message, _, self._data = self._data.partition(b"\0")
        return json.loads(message)


@contextmanager
def chromium(work: Path) -> Iterator[Browser]:
    """A headless Chromium, with its profile and its log in a new folder."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(
            "NOT LOOKED AT: the page of idxio view needs Chromium: apt-get install chromium"
        )
    work.mkdir()
    command = [
        program, "--headless", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe", "--hide-scrollbars",
        f"--user-data-dir={work / 'profile'}", *(["--no-sandbox"] if os.geteuid() == 0 else []),
    ]  # fmt: skip
    theirs, commands = os.pipe()
    answers, ours = os.pipe()
    # Chromium reads from 3 and writes to 4, so these must not be those that are moved there.
    far = [fcntl.fcntl(number, fcntl.F_DUPFD, 10) for number in (theirs, ours)]
    os.close(theirs)
    os.close(ours)
    starter = [sys.executable, "-I", "-S", "-c", _STARTER, *map(str, far), *command]
    with open(work / "log", "wb") as log:
        process = subprocess.Popen(starter, pass_fds=far, stdout=log, stderr=log, env=environment())
    for number in far:
        os.close(number)
    try:
        browser = Browser(commands, answers)
        yield browser
        browser.send("Browser.close")
    finally:
        os.close(commands)
        os.close(answers)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
