"""Every page of the documentation, run from top to bottom (see `doc_blocks`), and the README."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.doc_blocks import PAGES, ROOT, Page, blocks

pytestmark = pytest.mark.filterwarnings("default::FutureWarning")  # (of torch's parts)


def run(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    running = Page(page.name, folder)
    before = set(sys.modules)
    try:
        running.run((ROOT / page).read_text(encoding="utf-8"))
    finally:
        for name in set(sys.modules) - before:  # (other pages have files of the same names)
            file = getattr(sys.modules[name], "__file__", None) or ""
            if Path(file).is_relative_to(folder):
                del sys.modules[name]
    return running


@pytest.mark.filterwarnings("default")  # (torch's own)
@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_blocks_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(page, tmp_path, monkeypatch)


def test_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = run(Path("README.md"), tmp_path, monkeypatch)
    assert page.raised == ["RuntimeAssertionError", "DataDependentError"]


def test_code_that_is_not_run_says_why() -> None:
    """And there is little of it."""
    found = [
        (page, block.rest)
        for page in PAGES
        for block in blocks((ROOT / page).read_text(encoding="utf-8"))
        if block.word == "not run"
    ]
    assert all(len(reason) > 5 for _, reason in found)
    assert len(found) <= 20


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("```python\n1 + 1  # -> 3\n```\n", "2"),
        ("```python\nint('x')  # TypeError\n```\n", "ValueError"),
        ("```python\nprint(1)\n```\n\n<!-- output -->\n```text\n2\n```\n", "printed"),
        ("```\n$ false\n```\n", "false"),
        ("```\n$ echo a; echo b\na\n```\n", "printed"),
        ("<!-- not run -->\n```python\n1 / 0\n```\n", "why is it not run"),
    ],
)
def test_what_is_not_so_is_seen(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=why):
        Page("page", tmp_path).run(text)


def test_what_is_so_passes(tmp_path: Path) -> None:
    page = Page("page", tmp_path)
    page.run(
        "<!-- setup\nx = 2\n-->\n```python\nx + 1  # -> 3\nx / 0  # ZeroDivisionError\n"
        "print('a\\nb\\nc')\n```\n<!-- output -->\n```text\na\n...\nc\n```\n"
        "<!-- file: one.txt -->\n```text\nhello\n```\n```\n$ cat one.txt\nhello\n"
        "$ exit 3  # exit code 3\n$ echo '{\"a\": 1}'\n{\"a\": 7}\n```\n"
    )
    assert page.raised == ["ZeroDivisionError"]
    assert page.ran == 4
