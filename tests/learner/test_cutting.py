from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from explib_learner.prompting.truncation import LEAST_TOKENS, Piece, clipped, clipped_to_tokens, cut, fits, total_tokens

BODIES = st.text(max_size=60) | st.builds(lambda text, count: text * count, st.text(min_size=1), st.integers(1, 400))


@st.composite
def transcripts(draw: st.DrawFn) -> list[Piece]:
    bodies = draw(st.lists(BODIES, min_size=1, max_size=30))
    last = len(bodies) - 1
    return [Piece(f"[{at + 1}] tool:", body, draw(st.booleans()), at in (0, last)) for at, body in enumerate(bodies)]


@given(transcripts(), st.integers(LEAST_TOKENS, 4_000))
def test_the_cut_fits_and_keeps_first_and_last_step(pieces: list[Piece], budget: int) -> None:
    kept = cut(pieces, budget)
    assert total_tokens(kept) <= budget
    assert kept[0].head == pieces[0].head
    assert kept[-1].head == pieces[-1].head


@given(transcripts())
def test_what_fits_is_not_cut(pieces: list[Piece]) -> None:
    assert cut(pieces, total_tokens(pieces) + 1) == tuple(pieces)


def test_the_middle_of_tool_results_goes_first() -> None:
    said = "I think about it. " * 20
    pieces = [Piece("[1] user:", said), Piece("[2] tool:", "HEAD" + "data " * 5_000 + "TAIL", bulk=True)]
    kept = cut(pieces, 500)
    assert kept[0] == pieces[0]
    assert kept[1].body.startswith("HEAD")
    assert kept[1].body.endswith("TAIL")
    assert "characters left out" in kept[1].body


def test_as_much_is_kept_as_fits() -> None:
    pieces = [Piece("[1] tool:", "word " * 5_000, bulk=True)]
    assert total_tokens(cut(pieces, 1_000)) > 980


def test_steps_are_left_out_from_the_middle_and_it_is_said() -> None:
    pieces = [Piece(f"[{at}] assistant:", "some words " * 15, pinned=at in (0, 99)) for at in range(100)]
    kept = cut(pieces, 1_500)
    heads = [piece.head for piece in kept]
    assert heads[:2] == ["[0] assistant:", "[1] assistant:"]
    assert heads[-1] == "[99] assistant:"
    assert sum("steps left out" in head for head in heads) == 1


@given(st.text(), st.integers(0, 100))
def test_clipping_never_lengthens(text: str, size: int) -> None:
    assert len(clipped(text, size)) <= max(len(text), size + 40)


def test_a_text_is_clipped_to_tokens() -> None:
    assert fits([Piece("", clipped_to_tokens("word " * 1_000, 100))], 100)
    assert clipped_to_tokens("short", 100) == "short"
