"""Functions to be traced, named on the command line, and the shapes of their inputs."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from asserts.errors import TraceError, error_text
from asserts.graph.module import GraphModule
from asserts.trace import Spec, trace
from asserts.trace.annotated import annotated_names
from shapes.base import Location, SaidAt

__all__ = ["function_named", "inputs", "module_named", "traced_from"]

F = TypeVar("F", bound=Callable[..., Any])

_ATTRIBUTE = "__shapeproof_inputs__"


def inputs(**specs: Any) -> Callable[[F], F]:
    """Say which shapes a function's parameters have; the function stays as it is.

    The specs are those of `asserts.trace.trace`, and are used where a function is traced by
    name (``shapeproof insert FILE.py:FUNCTION``).
    """

    def marked(function: F) -> F:
        setattr(function, _ATTRIBUTE, dict(specs))
        return function

    return marked


def traced_from(
    text: str, options: Sequence[str] = (), modules: Sequence[str] = ()
) -> GraphModule:
    """The traced program of ``FILE.py:FUNCTION`` or ``MODULE:FUNCTION``.

    The function may be one of a class (``FILE.py:CLASS.METHOD``; an instance is made if that
    needs no arguments). `options` are texts ``NAME=DIM,DIM:DTYPE`` that give shapes
    (dimensions are names, numbers or expressions); a parameter without one needs the
    decorator `inputs`, or a default. `modules` names further modules whose functions belong
    to the program. Modules beside the file can be imported.

    Raises `TraceError` if there is no such function, or if a shape is missing or malformed;
    what the function itself raises comes as it is.
    """
    place, name = _parts(text, "MODEL.pt2, GRAPH.json, FILE.py:FUNCTION or MODULE:FUNCTION")
    given = _specs(options)
    with _importable(place), _not_exiting(text):
        module = _module(place)
        function = _function(module, place, name)
        marked = dict(getattr(function, _ATTRIBUTE, {}))
        positional, named = _arguments(function, name, {**marked, **given})
        further = [_further(one) for one in modules]
        with SaidAt(_place(function, bool(given))):
            return trace(function, *positional, modules=further, **named)


@contextmanager
def function_named(text: str) -> Iterator[Any]:
    """The function ``FILE.py:FUNCTION`` or ``MODULE:FUNCTION``, for the time of the block.

    Raises `TraceError` if there is no such function.
    """
    place, name = _parts(text, "FILE.py:FUNCTION or MODULE:FUNCTION")
    with _importable(place), _not_exiting(text):
        yield _function(_module(place), place, name)


@contextmanager
def module_named(place: str) -> Iterator[ModuleType]:
    """The module ``FILE.py`` or ``MODULE``, for the time of the block; what stands beside it
    can be imported.

    Raises `TraceError` for what cannot be loaded.
    """
    with _importable(place), _not_exiting(place):
        yield _module(place)


def _parts(text: str, wanted: str) -> tuple[str, str]:
    """The module, and the function."""
    place, colon, name = text.rpartition(":")
    if not colon or not place or not name:
        raise TraceError(f"{text!r} is not a program: write {wanted}")
    return place, name


def _place(function: Any, on_command_line: bool) -> Location:
    """Where the shapes of the inputs are stated."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if on_command_line or code is None:
        return Location("--input", 0, "")
    return Location(code.co_filename, code.co_firstlineno, code.co_name)


# --------------------------------------------------------------------------- modules


@contextmanager
def _importable(place: str) -> Iterator[None]:
    """Within the block, what stands beside a file (or for a module: in the current folder)
    can be imported, as if Python ran it; a file's neighbours are forgotten at the end, for
    another file may have others of the same names."""
    is_file = place.endswith(".py")
    folder = os.path.abspath(os.path.dirname(place) if is_file else os.getcwd())
    top = _package(Path(folder))[0] if is_file else folder
    before, path = set(sys.modules), list(sys.path)
    sys.path[:0] = [folder, top]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before if is_file else ():
            if _is_beside(sys.modules[name], top):
                del sys.modules[name]


def _package(folder: Path) -> tuple[str, list[str]]:
    """The package that a folder is, by its parts (none if it isn't a package), and where that
    can be imported from."""
    parts: list[str] = []
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    return str(folder), parts


_OURS = ("shapes", "asserts", "shapeproof")


def _is_beside(module: ModuleType, folder: str) -> bool:
    name, file = str(module.__name__), getattr(module, "__file__", None)
    if file is None or name.partition(".")[0] in _OURS:
        return False
    return os.path.abspath(file).startswith(folder + os.sep) and "site-packages" not in file


@contextmanager
def _not_exiting(text: str) -> Iterator[None]:
    """A program that exits while it is read or traced has no graph."""
    try:
        yield
    except SystemExit as error:
        raise TraceError(
            f"{text}: the program calls sys.exit({error.code!r}) while it is imported or "
            "traced; move what only a script does under `if __name__ == '__main__':`"
        ) from error


def _module(place: str) -> ModuleType:
    if not place.endswith(".py"):
        return _imported(place)
    path = Path(place)
    if not path.is_file():
        what = "this is a folder, not a file" if path.is_dir() else "no such file"
        raise TraceError(f"{place!r}: {what}")
    try:
        return _of_package(path.absolute()) or _of_file(path)
    except Exception as error:
        raise TraceError(f"{place!r} cannot be loaded: {error_text(error)}") from error


