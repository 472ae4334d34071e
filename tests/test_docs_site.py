"""The documentation site: it builds without a warning, and asks nothing of other hosts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.doc_blocks import PAGES, ROOT

if not os.environ.get("CI"):
    pytest.importorskip("material")
    pytest.importorskip("mkdocstrings")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = ["mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_there(site: Path) -> None:
    missing = [
        page
        for page in PAGES
        if not (site / page.relative_to("docs").with_suffix(".html")).is_file()
    ]
    assert missing == []


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """Links may lead away; scripts, styles, fonts and pictures come along."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]* src=\"?([^\"> ]+)", text)
        loaded += re.findall(r"<link[^>]* rel=\"?(?:stylesheet|preconnect)[^>]*", text)
        assert not [one for one in loaded if "//" in one], page


def test_the_reference_is_made_of_docstrings(site: Path) -> None:
    for page, names in (
        ("shapes", ("shapes.ShapeEnv.prove", "shapes.ShapeEnv.size", "shapes.errors")),
        ("asserts", ("asserts.insert", "asserts.errors.RuntimeAssertionError")),
        ("tracing", ("asserts.trace.trace", "asserts.testing.strategies.sizes")),
    ):
        text = (site / "reference" / f"{page}.html").read_text(encoding="utf-8")
        for name in names:
            assert f'id="{name}' in text or f"id={name}" in text, name


def test_pictures_are_made_by_the_build(site: Path) -> None:
    """Screenshots of the command, and the map of the folders; no script draws them."""
    screens = 0
    for page in PAGES:
        wanted = (ROOT / page).read_text(encoding="utf-8").count("<!-- screen: ")
        text = (site / page.relative_to("docs").with_suffix(".html")).read_text(encoding="utf-8")
        assert "<!-- screen" not in text
        assert "flowchart" not in text, page
        found = _pictures(text)
        assert len(found) >= wanted, page
        assert "&lt;img" not in text, page
        screens += wanted
        for name in found:
            svg = ((site / page.relative_to("docs")).parent / name).read_text(encoding="utf-8")
            assert "</svg>" in svg
            assert "@font-face" not in svg
    assert screens >= 3
    walk = (site / "how-it-works.html").read_text(encoding="utf-8")
    assert len(_pictures(walk)) == 2


def _pictures(page: str) -> list[str]:
    """The pictures that a browser shows: text that looks like one is none."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            if tag == "img" and "pictures/" in (given.get("src") or ""):
                assert given.get("alt")
                found.append(given["src"] or "")

    Reader().feed(page)
    return found
