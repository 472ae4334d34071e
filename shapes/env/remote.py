"""Environments that a service keeps, opened by their address.

The text at the address is checked like any saved environment. urllib is imported at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shapes.env.serialize import env_from_json
from shapes.errors import SerializationError

if TYPE_CHECKING:
    from shapes.env.shape_env import ShapeEnv

__all__ = ["env_from_url"]

MEDIA_TYPE: Final = "application/vnd.shapeproof.environment+json"
LARGEST: Final = 64 << 20
"""Bytes of an environment."""


def env_from_url(url: str, key: str | None, timeout: float) -> ShapeEnv:
    """The environment at a http(s) address; `key` is the API key, if the service wants one.

    Raises `OSError` (`urllib.error.URLError`) if it cannot be fetched within `timeout`
    seconds, and `SerializationError` for what is not an environment.
    """
    from urllib.request import Request, urlopen

    if not url.lower().startswith(("http://", "https://")):
        raise SerializationError(f"{url!r} is not a http(s) address")
    headers = {"Accept": MEDIA_TYPE}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    with urlopen(Request(url, headers=headers), timeout=timeout) as answer:
        content: bytes = answer.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise SerializationError(f"{url}: more than {LARGEST} bytes")
    try:
        return env_from_json(content.decode())
    except UnicodeDecodeError:
        raise SerializationError(f"{url}: what is there is not UTF-8 text") from None
    except SerializationError as error:
        raise SerializationError(f"{url}: {error}") from error
