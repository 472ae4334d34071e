"""The models of some paths: files, and all models in folders."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

from asserts.files import digest_of
from asserts.fleet.plan import FleetError, Model
from asserts.inspection import KINDS, kind_of

__all__ = ["models_of"]

_GRAPH = b'"shapeproof-graph"'
_HEAD = 400
"""Bytes within which one of our graphs says that it is one."""


def models_of(
    paths: Sequence[str], verb: str, apart: str, seen: Callable[[int], None]
) -> list[Model]:
    """The models of files and folders, each file once, in order of their paths.

    Of a folder those files are taken that can be models for the verb (`contract`: ONNX models
    only; JSON only where it is one of our graphs), in folders below too, not through links,
    and not in the folder `apart`. A file that is named is taken in any case. `seen` is told
    how many there are so far. Raises `GraphError` for a file of another kind, and `FleetError`
    for a path where nothing is, or if there is no model at all.
    """
    found: dict[str, Model] = {}
    for path in paths:
        for file in _files(path, verb, os.path.realpath(apart)):
            own = os.path.abspath(file)
            if own not in found:
                found[own] = _model(own)
                seen(len(found))
    if not found:
        raise FleetError(f"there is no model in {', '.join(paths)}")
    return [found[path] for path in sorted(found)]


def _files(path: str, verb: str, apart: str) -> Iterator[str]:
    if not os.path.isdir(path):
        if not os.path.exists(path):
            raise FleetError(f"{path}: there is no such file or folder")
        kind_of(path)
        yield path
        return
    for folder, inner, names in os.walk(path):
        if os.path.realpath(folder) == apart:
            inner.clear()
            continue
        for name in names:
            if _is_model(os.path.join(folder, name), verb):
                yield os.path.join(folder, name)


def _is_model(path: str, verb: str) -> bool:
    if not path.endswith(".onnx" if verb == "contract" else tuple(KINDS)):
        return False
    if not os.path.isfile(path):
        return False
    if not path.endswith(".json"):
        return True
    try:
        with open(path, "rb") as file:
            return _GRAPH in file.read(_HEAD)
    except OSError:
        return False


def _model(path: str) -> Model:
    kind = kind_of(path)
    try:
        about = os.stat(path)
        digest = digest_of(path)
    except OSError as error:
        return Model(path, kind, problem=str(error.strerror))
    return Model(path, kind, about.st_size, about.st_mtime_ns, digest)
