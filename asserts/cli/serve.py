"""The verb that starts the service: serve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from asserts.cli.answers import reported
from asserts.cli.failures import failure_of
from shapes.errors import ShapeproofError

if TYPE_CHECKING:
    from asserts.service.settings import Settings

__all__ = ["serve"]

_KEYS: Final = "API keys"
_LIMITS: Final = "Limits"

Host = Annotated[str, typer.Option("--host", help="The address to listen on.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port.")]
Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="The database, as a URL of SQLAlchemy; a file in the data folder by default.",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="The folder for programs and the database."),
]
Auth = Annotated[
    str,
    typer.Option(
        "--auth",
        metavar="on|off|auto",
        help="Whether API keys are required; auto: not on a loopback address.",
        rich_help_panel=_KEYS,
    ),
]
AddKey = Annotated[
    str | None,
    typer.Option(
        "--add-key",
        metavar="OWNER",
        help="Make an API key for an owner, print it and exit.",
        rich_help_panel=_KEYS,
    ),
]
Scopes = Annotated[
    str,
    typer.Option("--scopes", help="What the new key allows.", rich_help_panel=_KEYS),
]
Revoke = Annotated[
    str | None,
    typer.Option(
        "--revoke-keys",
        metavar="OWNER",
        help="Revoke all keys of an owner and exit.",
        rich_help_panel=_KEYS,
    ),
]
Allowed = Annotated[
    list[str] | None,
    typer.Option("--allow-host", metavar="NAME", help="A further name of this service."),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, max=64, help="Processes for questions."),
]
Seconds = Annotated[
    float | None,
    typer.Option("--seconds", min=0.1, help="For a question.", rich_help_panel=_LIMITS),
]
Queue = Annotated[
    int | None,
    typer.Option(
        "--queue", min=1, help="Questions that may wait.", rich_help_panel=_LIMITS
    ),
]
JobSeconds = Annotated[
    float | None,
    typer.Option("--job-seconds", min=0.1, help="For a job.", rich_help_panel=_LIMITS),
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--rate", min=0.01, help="Requests a second for each key.", rich_help_panel=_LIMITS
    ),
]
KeepDays = Annotated[
    float | None,
    typer.Option(
        "--keep-days",
        min=0.001,
        help="Days after which programs and jobs are forgotten; never by default.",
    ),
]
Grace = Annotated[
    float,
    typer.Option(
        "--grace",
        min=0,
        help="Seconds for running work when it is stopped.",
        rich_help_panel=_LIMITS,
    ),
]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    store: Store = None,
    data: Data = None,
    auth: Auth = "auto",
    add_key: AddKey = None,
    scopes: Scopes = "read,write",
    revoke_keys: Revoke = None,
    allow_host: Allowed = None,
    workers: Workers = None,
    seconds: Seconds = None,
    queue: Queue = None,
    job_seconds: JobSeconds = None,
    rate: Rate = None,
    grace: Grace = 20.0,
    keep_days: KeepDays = None,
) -> None:
    """Answer questions and work on programs over HTTP, with a page at /."""
    limits = {
        "question_workers": workers,
        "question_seconds": seconds,
        "question_queue": queue,
        "job_seconds": job_seconds,
        "rate": rate,
    }
    base = {"host": host, "port": port, "store": store, "auth": auth, "grace": grace}
    base["keep_days"] = keep_days
    base["hosts"] = tuple(allow_host or ())
    if data is not None:
        base["folder"] = data.absolute()
    try:
        code = _run(_settings(base, limits), add_key, scopes, revoke_keys)
    except Exception as error:
        raise typer.Exit(reported(failure_of(error), "serve", False)) from None
    raise typer.Exit(code)


def _settings(base: dict[str, Any], limits: dict[str, Any]) -> Settings:
    if base["auth"] not in ("on", "off", "auto"):
        raise ShapeproofError(f"--auth {base['auth']}: expected on, off or auto")
    try:
        from asserts.service import run  # noqa: F401
    except ModuleNotFoundError as error:
        raise ShapeproofError(
            f"{error.name} is not installed: the service needs it "
            "(pip install 'shapeproof[service]')"
        ) from None
    from asserts.service.settings import Limits, Settings

    given = {name: value for name, value in limits.items() if value is not None}
    return Settings(**base, limits=Limits(**given))


def _run(settings: Settings, add_key: str | None, scopes: str, revoke: str | None) -> int:
    from asserts.service import run

    if add_key is not None:
        allowed = frozenset(one.strip() for one in scopes.split(","))
        if not allowed or allowed - {"read", "write"}:
            raise ShapeproofError(f"--scopes {scopes}: expected read, write or read,write")
        typer.echo(run.add_key(settings, add_key, allowed))
        return 0
    if revoke is not None:
        typer.echo(f"revoked {run.revoke_keys(settings, revoke)} keys")
        return 0
    return run.serve(settings)