def _of_package(path: Path) -> ModuleType | None:
    """The module that a file is in its package, if it is in one: it may import relatively."""
    parts = _package(path.parent)[1]
    if not parts or not path.stem.isidentifier() or path.stem == "__init__":
        return None
    name = ".".join([*parts, path.stem])
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None or not os.path.samefile(found.origin, path):
        return None  # (another package of that name)
    return importlib.import_module(name)


def _of_file(path: Path) -> ModuleType:
    """The module that a file is by itself."""
    spec = importlib.util.spec_from_file_location(_free_name(path.stem), path)
    assert spec is not None
    assert spec.loader is not None  # (its name ends in .py)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TraceError(f"the module {name!r} cannot be imported: {error}") from error
    except Exception as error:
        raise TraceError(
            f"the module {name!r} cannot be imported: {error_text(error)}"
        ) from error


def _further(name: str) -> ModuleType:
    """A module of --module: one that is loaded under a name, or can be."""
    return sys.modules.get(name) or _imported(name)


def _free_name(stem: str) -> str:
    """A name for a module that no other one has."""
    name, count = stem, 0
    while name in sys.modules:
        count += 1
        name = f"{stem}_{count}"
    return name


# --------------------------------------------------------------------------- functions


def _function(module: ModuleType, place: str, name: str) -> Callable[..., Any]:
    """The function of that dotted name; a method is bound to a new instance."""
    owner: Any = None
    found: Any = module
    for part in name.split("."):
        owner = found
        found = getattr(owner, part, None)
        if found is None:
            similar = _similar(owner, part)
            raise TraceError(f"there is no function {name!r} in {place}{similar}")
    if inspect.isclass(found) or not callable(found):
        kind = "a class; name one of its methods" if callable(found) else "not a function"
        raise TraceError(f"{name!r} in {place} is {kind}")
    if inspect.isclass(owner):
        return _bound(owner, name, found)
    function: Callable[..., Any] = found
    return function


def _similar(owner: object, name: str) -> str:
    there = [n for n, value in getattr(owner, "__dict__", {}).items() if callable(value)]
    close = get_close_matches(name, there, 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _bound(owner: type, name: str, found: Callable[..., Any]) -> Callable[..., Any]:
    """What a class has under the name, with an instance if it is a method of instances."""
    last = name.rpartition(".")[2]
    raw = inspect.getattr_static(owner, last)
    if isinstance(raw, (staticmethod, classmethod)) or not inspect.isfunction(found):
        return found
    try:
        inspect.signature(owner).bind()
    except (TypeError, ValueError):
        raise TraceError(
            f"{name!r} is a method, and {owner.__name__}(...) needs arguments: write a "
            "function that creates the instance and calls the method, and name that"
        ) from None
    bound: Callable[..., Any] = getattr(owner(), last)
    return bound


def _arguments(
    function: Callable[..., Any], name: str, specs: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The specs as arguments of `trace`, by position as far as possible (a parameter may be
    called like one of `trace`). Raises `TraceError` for names that are not parameters, and
    for parameters without a spec."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise TraceError(f"the parameters of {name!r} are not known") from None
    _require_known(name, parameters, specs, annotated_names(function))
    left = dict(specs)
    positional: list[Any] = []
    for parameter in parameters:
        by_place = parameter.kind in (
            parameter.POSITIONAL_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        )
        if not by_place or parameter.name not in left:
            break
        positional.append(left.pop(parameter.name))
    return positional, left


def _require_known(
    name: str,
    parameters: Iterable[inspect.Parameter],
    specs: Mapping[str, Any],
    annotated: Collection[str],
) -> None:
    own = list(parameters)
    plain = [p for p in own if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    names = [p.name for p in plain]
    unknown = [given for given in specs if given not in names]
    if unknown and not any(p.kind is p.VAR_KEYWORD for p in own):
        there = f"its parameters are {', '.join(names)}" if names else "it has none"
        raise TraceError(f"{name!r} has no parameter {unknown[0]!r}; {there}")
    known = {*specs, *annotated}
    missing = [p.name for p in plain if p.default is p.empty and p.name not in known]
    if missing:
        raise TraceError(
            f"the shapes of the inputs of {name!r} are not known ({', '.join(missing)}): "
            "decorate it with asserts.inputs(...), or give --input NAME=DIM,DIM:DTYPE"
        )


# --------------------------------------------------------------------------- shapes


def _specs(options: Sequence[str]) -> dict[str, Spec]:
    """The specs by name of parameter. Raises `TraceError` if there are two for one."""
    found: dict[str, Spec] = {}
    for option in options:
        name, spec = _spec(option)
        if name in found:
            raise TraceError(f"--input {option}: the shape of {name!r} is given twice")
        found[name] = spec
    return found


def _spec(option: str) -> tuple[str, Spec]:
    """``tokens=b,128:float64`` as a name and its spec."""
    name, equals, shape = option.partition("=")
    dims, _, dtype = shape.partition(":")
    parts = [part.strip() for part in dims.split(",")]
    if parts[-1] == "":
        parts.pop()  # (of a scalar, or behind the last comma)
    if not equals or not name.isidentifier() or "" in parts:
        raise TraceError(f"--input {option}: expected NAME=DIM,DIM:DTYPE")
    sizes = tuple(int(part) if _is_number(part) else part for part in parts)
    try:
        return name, Spec(sizes, dtype.strip() or "float64")
    except TraceError as error:
        raise TraceError(f"--input {option}: {error}") from error


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 100
