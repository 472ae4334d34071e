"""Exported programs in files.

Files are read by `torch.export.load` alone, and held to data: `asserts.inspection` refuses a
file that could run code when it is loaded, and torch reads a copy that has the inspected
entries and nothing else. torch tells what is wrong with a file only in its log; here it is
part of the error.

What was decided while the program was traced is in the file, too, for its report.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import threading
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from asserts.dialects import torch as torch_dialect  # first: it looks at torch's version

# isort: split
import torch
from torch.export import ExportedProgram

from asserts.dialects.torch.export.decisions import (
    KEPT_AS,
    kept_decisions,
    note_decision,
    read_decisions,
)
from asserts.dialects.torch.export.programs import shape_env_of
from asserts.errors import GraphError
from asserts.inspection import inspect, rewritten

__all__ = ["load", "save"]


def load(path: str | os.PathLike[str]) -> ExportedProgram:
    """The exported program in a file.

    Raises `OSError` if the file cannot be read, and `GraphError`, naming the file, if it is
    damaged, is not an exported program, or was saved by a torch whose files this one cannot
    read; `UnsafeError` if loading it could run code that the file names (see
    `asserts.inspection`).
    """
    name = os.fspath(path)
    with Path(path).open("rb"):
        pass  # a file that cannot be read raises what the system says
    if not zipfile.is_zipfile(name):
        raise GraphError(
            f"{name} is damaged, or is not a program that torch.export.save has written: "
            "it is not an archive"
        )
    extra: dict[str, str | bytes] = {KEPT_AS: ""}  # (torch drops an empty one)
    with tempfile.TemporaryDirectory(prefix="shapeproof-") as folder, _reading() as logged:
        copy = os.path.join(folder, "inspected.pt2")
        _inspected(name, copy)
        try:
            program = torch.export.load(copy, extra_files=extra)
        except Exception as error:  # torch raises whatever it stumbles over
            why = _last_line(logged[-1] if logged else error).replace(copy, name)
            raise GraphError(_refusal(name, _saved_by(copy), why)) from error
    _read_decisions(program, extra[KEPT_AS], name)
    return program


def _read_decisions(program: ExportedProgram, text: str | bytes, name: str) -> None:
    """Give the program back what was decided when it was traced."""
    if not text:
        return
    try:
        found = read_decisions(text if isinstance(text, str) else text.decode())
    except (GraphError, UnicodeDecodeError) as error:
        raise GraphError(f"{name} is damaged: {error}") from error
    shape_env = shape_env_of(program.graph_module)
    for one in found if shape_env is not None else ():
        note_decision(shape_env, one)


def _refusal(name: str, saved_by: str | None, why: str) -> str:
    here = torch.__version__.split("+")[0]
    if saved_by is not None and saved_by.split("+")[0] != here:
        return (
            f"{name} was saved by torch {saved_by} and cannot be loaded by torch {here}: "
            f"export it again with torch {torch_dialect.SUPPORTED} ({why})"
        )
    return f"{name} cannot be loaded: {why}"


def _last_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    if "weights_only" in text:
        return "it holds objects that are no data, and loading them may run any code"
    return text.splitlines()[-1].strip()


_LEAST_LIMIT: Final = 1 << 30


def _inspected(name: str, copy: str) -> None:
    """Copy the entries of the archive, and inspect the copy."""
    unpacked = max(_LEAST_LIMIT, 4 * os.path.getsize(name))  # (torch does not compress)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # (of entries with one name, which are refused)
            rewritten(name, copy, unpacked)
        inspect(copy, "pt2", unpacked)
    except GraphError as error:
        raise type(error)(f"{name} is refused: {error}") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise GraphError(f"{name} is damaged: {error}") from None


def _saved_by(copy: str) -> str | None:
    """The version of torch that has saved an archive, which was inspected."""
    with zipfile.ZipFile(copy) as archive:
        model = next(e for e in archive.namelist() if "/models/" in e)
        version = json.loads(archive.read(model)).get("torch_version")
    return version if isinstance(version, str) else None


_LOCK = threading.Lock()
_SAFE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
_UNSAFE = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


@contextmanager
def _reading() -> Iterator[list[BaseException]]:
    """torch loads nothing but data inside the block, and what it only logs is collected."""
    logged: list[BaseException] = []

    class Collector(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            if record.exc_info and record.exc_info[1] is not None:
                logged.append(record.exc_info[1])
            return False

    loggers = [
        logging.getLogger(name)
        for name in ("torch.export", "torch._export.serde.serialize")
    ]
    collector = Collector()
    with _LOCK:
        before = {name: os.environ.pop(name, None) for name in (_SAFE, _UNSAFE)}
        os.environ[_SAFE] = "1"
        for logger in loggers:
            logger.addFilter(collector)
        try:
            yield logged
        finally:
            for logger in loggers:
                logger.removeFilter(collector)
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


def save(program: ExportedProgram, file: IO[bytes]) -> None:
    """Write a program. Raises `GraphError` if torch cannot save it."""
    try:
        kept = kept_decisions(shape_env_of(program.graph_module))
        torch.export.save(program, file, extra_files=None if kept is None else {KEPT_AS: kept})
    except OSError:
        raise
    except Exception as error:
        first = str(error).strip().splitlines()[:1]
        raise GraphError(f"torch cannot save the program: {''.join(first)}") from error
