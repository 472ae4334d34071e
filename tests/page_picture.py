"""The picture of the page for the README: ``python -m tests.page_picture`` asks a real server,
in a real browser, and writes ``docs/service/page.png``."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image

from tests.service.browser import CHROMIUM, browser
from tests.service.serving import running

PICTURE = Path(__file__).parents[1] / "docs" / "service" / "page.png"
MOST = 150_000
"""Bytes of the picture."""

QUESTION = {
    "symbols": "h:224..1024\nunbacked top",
    "facts": "top < h",
    "claims": "top + 224 <= h",
}


def main() -> int:
    if CHROMIUM is None:
        print("chromium is not installed")
        return 1
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "data") as server,
        browser() as page,
    ):
        page.size(1280, 900)
        page.open(f"{server.url}/#{urlencode(QUESTION)}")
        page.until("!!document.querySelector('path.counterexample')")
        page.until("document.querySelectorAll('#suggestions button').length > 0")
        content = page.page.screenshot(full_page=True, animations="disabled")
    with Image.open(io.BytesIO(content)) as image:
        small = image.convert("RGB").quantize(160)
        small.save(PICTURE, optimize=True)
    size = PICTURE.stat().st_size
    print(f"{PICTURE}: {size} bytes, {small.width} by {small.height}")
    return 0 if size <= MOST else 1


if __name__ == "__main__":
    sys.exit(main())
