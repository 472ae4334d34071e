"""Programs in files: our saved graphs, functions to be traced, torch's programs, ONNX models.

A file is written beside its place and moved there when it is complete, so that half of
one is never seen, and a failure leaves what was there.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from asserts.dialects.hosts import is_onnx
from asserts.errors import GraphError
from asserts.graph.module import GraphModule
from shapes.errors import ShapeproofError

__all__ = [
    "digest_of",
    "is_saved",
    "load_program",
    "require_model_name",
    "require_output",
    "require_output_name",
    "save_program",
    "write_whole",
]


def load_program(
    text: str, inputs: Sequence[str] = (), modules: Sequence[str] = ()
) -> Any:
    """The program that a person names: a file ``.json``, ``.pt2`` or ``.onnx``, or a function
    to be traced, ``FILE.py:FUNCTION`` or ``MODULE:FUNCTION`` (then `inputs` give shapes, and
    `modules` further modules of the program; see `asserts.trace.sources.traced_from`).

    Raises `OSError` for a file that cannot be read, and an error of ours, naming the program,
    for one that is damaged, of another version or not there.
    """
    if is_saved(text):
        _refuse_options(text, inputs, modules)
        if text.endswith(".onnx"):
            return _onnx_reading(text).load_model(text)
        return torch_files().load(text) if text.endswith(".pt2") else _loaded(text)
    from asserts.trace.sources import traced_from

    return traced_from(text, inputs, modules)


def is_saved(text: str) -> bool:
    """Whether a program is named that was saved, not a function to be traced."""
    return text.endswith((".json", ".pt2", ".onnx"))


def _refuse_options(text: str, inputs: Sequence[str], modules: Sequence[str]) -> None:
    for option, given in (("--input", inputs), ("--module", modules)):
        if given:
            raise GraphError(
                f"{option} {given[0]}: this applies to functions to be traced, but {text} "
                "is a saved program"
            )


def _loaded(path: str) -> GraphModule:
    """One of our graphs, from a file."""
    from asserts.dialects.numpy.codec import load

    try:
        content = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GraphError(
            f"{path} is not a saved graph: byte {error.start} is not UTF-8 text"
        ) from None
    try:
        return load(content)
    except ShapeproofError as error:
        raise GraphError(f"{path}: {error}") from error


def save_program(program: object, path: str) -> None:
    """Save a program under a name that suits it: ``.json`` for our graph modules, ``.pt2`` for
    torch's programs, ``.onnx`` for ONNX models. Raises `GraphError` for another one, or if it
    cannot be saved."""
    require_output(program, path)
    if is_onnx(program):
        from asserts.dialects.onnx.model.saving import serialized

        content = serialized(_onnx_reading(path).load_model(program), path)
        write_whole(path, lambda file: file.write(content))
        return
    if not isinstance(program, GraphModule):
        write_whole(path, lambda file: torch_files().save(program, file))
        return
    from asserts.dialects.numpy.codec import save

    content = save(program).encode("utf-8")
    write_whole(path, lambda file: file.write(content))


def require_output(program: object, path: str) -> None:
    """Raises `GraphError` if the name does not suit what is to be saved under it."""
    ours = isinstance(program, GraphModule)
    suffix = ".json" if ours else ".onnx" if is_onnx(program) else ".pt2"
    if not path.endswith(suffix):
        kind = "one of our graphs" if ours else "a torch program"
        kind = "an ONNX model" if suffix == ".onnx" else kind
        raise GraphError(f"{path!r}: {kind} is saved as a file {suffix}")


def require_output_name(path: str) -> None:
    """Raises `GraphError` for a name under which no program of torch's is saved."""
    if not path.endswith(".pt2"):
        raise GraphError(f"{path!r}: a torch program is saved as a file .pt2")


def require_model_name(path: str) -> None:
    """Raises `GraphError` for a name under which no ONNX model is saved."""
    if not path.endswith(".onnx"):
        raise GraphError(f"{path!r}: an ONNX model is saved as a file .onnx")


def digest_of(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's content, in hexadecimal. Raises `OSError`."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def write_whole(path: str, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a new file beside `path`, then put it in the place of `path`.

    Raises what `write` raises, and `OSError`; the new file is gone then, and what stood at
    `path` is as it was.
    """
    target = os.path.realpath(path)  # (a link stays one)
    folder, name = os.path.split(target)
    if os.path.isdir(target):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    try:
        handle, made = tempfile.mkstemp(prefix=f".{name}.", suffix=".tmp", dir=folder)
    except OSError as error:  # of an unknown name
        raise OSError(error.errno, error.strerror, path) from None
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
        os.chmod(made, _mode(target))
        os.replace(made, target)
    except BaseException as error:
        os.unlink(made)
        if isinstance(error, OSError):  # the disk is full, say: of the file that was meant
            raise OSError(error.errno, error.strerror, path) from error
        raise


def _mode(path: str) -> int:
    """The permissions of what is replaced, or those of any new file."""
    try:
        return os.stat(path).st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _onnx_reading(path: str) -> ModuleType:
    """What reads ONNX models. Raises `GraphError`, naming the file, if onnx is not there."""
    try:
        from asserts.dialects.onnx.model import reading
    except GraphError as error:
        raise GraphError(f"{path}: {error}") from None
    return reading


def torch_files() -> ModuleType:
    """What reads and writes torch's programs. Raises `GraphError` if there is no torch, or
    one of a version that is not supported."""
    try:
        from asserts.dialects.torch.export import files as torch_files
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise GraphError(
            "torch is not installed: a file .pt2 needs it (pip install 'shapeproof[torch]')"
        ) from error
    except ImportError as error:
        raise GraphError(str(error)) from error
    return torch_files
