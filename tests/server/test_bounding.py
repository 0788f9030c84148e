from __future__ import annotations

import pytest
from pydantic import BaseModel

from explib.errors import InvalidInput, UnknownLibrary
from explib_server.render.bounds import RESULT_TOKENS, SHOWN_REASONS, clipped, commonest, page


class Line(BaseModel):
    text: str


def test_a_page_has_what_fits_and_at_least_one_line() -> None:
    short, long = Line(text="a short line"), Line(text="word " * RESULT_TOKENS * 2)
    assert page([short] * 5, 3) == [short] * 3
    assert page([short] * 5, 50) == [short] * 5
    assert page([long] * 3, 50) == [long]
    assert page([short, long, short], 50) == [short]
    assert page(list[Line](), 50) == []
    for limit in (0, -1, 201):
        with pytest.raises(InvalidInput, match="pass a number from 1 to 200"):
            page([short], limit)


def test_reasons_that_begin_alike_are_counted_together_when_they_are_cut() -> None:
    long = "the model failed: " + "x" * 300
    found = commonest({f"{long}{number}": 2 for number in range(5)} | {f"reason {number}": 1 for number in range(30)})
    assert len(found) == SHOWN_REASONS
    assert found[clipped(long)] == 10


def test_an_unknown_library_names_some_that_there_are() -> None:
    assert "Known: a, b. Pass" in str(UnknownLibrary.among("x", ["a", "b"]))
    assert "Known: none yet." in str(UnknownLibrary.among("x", []))
    said = str(UnknownLibrary.among("x" * 500, [f"library-{number}" for number in range(1_000)]))
    assert "library-19 and 980 more. Pass" in said
    assert len(said) < 600
