"""Reciprocal rank fusion: one order out of several (Cormack, Clarke and Büttcher, SIGIR 2009)."""

from __future__ import annotations

from collections.abc import Sequence

RRF_K = 60
"""The paper's constant: how little the very first places differ from the next ones."""


def fuse(*orders: Sequence[str]) -> dict[str, float]:
    """Id → relevance in 0 to 1: Σ 1/(k + rank) over the orders, as a share of the best that is possible."""
    best = len(orders) / (RRF_K + 1)
    scores: dict[str, float] = {}
    for order in orders:
        for rank, identity in enumerate(order, start=1):
            scores[identity] = scores.get(identity, 0.0) + 1 / (RRF_K + rank)
    return {identity: score / best for identity, score in scores.items()}
