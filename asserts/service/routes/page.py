"""The page for people, at ``/``: one file, its script and style named by hash in the policy
(so nothing else runs)."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Response

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
PAGE = Path(__file__).parent.parent / "page" / "index.html"


@cache
def _page() -> tuple[bytes, str]:
    """The page and its Content-Security-Policy."""
    content = PAGE.read_bytes()
    script, style = (_hashes(content, tag) for tag in ("script", "style"))
    return content, (
        f"default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hashes(content: bytes, tag: str) -> str:
    found = re.findall(rf"<{tag}>(.*?)</{tag}>".encode(), content, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(text).digest()).decode() for text in found)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


@router.get("/")
async def page() -> Response:
    content, policy = _page()
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-cache"}
    return Response(content, headers=headers, media_type="text/html; charset=utf-8")


@router.get("/favicon.ico")
async def icon() -> Response:
    return Response(status_code=204)
