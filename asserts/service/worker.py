"""The worker process: reads requests from a socket, answers them, one at a time.

A frame is its length (4 bytes, big endian), then one byte for its kind, then JSON. The server
sends requests (`REQUEST`); the worker answers with any number of events (`EVENT`) and then an
answer (`ANSWER`) or a problem (`PROBLEM`). It limits its own memory and files before it reads
the first one, and ends with its server. Of the lines of code that programs and environments
name only those of installed modules are read: a stranger's file may name any.
"""

from __future__ import annotations

import contextlib
import gc
import json
import linecache
import os
import signal
import socket
import struct
import sys
import sysconfig
import warnings
from collections.abc import Mapping
from typing import Any, Final

from asserts.service.problems import ProblemError, problem_of

__all__ = ["ANSWER", "EVENT", "HEAD", "PROBLEM", "READY", "REQUEST", "main"]

HEAD: Final = struct.Struct(">IB")
READY, REQUEST, ANSWER, PROBLEM, EVENT = range(5)

_FILES: Final = 512
"""Descriptors that a worker may have open."""


class _Line:
    """The worker's end of the connection."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)
        self._file = self._socket.makefile("rb")

    def send(self, kind: int, content: bytes) -> None:
        self._socket.sendall(HEAD.pack(len(content), kind) + content)

    def receive(self) -> bytes | None:
        """The next request; None when the server has gone."""
        head = self._file.read(HEAD.size)
        if len(head) < HEAD.size:
            return None
        length, _ = HEAD.unpack(head)
        content = self._file.read(length)
        return content if len(content) == length else None


def main(descriptor: int, settings: Mapping[str, Any]) -> None:
    """Serve until the connection ends. `settings`: `memory` and `file_size` in bytes,
    `answer_size`, and `preload`, "questions" or "jobs"."""
    _prepare(settings)
    line = _Line(descriptor)
    _preload(settings["preload"])
    gc.collect()
    gc.freeze()
    line.send(READY, b"")
    while (content := line.receive()) is not None:
        _answer(line, content, settings["answer_size"])
        del content
        gc.collect()  # symbols of this question must not be there for the next


def _answer(line: _Line, content: bytes, most: int) -> None:
    def tell(event: Mapping[str, Any]) -> None:
        line.send(EVENT, json.dumps(event).encode())

    try:
        asked = json.loads(content)
        found = _work(asked, tell)
        answer = json.dumps(found, allow_nan=False).encode()
        if len(answer) > most:
            limit = {"limit": f"{most} bytes"}
            raise ProblemError("answer-too-large", f"it has {len(answer)} bytes", limit)
    except BaseException as error:  # (programs of strangers may raise anything)
        line.send(PROBLEM, problem_of(error).content())
    else:
        line.send(ANSWER, answer)


def _work(asked: Mapping[str, Any], tell: Any) -> dict[str, Any]:
    kind = asked["kind"]
    if kind == "question":
        from asserts.service.questions import answers

        return {"schema": 1, "answers": answers(asked["verb"], asked["body"])}
    if kind == "environment":
        from asserts.service.environments import worked_on

        return worked_on(asked["verb"], asked["body"])
    from asserts.service.verbs import worked

    return worked(asked, tell)


# --------------------------------------------------------------------------- the process


def _prepare(settings: Mapping[str, Any]) -> None:
    """Limits of the process; they hold on Linux, other systems keep what they know."""
    warnings.simplefilter("ignore")
    _hide_files()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(ImportError):
        import resource

        limits = {
            resource.RLIMIT_DATA: settings["memory"],
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_FSIZE: settings["file_size"],
            resource.RLIMIT_NOFILE: _FILES,
        }
        for limit, value in limits.items():
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(limit, (value, value))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # (writing fails instead)
    if sys.platform == "linux":
        _end_with_the_server()
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


def _hide_files() -> None:
    """Lines of code are read of installed modules only (torch reads its own)."""
    read = linecache.updatecache
    roots = tuple(
        os.path.join(os.path.realpath(sysconfig.get_path(name)), "")
        for name in ("stdlib", "purelib", "platlib")
    )

    def updatecache(filename: str, module_globals: dict[str, Any] | None = None) -> list[str]:
        own = os.path.realpath(filename)
        return read(own, module_globals) if own.startswith(roots) else []

    linecache.updatecache = updatecache


def _end_with_the_server() -> None:
    import ctypes

    set_death_signal = 1  # PR_SET_PDEATHSIG
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


def _preload(what: str) -> None:
    """Import what the first request needs, and let it be asked once."""
    from asserts.service.questions import answers

    asked = {
        "symbols": ["b:1..64", "unbacked u"],
        "facts": ["u <= 4*b"],
        "claims": ["u < 5*b", "u < b", "u*u - 2*u*b + b*b != 3"],
        "expressions": ["2*u + 1"],
    }
    verbs = ("prove", "bounds", "suggest", "fits", "simplify", "congruence", "guards")
    for verb in verbs if what == "questions" else ():
        answers(verb, asked)
    if what == "jobs":
        import asserts  # noqa: F401
