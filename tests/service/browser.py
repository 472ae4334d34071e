"""The system's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

if os.environ.get("CI"):
    from playwright import sync_api
else:
    sync_api = pytest.importorskip("playwright.sync_api")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One page in a browser without a window. `complaints` are errors of scripts, what the
    content policy has refused, and requests that left this machine."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)
        page.on("request", self._requested)

    def _said(self, message: Any) -> None:
        refused = message.text.startswith("Failed to load resource")  # (a problem document)
        if message.type == "error" and not refused:
            self.complaints.append(message.text)

    def _requested(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("blob", "data", "about") and parts.hostname != "127.0.0.1":
            self.complaints.append(f"it asked {request.url}")

    def size(self, width: int, height: int, dark: bool = False) -> None:
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme="dark" if dark else "light")

    def open(self, url: str) -> None:
        """Open an address; one that differs in its fragment only is opened anew too."""
        self.page.goto("about:blank")
        self.page.goto(url)

    def js(self, code: str) -> Any:
        """The value of an expression in the page."""
        return self.page.evaluate(code)

    def until(self, code: str, seconds: float = 90.0) -> None:
        """Wait until an expression is true (the driver's own way would evaluate text in the
        page, which its policy refuses)."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.js(code):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError((code, self.js("document.body.innerText")))

    def click(self, selector: str) -> None:
        """Click as a person does: on what can be seen and is not covered."""
        self.page.click(selector)

    def type(self, field: str, text: str) -> None:
        """Put text into a field as a person does."""
        self.page.focus(f"#{field}")
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def key(self, keys: str) -> None:
        self.page.keyboard.press(keys)

    def picture(self, path: Path, whole: bool = True) -> None:
        self.js("scrollTo(0, 0)")
        self.page.screenshot(path=str(path), full_page=whole, animations="disabled")


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser for as long as the block lasts."""
    assert CHROMIUM is not None
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_api.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            context = launched.new_context(accept_downloads=True)
            context.set_default_timeout(90_000)
            yield Browser(context.new_page())
        finally:
            launched.close()
