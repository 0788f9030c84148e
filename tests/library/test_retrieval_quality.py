"""Floors under what `benchmarks/retrieval_quality.py` measures, a little below what was reached."""

from __future__ import annotations

from statistics import mean

import pytest
from retrieval_sets import Labelled, desk_set, written_sets

from explib.models.experiences import Lesson
from explib.retrieval.memory import MemoryIndex, prepare
from explib.retrieval.wordllama import WordllamaEmbedder
from explib.text.words import terms

DEPTH = 100
SETS = {each.name: each for each in [*written_sets(), desk_set()]}
FLOORS = {
    "English": {"words": 0.40, "meaning": 0.65, "both": 0.64},
    "Japanese": {"words": 0.87, "meaning": 0.73, "both": 0.89},
    "Chinese": {"words": 0.83, "meaning": 0.76, "both": 0.85},
    "Thai": {"words": 0.85, "meaning": 0.55, "both": 0.84},
    "Order desk": {"words": 0.54, "meaning": 0.39, "both": 0.43},
}
"""nDCG@10 by words alone, by meaning alone, and as served."""


async def rankings(labelled: Labelled) -> dict[str, float]:
    embedder, held = WordllamaEmbedder(), MemoryIndex()
    lessons = [Lesson(f"e{number}", text, "active", 1) for number, text in enumerate(labelled.lessons)]
    held.change(prepare(lessons), [], await embedder.embed(labelled.lessons))
    asked = list(zip(map(terms, labelled.tasks), await embedder.embed(labelled.tasks), strict=True))
    ranked = {
        "words": [held.relevance(words, None, DEPTH) for words, _ in asked],
        "meaning": [held.relevance([], query, DEPTH) for _, query in asked],
        "both": [held.relevance(words, query, DEPTH) for words, query in asked],
    }
    return {
        side: labelled.ndcg([[entry.number for entry, _ in found] for found in lists]) for side, lists in ranked.items()
    }


@pytest.mark.parametrize("name", FLOORS)
async def test_the_right_lessons_are_found_in_every_language(name: str) -> None:
    reached = await rankings(SETS[name])
    below = {side: reached[side] for side, floor in FLOORS[name].items() if reached[side] < floor}
    assert not below


async def test_words_and_meaning_together_are_better_than_either_alone() -> None:
    reached = [await rankings(labelled) for labelled in SETS.values()]
    words, meaning, both = (mean(each[side] for each in reached) for side in ("words", "meaning", "both"))
    assert both > max(words, meaning) + 0.02
