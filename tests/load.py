"""A load test of the service on loopback: ``python -m tests.load``.

It starts a server, lets 1, 8 and 64 clients ask mixed questions, and prints for each number of
clients the requests per second, the median and the 99th percentile of the answer times, errors
by status, and the memory of the server with its workers before and after. The same questions
are asked in process, with the same library, for comparison. Both requests and time are bounded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asserts.service.questions import answers
from tests.service.serving import Server, running

KNOWN = {"symbols": ["b:1..64", "unbacked u", "k"], "facts": ["u <= 4*b", "k % 8 == 0"]}
QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("prove", {**KNOWN, "claims": "u < 5*b"}),
    ("prove", {**KNOWN, "claims": "u < b"}),
    ("prove", {**KNOWN, "claims": "k//8*8 == k"}),
    ("prove", {**KNOWN, "claims": ["u <= 256", "b >= 1", "k >= 0"]}),
    ("bounds", {**KNOWN, "expressions": "2*u + 1"}),
    ("simplify", {**KNOWN, "expressions": "(b*8 + k - k)//8"}),
    ("congruence", {**KNOWN, "expressions": "3*k + 1"}),
    ("fits", {**KNOWN, "expressions": "u*b*k"}),
)
"""Questions of people, none of which needs the solver."""


@dataclass
class Figures:
    """What a number of clients has seen; times are in seconds."""

    clients: int
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: tuple[int, int] = (0, 0)

    @property
    def errors(self) -> int:
        """Answers that were neither right nor "come again"."""
        return sum(n for status, n in self.statuses.items() if status not in (200, 429))

    def line(self) -> str:
        ordered = sorted(self.times)
        p50, p99 = (ordered[int(len(ordered) * q)] * 1000 for q in (0.5, 0.99))
        errors = {s: n for s, n in sorted(self.statuses.items()) if s != 200}
        before, after = (n / 2**20 for n in self.memory)
        return (
            f"{self.clients:>7} {len(self.times):>9} {len(self.times) / self.seconds:>9.0f} "
            f"{p50:>8.2f} {p99:>8.2f}  {before:>5.0f} -> {after:>4.0f}  {errors or 'none'}"
        )


HEAD = "clients  requests  requests/s  p50 ms  p99 ms  memory MiB      errors"


async def client(port: int, order: Sequence[int], end: float, figures: Figures) -> None:
    """One client, which asks on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    requests = [_request(verb, body) for verb, body in QUESTIONS]
    try:
        for index in order:
            if time.monotonic() > end:
                return
            started = time.perf_counter()
            writer.write(requests[index % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            lowered = head.lower()
            length = int(lowered.split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            figures.times.append(time.perf_counter() - started)
            status = int(head.split(b" ", 2)[1])
            figures.statuses[status] += 1
            if b"connection: close" in lowered:
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            if status == 429:  # (the service asks for a second; this is a load test)
                await asyncio.sleep(0.05)
    finally:
        writer.close()


def _request(verb: str, body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"POST /v1/{verb} HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def load(server: Server, clients: int, requests: int, seconds: float) -> Figures:
    """So many requests of all clients together, or as many as the time allows."""
    figures = Figures(clients)
    before = memory(server)
    started = time.monotonic()
    each = max(1, requests // clients)
    await asyncio.gather(
        *(
            client(server.port, range(n, n + each), started + seconds, figures)
            for n in range(clients)
        )
    )
    figures.seconds = time.monotonic() - started
    figures.memory = (before, memory(server))
    return figures


def memory(server: Server) -> int:
    """Bytes that the server and its workers have in memory."""
    total = 0
    for pid in (server.process.pid, *server.workers()):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        (own,) = [line for line in lines if line.startswith("VmRSS")] or ["VmRSS: 0 kB"]
        total += int(own.split()[1]) * 1024
    return total


def in_process(requests: int) -> list[float]:
    """The times of the same questions without a service (answers as JSON, as it makes them)."""
    times = []
    for index in range(requests):
        verb, body = QUESTIONS[index % len(QUESTIONS)]
        started = time.perf_counter()
        json.dumps({"schema": 1, "answers": answers(verb, body)})
        times.append(time.perf_counter() - started)
    return times


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the exit code is 1 if there was an error other than 429."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--requests", type=int, default=4000, help="for each number of clients")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each at most")
    parser.add_argument(
        "--soak", type=float, default=0.0, help="seconds of 8 clients at the end, for memory"
    )
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    limits = {"question_workers": options.workers}
    bad = 0
    with tempfile.TemporaryDirectory() as folder, running(
        Path(folder) / "data", limits=limits
    ) as server:
        asyncio.run(load(server, 1, 200, 20.0))  # (warm)
        in_process(200)
        alone: list[float] = []
        served = Figures(1)
        for _ in range(5):  # by turns, because the machine is not ours alone
            alone += in_process(options.requests // 10)
            found = asyncio.run(load(server, 1, options.requests // 10, options.seconds))
            served.times += found.times
        own, theirs = (statistics.median(times) * 1000 for times in (alone, served.times))
        print(f"in process: p50 {own:.2f} ms; one client: p50 {theirs:.2f} ms; ", end="")
        print(f"overhead {theirs - own:.2f} ms\n\n{HEAD}")
        for clients in options.clients:
            figures = asyncio.run(load(server, clients, options.requests, options.seconds))
            print(figures.line(), flush=True)
            bad += figures.errors
        if options.soak:
            figures = asyncio.run(load(server, 8, 10**9, options.soak))
            print(f"\n{options.soak:g} seconds:\n{figures.line()}", flush=True)
            bad += figures.errors
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
