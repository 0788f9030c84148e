from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from explib.models.experiences import ExperienceStatus, Lesson
from explib.retrieval import bm25
from explib.retrieval.bm25 import Postings
from explib.retrieval.memory import MemoryIndex, prepare
from explib.retrieval.ranking import at_least_the
from explib.retrieval.vectors import Vectors
from explib.text.words import terms

WORDS = ("parcel", "refund", "angry", "customer", "lock", "退款", "返金", "คืนเงิน", "policy", "when")
DIMENSIONS = 70
"""Neither a multiple of 64 nor of 8."""

Operations = list[tuple[int, tuple[str, ...], bool]]
"""Number of an experience, its new words, whether it is retired instead."""
REVISIONS: st.SearchStrategy[list[Operations]] = st.lists(
    st.lists(
        st.tuples(
            st.integers(1, 12), st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(tuple), st.booleans()
        ),
        max_size=6,
    ),
    min_size=1,
    max_size=8,
)


def vector_of(text: str) -> NDArray[np.float32]:
    """A direction for each text, the same for the same text; near each other for texts that share words."""
    total = np.zeros(DIMENSIONS, np.float32)
    for word in text.split():
        total += np.random.default_rng(WORDS.index(word)).standard_normal(DIMENSIONS, np.float32)
    unit: NDArray[np.float32] = total / np.linalg.norm(total)
    return unit


def lesson(number: int, words: tuple[str, ...], version: int = 1, status: ExperienceStatus = "active") -> Lesson:
    return Lesson(f"e{number}", " ".join(words), status, version)


def put(held: MemoryIndex, lessons: list[Lesson], retired: list[str]) -> None:
    vectors = np.array([vector_of(each.content) for each in lessons], np.float32).reshape(-1, DIMENSIONS)
    held.change(prepare(lessons), retired, vectors)


def grown(revisions: list[Operations]) -> tuple[MemoryIndex, dict[str, Lesson]]:
    """A library that went through the revisions one by one, and what it should hold in the end."""
    held, expected = MemoryIndex(), dict[str, Lesson]()
    for version, operations in enumerate(revisions):
        changed: dict[str, Lesson] = {}
        retired: dict[str, None] = {}
        for number, words, retire in operations:
            changed.pop(f"e{number}", None)
            retired.pop(f"e{number}", None)
            if retire:
                retired[f"e{number}"] = None
            else:
                changed[f"e{number}"] = lesson(number, words, version)
        put(held, list(changed.values()), list(retired))
        expected.update(changed)
        for identity in retired:
            expected.pop(identity, None)
    return held, expected


@given(REVISIONS, st.lists(st.sampled_from(WORDS), min_size=1, max_size=4), st.integers(1, 15))
def test_a_library_that_grew_by_revisions_answers_like_one_that_was_read_at_once(
    revisions: list[Operations], asked: list[str], limit: int
) -> None:
    held, expected = grown(revisions)
    fresh = MemoryIndex()
    put(fresh, list(expected.values()), [])
    query, words = vector_of(" ".join(asked)), terms(" ".join(asked))
    assert held.places.keys() == expected.keys()
    assert held.tokens == fresh.tokens
    assert {known: held.get(known) for known in expected} == {known: fresh.get(known) for known in expected}
    assert list(held.first(limit)) == list(fresh.first(limit))
    for terms_asked, vector in ((words, None), ([], query), (words, query)):
        assert held.relevance(terms_asked, vector, limit) == fresh.relevance(terms_asked, vector, limit)


@given(st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5), min_size=1, max_size=20))
def test_scores_are_those_of_the_formula(documents: list[list[str]]) -> None:
    texts = [list(dict.fromkeys(terms(" ".join(each)))) for each in documents]
    postings = Postings()
    postings.change({}, dict(enumerate(texts)), len(texts))
    query = terms("refund 退款 angry")
    covered = postings.coverage(query)
    mean = sum(map(len, texts)) / len(texts)
    having = {term: sum(term in text for text in texts) for term in query}
    telling = {term: np.log(1 + (len(texts) - count + 0.5) / (count + 0.5)) for term, count in having.items()}
    for text, score in zip(texts, covered.tolist(), strict=True):
        shared = sum(telling[term] for term in query if term in text) / sum(telling.values())
        assert score == pytest.approx(shared * 2.2 / (1 + 1.2 * (0.25 + 0.75 * len(text) / mean)))


def test_the_commonest_terms_are_left_out_where_a_query_would_read_too_many_postings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bm25, "MOST_POSTINGS", 10)
    postings = Postings()
    documents = {place: ["when", *(["refund"] if place < 3 else [])] for place in range(100)}
    postings.change({}, documents, 100)
    assert np.flatnonzero(postings.coverage(["when", "refund"])).tolist() == [0, 1, 2]
    assert np.count_nonzero(postings.coverage(["when"])) == 100


@given(st.lists(st.floats(-1, 1, width=16), max_size=400), st.integers(0, 10), st.integers(1, 30))
def test_the_best_are_found_whatever_the_sample_says(some: list[float], times: int, most: int) -> None:
    scores = np.array(some * times, np.float64)
    found = at_least_the(most, scores)
    last = np.sort(scores)[::-1][:most][-1:]
    assert sorted(found.tolist()) == [at for at, score in enumerate(scores.tolist()) if (score >= last).all()]


def test_nothing_is_found_in_nothing() -> None:
    held = MemoryIndex()
    assert held.relevance(["refund"], vector_of("refund"), 5) == []
    put(held, [lesson(1, ("refund",))], [])
    put(held, [], ["e1"])
    assert held.relevance(["refund"], vector_of("refund"), 5) == []


def test_cosines_in_eight_bits_are_near_the_exact_ones() -> None:
    dice = np.random.default_rng(1)
    points = dice.standard_normal((500, 256), np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    vectors = Vectors(256)
    vectors.change(np.zeros(0, np.int32), np.arange(500, dtype=np.int32), points)
    for query in points[:20]:
        assert np.allclose(vectors.cosines(query, 500), points @ query, atol=5e-3)
    vectors.change(np.array([3], np.int32), np.zeros(0, np.int32), points[:0])
    assert vectors.cosines(points[3], 600)[[3, 550]].tolist() == [0.0, 0.0]
