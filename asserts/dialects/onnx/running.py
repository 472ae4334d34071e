"""Models in onnxruntime, here or apart, which is in a process of its own.

Some operators end the process of onnxruntime where an operand has no elements. Models with one
of them run apart; a process that has ended is started anew for the next inputs. Run as a
program, this module is that process: it reads pickles, of the model and then of inputs, and
writes what comes of them. External data is read by onnxruntime, from the folder it lies in.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from onnx import ModelProto

from asserts.dialects.onnx.answers.contract import FATAL
from asserts.dialects.onnx.checks.writing import graphs_of
from asserts.dialects.onnx.model.saving import external, require_external
from asserts.errors import GraphError, InputError

__all__ = ["ADVICE", "ENDING", "Session", "opened"]

ADVICE: Final = "name the model by its path, with that file beside it"

ENDING: Final = FATAL | {
    "DecoderMaskedMultiHeadAttention", "Einsum", "InstanceNormalization", "Scan", "Unique",
}  # fmt: skip
"""Operators that end the process where something is empty (not known to be all of them)."""

FOLDER: Final = "session.model_external_initializers_file_folder_path"
"""The setting of a session that names the folder with external data."""


class Session(Protocol):
    """A model that can be run."""

    def run(self, names: Sequence[str] | None, given: Mapping[str, Any]) -> list[Any]:
        """The values of those names, or all results; raises if the inputs are rejected."""


def opened(model: ModelProto, folder: str | None = None) -> Session:
    """The model in onnxruntime, with external data in a folder.

    Raises `GraphError` if onnxruntime is not installed, or external data is not there, and
    whatever onnxruntime raises for a model that it does not load.
    """
    outside = next(external(model.graph), None) is not None
    if outside:
        require_external(model, folder, "", ADVICE)
    content, where = model.SerializeToString(), folder if outside else None
    graphs = [*graphs_of(model.graph), *model.functions]
    if any(node.op_type in ENDING for graph in graphs for node in graph.node):
        return _Apart(content, where)
    session: Session = _session(content, where)
    return session


def _session(content: bytes, folder: str | None) -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise GraphError("onnxruntime is not installed: models run in it") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if folder is not None:
        options.add_session_config_entry(FOLDER, folder)
    return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])


# ------------------------------------------------------------------------ apart


class _Apart:
    """A model that runs in a process of its own."""

    def __init__(self, content: bytes, folder: str | None) -> None:
        self._model = content, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "asserts.dialects.onnx.running"]
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
        )
        self._answer(self._model)

    def run(self, names: Sequence[str] | None, given: Mapping[str, Any]) -> list[Any]:
        if self._process is None:
            self._start()
        found: list[Any] = self._answer((names, dict(given)))
        return found

    def _answer(self, asked: Any) -> Any:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            pickle.dump(asked, process.stdin)
            process.stdin.flush()
            error, answer = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            self.close()
            raise InputError(
                f"onnxruntime ended its process ({process.returncode}): perhaps an operator "
                "cannot bear that an operand has no elements"
            ) from None
        except BaseException:  # (interrupted: the next answer would be that to this question)
            process.kill()
            self.close()
            raise
        if error is not None:
            raise error
        return answer

    def close(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):  # (what is left of a question, nobody reads)
                        pipe.close()
            process.wait()

    def __del__(self) -> None:
        self.close()


def main() -> None:
    """Read a model, then inputs, from standard input; write what comes of each."""
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # (whatever else is printed is no answer)
    session: Any = None
    while True:
        try:
            asked = pickle.load(source)
        except EOFError:
            return
        answer: tuple[Exception | None, Any]
        try:
            if session is None:
                session, answer = _session(*asked), (None, None)
            else:
                answer = None, session.run(*asked)
        except GraphError as error:
            answer = error, None
        except Exception as error:  # onnxruntime's errors have no class of their own
            answer = RuntimeError(str(error)), None
        pickle.dump(answer, target)
        target.flush()


if __name__ == "__main__":
    main()
