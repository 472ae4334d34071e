"""The page for people, at ``/``, and its files, at ``/page/``: ours and the libraries kept
beside them. Nothing else may run in it, and it asks nobody else."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response

from asserts.work.problems import ProblemError

__all__ = ["FILES", "POLICY", "router"]

router = APIRouter(include_in_schema=False)
FOLDER: Final = Path(__file__).parent.parent / "page"
PAGE: Final = FOLDER / "index.html"

POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The Content-Security-Policy (answers to jobs are no scripts: they say their type, and
``nosniff`` holds browsers to it)."""

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".LICENSE": "text/plain; charset=utf-8",
}

FILES: Final = {
    path.relative_to(FOLDER).as_posix(): path
    for path in sorted(FOLDER.rglob("*"))
    if path.suffix in _TYPES
}
"""What is sent, by its path below ``/page/``."""


@cache
def _content(path: Path) -> tuple[bytes, str]:
    """A file, and its ETag."""
    content = path.read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _response(path: Path, request: Request) -> Response:
    content, etag = _content(path)
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache", "ETag": etag}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=_TYPES[path.suffix])


@router.get("/")
async def page(request: Request) -> Response:
    return _response(PAGE, request)


@router.get("/page/{name:path}")
async def part(name: str, request: Request) -> Response:
    path = FILES.get(name)
    if path is None:
        raise ProblemError("not-found", "the page has no such file")
    return _response(path, request)


@router.get("/favicon.ico")
async def icon(request: Request) -> Response:
    return _response(FILES["icon.svg"], request)
