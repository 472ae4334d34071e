"""One server for all tests of a session that change no settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.serving import Server, running


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("service") / "data") as found:
        yield found
        assert found.process.poll() is None, found.log.read_text()[-5000:]
