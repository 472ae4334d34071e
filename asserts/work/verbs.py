"""Jobs and uploads, as a worker does them: a program in a file, to a report and a result.

Paths are the server's own: whatever is said of them is said of the program's name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from asserts.inspection import inspect
from asserts.work.pictures import picture_of
from asserts.work.problems import ProblemError, problem_of
from asserts.work.wording import in_words

__all__ = ["OPTIONS", "key_of", "preload", "work"]

Asked = Mapping[str, Any]
Tell = Callable[[Mapping[str, Any]], None]


OPTIONS: Final[dict[str, tuple[str, ...]]] = {
    "insert": ("policy",),
    "remove": (),
    "minimise": ("policy",),
    "report": ("policy",),
    "verify": ("seed", "trials"),
    "contract": ("sizes",),
}
"""The options of each verb (`verify` of one program takes `policy`, too)."""


def key_of(verb: str, programs: list[str | None], options: Mapping[str, object]) -> str:
    """The hash of all that an answer depends on; of programs, the hashes of their contents."""
    from shapeproof import __version__

    whole = json.dumps([__version__, verb, programs, dict(options)], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()


def preload(_: str) -> None:
    """Import what the first program needs."""
    import asserts  # noqa: F401


def work(asked: Asked, tell: Tell) -> dict[str, Any]:
    """The answer to a request of kind "job" or "inspect". Raises `ProblemError`."""
    programs = asked["programs"]
    try:
        for one in programs:
            tell({"stage": "inspecting", "program": one["name"]})
            inspect(one["path"], one["kind"], asked["unpacked"])
        if asked["kind"] == "inspect":
            return {}
        return _VERBS[asked["verb"]](asked, tell)
    except BaseException as error:
        raise _named(problem_of(error, program=True), programs) from None


def _named(problem: ProblemError, programs: list[dict[str, Any]]) -> ProblemError:
    """The problem, with the programs' names where it has paths."""
    for one in programs:
        problem.detail = problem.detail.replace(one["path"], one["name"])
    return problem


def _loaded(one: Asked, tell: Tell) -> Any:
    from asserts.files import load_program

    tell({"stage": "loading", "program": one["name"]})
    return load_program(one["path"])


def _change(
    change: Callable[[Any, Asked], Any], draw: str
) -> Callable[[Asked, Tell], dict[str, Any]]:
    """A verb that makes another program; the picture is of the one that has the checks, the
    "given" one or the "result"."""

    def worked(asked: Asked, tell: Tell) -> dict[str, Any]:
        from asserts.cli.documents import of_report
        from asserts.files import save_program

        given = _loaded(asked["programs"][0], tell)
        tell({"stage": "working", "verb": asked["verb"]})
        result = change(given, asked["options"])
        tell({"stage": "saving"})
        save_program(result.program, asked["output"])
        drawn = result.program if draw == "result" else given
        return {
            "modified": bool(result.modified),
            "report": of_report(result.report),
            **_drawn(asked, drawn, result.report, result.program),
            "saved": True,
        }

    return worked


MOST_TEXT: Final = 1_000_000
"""Characters of a graph's text in a report."""


def _drawn(asked: Asked, program: Any, report: Any, result: Any = None) -> dict[str, Any]:
    """If it is asked for: the picture of a program with the checks of a report in it, and
    the text of the graph of what came out."""
    from asserts.cli.changes import graph_text

    if not asked["drawn"]:
        return {}
    graph = {} if result is None else {"graph": graph_text(result)[:MOST_TEXT]}
    return {**graph, "picture": picture_of(program, report)}


def _insert(given: object, options: Asked) -> Any:
    import asserts

    return asserts.insert(given, policy=options["policy"])


def _remove(given: object, _: Asked) -> Any:
    import asserts

    return asserts.remove(given)


def _minimise(given: object, options: Asked) -> Any:
    from asserts.cli.changes import minimised

    return minimised(given, options["policy"])


def _report(asked: Asked, tell: Tell) -> dict[str, Any]:
    import asserts
    from asserts.cli.changes import REPORT_TITLE
    from asserts.cli.documents import of_report

    given = _loaded(asked["programs"][0], tell)
    tell({"stage": "working", "verb": "report"})
    found = asserts.report(given, policy=asked["options"]["policy"])
    document = of_report(replace(found, title=REPORT_TITLE))
    return {"report": document, **_drawn(asked, given, found)}


def _verify(asked: Asked, tell: Tell) -> dict[str, Any]:
    import asserts
    from asserts.cli.documents import of_comparison

    options = asked["options"]
    loaded = [_compared(one, tell) for one in asked["programs"]]
    names = [one["name"] for one in asked["programs"]]
    tell({"stage": "working", "verb": "verify"})
    if len(loaded) == 1:  # (loaded anew: a change may share parts with what was given)
        loaded.append(_minimise(_loaded(asked["programs"][0], tell), options).program)
        names.append("minimised")
    found = asserts.verify(
        loaded[0],
        loaded[1],
        seed=options["seed"],
        trials=options["trials"],
        names=(names[0], names[1]),
    )
    return {"programs": names, **of_comparison(found)}


def _compared(one: Asked, tell: Tell) -> Any:
    """A program to compare: of an ONNX model its path, beside which its external data lies."""
    return one["path"] if one["kind"] == "onnx" else _loaded(one, tell)


def _contract(asked: Asked, tell: Tell) -> dict[str, Any]:
    import asserts
    from asserts.cli.documents import of_check, of_contract

    one = asked["programs"][0]
    if one["kind"] != "onnx":
        raise ProblemError("program", "`contract` is for ONNX models")
    given = _loaded(one, tell)
    tell({"stage": "working", "verb": "contract"})
    found = asserts.contract(given)
    sizes = asked["options"]["sizes"]
    document = of_contract(found) if sizes is None else of_check(found, sizes)
    return {**document, "words": [in_words(text) for text in found.texts]}


_VERBS: Final[dict[str, Callable[[Asked, Tell], dict[str, Any]]]] = {
    "insert": _change(_insert, "result"),
    "remove": _change(_remove, "given"),
    "minimise": _change(_minimise, "given"),
    "report": _report,
    "verify": _verify,
    "contract": _contract,
}
