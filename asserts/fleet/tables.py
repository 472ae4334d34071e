"""All models as a table: one record for each file, and the Parquet file of them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Final

from asserts.files import write_whole
from asserts.fleet.plan import FleetError, Model, Plan, Row

__all__ = ["record_of", "require_pyarrow", "write_parquet"]

Record = dict[str, Any]

_COLUMNS: Final = (
    ("path", "string"), ("kind", "string"), ("size", "int64"), ("sha256", "string"),
    ("key", "string"), ("verb", "string"), ("status", "string"), ("failure", "string"),
    ("detail", "string"), ("seconds", "float64"), ("checks", "int64"), ("redundant", "int64"),
    ("conditions", "int64"), ("verdict", "string"), ("result", "string"), ("answer", "string"),
    ("place", "string"), ("version", "string"),
)  # fmt: skip
"""The columns of the file; those of numbers and texts that do not apply are null."""


def record_of(model: Model, row: Row, plan: Plan) -> Record:
    """One line of the table: a file, and what became of it."""
    from shapeproof import __version__

    answer = row.get("answer", {})
    record = {
        "path": model.path,
        "kind": model.kind,
        "size": model.size,
        "sha256": model.digest or None,
        "key": row.get("key"),
        "verb": plan.verb,
        "status": row["status"],
        "failure": row.get("failure"),
        "detail": row.get("detail"),
        "seconds": row.get("seconds"),
        **_figures(answer),
        "result": _result(row, model, plan) if answer.get("saved") else None,
        "answer": json.dumps(answer) if answer else None,
        "place": row.get("place"),
        "version": __version__,
    }
    return {name: _text(one) if isinstance(one, str) else one for name, one in record.items()}


def _text(value: str) -> str:
    """A text that can be encoded: of a path that is no UTF-8 the other bytes are escaped."""
    return value.encode(errors="backslashreplace").decode()


def _result(row: Row, model: Model, plan: Plan) -> str:
    return os.path.join(plan.results, f"{row['key']}.{model.kind}")


def _figures(answer: Record) -> Record:
    """How many checks there are, how many of them are not needed, and so on."""
    report = answer.get("report")
    counts = {} if report is None else report["counts"]
    redundant = counts.get("proved", 0) + counts.get("removed", 0)
    return {
        "checks": None if report is None else sum(counts.values()),
        "redundant": None if report is None else redundant,
        "conditions": len(answer["conditions"]) if "conditions" in answer else None,
        "verdict": answer.get("verdict"),
    }


def require_pyarrow() -> None:
    """Raises `FleetError` if there is nothing to write Parquet with."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ModuleNotFoundError as error:
        raise FleetError(
            f"{error.name} is not installed: a fleet needs it "
            "(pip install 'shapeproof[fleet]')"
        ) from None


def write_parquet(records: Sequence[Record], path: str) -> None:
    """Write all records, whole or not at all. Raises `OSError`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64()}
    schema = pa.schema([(name, types[kind]) for name, kind in _COLUMNS])
    table = pa.Table.from_pylist(list(records), schema=schema)
    write_whole(path, lambda file: pq.write_table(table, file))
