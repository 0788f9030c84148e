"""How good retrieval is: nDCG@10 by words, by meaning, fused by rank, and as served; recall of approximate search.

    .venv/bin/python benchmarks/retrieval_quality.py [--sizes 10000,100000] [--among 0]

The sets: 16 topics in four languages written for this project (`labelled_lessons.toml`, all languages in one library),
and the simulated order desk of the demo. `served` is what `get_experiences` ranks by, `ranks fused` is reciprocal rank
fusion (k = 60) of words and meaning, which it was measured against. `--among` puts so many other lessons (half of them
jumbled) beside them. Recall@10 is of the nearest in meaning, against an exact search.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from random import Random
from statistics import mean

import numpy as np
from lessons import lessons
from measuring import keep, numbers, parser, show
from retrieval_sets import Labelled, desk_set, written_sets

from explib.models.experiences import Lesson
from explib.retrieval.entry import Ranked
from explib.retrieval.memory import MemoryIndex, prepare
from explib.retrieval.wordllama import WordllamaEmbedder
from explib.text.words import terms

DEPTH = 100
RRF_K = 60
NEAREST = 10
ASKED = 100
VOCABULARY = 6_000
SIDES = ("words", "meaning", "ranks fused", "served")


async def quality(labelled: Labelled, embedder: WordllamaEmbedder, others: Sequence[str]) -> dict[str, float]:
    """nDCG@10 of each side."""
    held = MemoryIndex()
    texts = [*labelled.lessons, *others]
    listed = [Lesson(f"e{number}", each, "active", 1) for number, each in enumerate(texts, start=1)]
    held.change(prepare(listed), [], await embedder.embed(texts))
    ranked: dict[str, list[list[str]]] = {side: [] for side in SIDES}
    for task, query in zip(labelled.tasks, await embedder.embed(labelled.tasks), strict=True):
        words = terms(task)
        ranked["words"].append(_ids(held.relevance(words, None, DEPTH)))
        ranked["meaning"].append(_ids(held.relevance([], query, DEPTH)))
        ranked["ranks fused"].append(_fused(ranked["words"][-1], ranked["meaning"][-1]))
        ranked["served"].append(_ids(held.relevance(words, query, DEPTH)))
    return {side: labelled.ndcg([[int(known[1:]) - 1 for known in ids] for ids in ranked[side]]) for side in SIDES}


def _ids(found: list[Ranked]) -> list[str]:
    return [entry.id for entry, _ in found]


def _fused(*orders: Sequence[str]) -> list[str]:
    scores: dict[str, float] = {}
    for order in orders:
        for rank, known in enumerate(order, start=1):
            scores[known] = scores.get(known, 0.0) + 1 / (RRF_K + rank)
    return sorted(scores, key=lambda known: (-scores[known], int(known[1:])))


def jumbled(count: int, seed: int) -> list[str]:
    """Lessons of made-up words drawn at random: harder than real ones, since all are about as near to a task."""
    dice = Random(VOCABULARY)
    texts = [*written_sets()[0].lessons, *lessons(500)]
    real = sorted({word for text in texts for word in terms(text) if word.isascii() and word.isalpha()})
    words = [dice.choice(real)[:4] + dice.choice(real)[-3:] for _ in range(VOCABULARY)]
    dice.seed(seed)
    return [" ".join(dice.choices(words, k=dice.randint(8, 16))) for _ in range(count)]


async def recall(size: int, embedder: WordllamaEmbedder) -> float:
    """Share of the ten nearest that the index finds, in a library of jumbled lessons."""
    texts = jumbled(size, seed=1)
    matrix = await embedder.embed(texts)
    held = MemoryIndex()
    listed = [Lesson(f"e{number}", each, "active", 1) for number, each in enumerate(texts, start=1)]
    held.change(prepare(listed), [], matrix)
    found = 0
    for query in await embedder.embed(jumbled(ASKED, seed=2)):
        cosines = np.einsum("ij,j->i", matrix, query)
        tenth = np.partition(cosines, -NEAREST)[-NEAREST] - 1e-4
        found += sum(cosines[int(known[1:]) - 1] >= tenth for known in _ids(held.relevance([], query, NEAREST)))
    return float(found) / (NEAREST * ASKED)


async def run(chosen: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Every set, their mean, and the recalls."""
    embedder, half = WordllamaEmbedder(), chosen.among // 2
    others = [*lessons(half), *jumbled(half, seed=1)]
    found = {each.name: await quality(each, embedder, others) for each in [*written_sets(), desk_set()]}
    found["mean"] = {side: mean(each[side] for each in found.values()) for side in SIDES}
    return found | {"recall@10": {str(size): await recall(size, embedder) for size in numbers(chosen.sizes)}}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--among", type=int, default=0, help="other lessons in the library")
    options.add_argument("--sizes", default="10000,100000", help="libraries in which recall is measured")
    chosen = options.parse_args()
    found = asyncio.run(run(chosen))
    recalls = found["recall@10"]
    rows = [[name, *(found[name][side] for side in SIDES)] for name in found if name != "recall@10"]
    show("nDCG@10", ("set", *SIDES), rows)
    show("recall@10 of approximate search", ("lessons", "recall"), [[size, f"{recalls[size]:.3f}"] for size in recalls])
    keep(chosen.json, found)


if __name__ == "__main__":
    main()
