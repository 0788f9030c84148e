from __future__ import annotations

from explib_learner.checks.clauses import clauses


def test_a_letter_whose_small_form_is_two_characters_moves_no_break() -> None:
    plain, dotted = (clauses(f"ask for the {city} code, then close the case") for city in ("Izmir", "İzmir"))
    assert [clause.text for clause in dotted] == ["ask for the İzmir code", "close the case"]
    assert [clause.text.replace("İ", "I") for clause in dotted] == [clause.text for clause in plain]
