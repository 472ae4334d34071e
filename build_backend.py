"""The build backend: setuptools', and the decision whether the kernel is compiled (PEP 517).

A wheel, and so ``pip install .``, is compiled where that can be done, and otherwise has the
same sources alone. ``SHAPEPROOF_COMPILE`` decides: with 1 the build fails where it cannot
compile, with 0 nothing is compiled and no compiler looked for. Editable installs stay
interpreted, whatever the variable says. What is compiled, and how, is in ``setup.py``.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    get_requires_for_build_editable,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

MYPYC = "mypy[mypyc]==2.4.1"
"""Pinned: what is compiled depends on it."""

VARIABLE = "SHAPEPROOF_COMPILE"
"""What people set to decide; ``setup.py`` compiles if it is 1."""

PROGRAM = "#include <Python.h>\nint shapeproof_probe(void) { return Py_IsInitialized(); }\n"

Settings = Mapping[str, Any] | None


def asked() -> bool | None:
    """True or False where somebody decided; None where the machine does."""
    said = os.environ.get(VARIABLE, "")
    if said not in ("", "0", "1"):
        raise ValueError(f"{VARIABLE} is 0, 1 or not set, not {said!r}")
    return None if said == "" else said == "1"


def can_compile() -> bool:
    """Whether a C compiler and Python's headers are there, and work."""
    if sys.implementation.name != "cpython":
        return False
    try:
        from setuptools._distutils.ccompiler import new_compiler
        from setuptools._distutils.sysconfig import customize_compiler, get_python_inc

        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "probe.c")
            source.write_text(PROGRAM)
            compiler = new_compiler()
            customize_compiler(compiler)
            compiler.compile([str(source)], folder, include_dirs=[get_python_inc()])
    except Exception as error:  # whatever a compiler that is not there raises
        _note(error)
        return False
    return True


def _note(error: BaseException) -> None:
    sys.stderr.write(f"shapeproof: nothing is compiled: {error}\n")


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """What is needed to build a wheel: the compiler of Python's sources, if it is used."""
    needed = list(build_meta.get_requires_for_build_wheel(config_settings))
    said = asked()
    return [*needed, MYPYC] if said or (said is None and can_compile()) else needed


def build_wheel(
    wheel_directory: str,
    config_settings: Settings = None,
    metadata_directory: str | None = None,
) -> str:
    """A wheel: compiled if it must be, or may be and can be."""
    said = asked()

    def built(compiled: bool) -> str:
        os.environ[VARIABLE] = "1" if compiled else "0"
        arguments = (wheel_directory, config_settings, metadata_directory)
        return str(build_meta.build_wheel(*arguments))

    try:
        if said is None:
            try:
                if can_compile():
                    return built(True)
            except (Exception, SystemExit) as error:  # (setuptools ends its own process)
                _note(error)
        return built(bool(said))
    finally:
        if said is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = str(int(said))
