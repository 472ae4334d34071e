from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar
from weakref import ref

T = TypeVar("T")

def adopt(instance: object, field: str, acyclic: bool) -> None: ...
def entry(node: T) -> ref[T]: ...
def quicken(kind: type, names: tuple[str, ...], defaults: dict[str, Any]) -> bool: ...
def filler(kind: type[T], names: tuple[str, ...]) -> Callable[..., T]: ...
def locator(
    internal: dict[str, bool],
    made: Callable[[str, int, str], T],
    said: ContextVar[Any],
    otherwise: Callable[[], T | None],
) -> Callable[[], T | None]: ...
