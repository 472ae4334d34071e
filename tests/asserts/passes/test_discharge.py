"""Discharge: program order, trading at one point, policies, definedness, enforced premises."""

from __future__ import annotations

import pytest

import asserts
from asserts.conditions.report import Report
from tests.asserts.hand_built import module_with_reads


def _outcomes(report: Report) -> dict[str, str]:
    return {row.condition: row.outcome for row in report}


def test_checks_at_one_point_are_traded() -> None:
    module, env = module_with_reads()
    env.check("u0 >= 1")
    env.check("u0 >= 5")
    env.check("u0 <= 90")
    env.check("u0 <= 100")

    found = _outcomes(asserts.insert(module).report)

    assert found["u0 >= 1"] == "discharged"
    assert found["u0 >= 5"] == "inserted"
    assert found["u0 <= 90"] == "inserted"
    assert found["u0 <= 100"] == "discharged"


def test_a_later_check_never_discharges_an_earlier_one() -> None:
    module, env = module_with_reads()
    env.check("b >= 4")
    env.check("u0 == 3 * b and u0 >= 12")

    report = asserts.insert(module, policy="strict").report

    found = _outcomes(report)
    assert found["b >= 4"] == "inserted"
    # behind u0 the bound on b is known, so the bound on u0 follows
    assert found["u0 >= 12"] == "discharged"


def test_what_the_program_order_makes_known_discharges() -> None:
    module, env = module_with_reads()
    env.check("u0 <= 128")
    env.check("u0 * b <= 64 * 128")
    env.check("u0 * b <= 64 * 128 - 1")
    env.check("u0 * b >= 0")

    found = _outcomes(asserts.insert(module).report)

    assert found["u0 * b <= 64 * 128"] == "discharged"
    assert found["u0 * b <= 64 * 128 - 1"] == "inserted"
    assert found["u0 * b >= 0"] == "inserted"


def test_a_users_check_is_not_discharged_by_an_operations() -> None:
    for policy, outcome in (("preserve-user", "inserted"), ("strict", "discharged")):
        module, env = module_with_reads()
        env.check("u0 <= 10", origin="operation", operation="np.take")
        env.check("u0 <= 20", "mine")
        found = _outcomes(asserts.insert(module, policy=policy).report)  # type: ignore[arg-type]
        assert found["u0 <= 20"] == outcome


def test_keep_all_keeps_all() -> None:
    module, env = module_with_reads()
    env.check("u0 <= 10")
    env.check("u0 <= 20")

    report = asserts.insert(module, policy="keep-all").report

    assert {row.outcome for row in report} == {"inserted"}


def test_operation_guarantees_need_no_check() -> None:
    module, env = module_with_reads()
    env.guarantee("u0 >= 0", operation="max of counts", node="item")
    env.check("u0 >= -3", "not too small")

    rows = {row.condition: row for row in asserts.insert(module).report}

    assert rows["u0 >= -3"].outcome == "discharged"
    assert "u0 >= 0" not in rows
    assert rows["u0 >= -3"].proof is not None
    assert "max of counts" in rows["u0 >= -3"].proof.facts[0].provenance


def test_a_check_that_may_have_no_value_is_kept() -> None:
    module, env = module_with_reads()
    env.check("u0 // u0 == 1")

    found = _outcomes(asserts.insert(module).report)

    assert found == {
        "b >= 1": "inserted",
        "b <= 64": "inserted",
        "tokens.shape[1] == 128": "inserted",
        "b == lengths.shape[0]": "inserted",
        "u0 // u0 == 1": "inserted",
    }


def test_an_assumption_is_enforced_before_it_discharges() -> None:
    module, env = module_with_reads()
    env.assume("b >= 10")
    env.check("b >= 7")

    found = _outcomes(asserts.insert(module).report)

    assert found["b >= 10"] == "inserted"
    assert found["b >= 7"] == "discharged"
    assert found["b >= 1"] == "discharged"


def test_an_unknown_policy_is_named() -> None:
    module, _ = module_with_reads()
    with pytest.raises(ValueError, match="lenient"):
        asserts.insert(module, policy="lenient")  # type: ignore[arg-type]


def test_the_report_tells_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    module, env = module_with_reads()
    env.check("u0 >= 5")
    env.check("u0 >= 1")
    report = asserts.insert(module).report

    text = str(report)

    assert "proved" in text
    assert "from u0 >= 5" in text
    assert "<table>" in report._repr_html_()
    assert report.summary().startswith("insert runtime asserts: 5 inserted, 1 proved")
