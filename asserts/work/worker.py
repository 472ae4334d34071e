"""The worker process: reads requests from a socket, answers them, one at a time.

A frame is its length (4 bytes, big endian), then one byte for its kind, then JSON. The server
sends requests (`REQUEST`); the worker answers with any number of events (`EVENT`) and then an
answer (`ANSWER`) or a problem (`PROBLEM`). An empty request only asks whether the worker lives
(`READY`). It limits its own memory and files before it reads the first one, and ends with its
server. Of the lines of code that programs and environments name only those of installed
modules are read: a stranger's file may name any.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import linecache
import os
import signal
import socket
import struct
import sys
import sysconfig
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, cast

from asserts.work.problems import ProblemError, problem_of

__all__ = ["ANSWER", "EVENT", "HEAD", "PROBLEM", "READY", "REQUEST", "Serving", "main"]

HEAD: Final = struct.Struct(">IB")
READY, REQUEST, ANSWER, PROBLEM, EVENT = range(5)

_FILES: Final = 512
"""Descriptors that a worker may have open."""


class Serving(Protocol):
    """A module whose work is done in worker processes."""

    def preload(self, what: str) -> None:
        """Import what the first request needs; `what` kind of requests will come."""

    def work(
        self, asked: Mapping[str, object], tell: Callable[[Mapping[str, Any]], None]
    ) -> dict[str, Any]:
        """The answer to a request; meanwhile `tell` sends events. May raise anything."""


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
    """Serve until the connection ends. `settings`: `memory`, `file_size` and `answer_size` in
    bytes; `serves`, the name of the module of ours that does the work (`Serving`); and
    `preload`, which it is told before the first request."""
    _prepare(settings)
    line = _Line(descriptor)
    serving = cast(Serving, importlib.import_module(settings["serves"]))
    serving.preload(settings["preload"])
    gc.collect()
    gc.freeze()
    line.send(READY, b"")
    while (content := line.receive()) is not None:
        if not content:
            line.send(READY, b"")
            continue
        _answer(line, serving, content, settings["answer_size"])
        del content
        gc.collect()  # symbols of this question must not be there for the next


def _answer(line: _Line, serving: Serving, content: bytes, most: int) -> None:
    def tell(event: Mapping[str, object]) -> None:
        line.send(EVENT, json.dumps(event).encode())

    try:
        asked = json.loads(content)
        found = serving.work(asked, tell)
        answer = json.dumps(found, allow_nan=False).encode()
        if len(answer) > most:
            limit = {"limit": f"{most} bytes"}
            raise ProblemError("answer-too-large", f"it has {len(answer)} bytes", limit)
    except BaseException as error:  # (programs of strangers may raise anything)
        line.send(PROBLEM, problem_of(error).content())
    else:
        line.send(ANSWER, answer)


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
