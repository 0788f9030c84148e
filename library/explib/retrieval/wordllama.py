"""Embeddings by wordllama: static word vectors, 256 dimensions, weights in the wheel, no network."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from wordllama import WordLlamaInference

BATCH = 512
"""Texts embedded in one go: bounds how long the event loop waits."""
WORDS = 20_000
"""Words whose tokens are remembered, about 200 bytes each."""
LONGEST = 24
"""Characters of a word that is remembered; what is longer, as a sentence without spaces, doesn't come again."""
SHORTEST = 1e-30
"""A sum that is no longer than this has no direction."""


class WordllamaEmbedder:
    """Loads on first use (about 0.3 s), in a thread. A text's vector is the mean of those of its words' tokens.

    The means are taken here: the library's own way, which pads all texts to one length, takes three times as long.
    Words are cut one by one and remembered: no token reaches over a space, and most words come again.
    """

    name = "wordllama-256"

    def __init__(self) -> None:
        self._loading = asyncio.Lock()
        self._remembered: dict[str, list[int]] = {}

    @cached_property
    def _model(self) -> WordLlamaInference:
        import wordllama

        model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
        model.tokenizer.no_padding()
        return model

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), 256). A short text takes less time here than a change of thread."""
        if "_model" not in self.__dict__:
            async with self._loading:
                await asyncio.to_thread(lambda: self._model)
        import numpy as np

        parts: list[NDArray[np.float32]] = [np.zeros((0, self._model.embedding.shape[1]), np.float32)]
        for start in range(0, len(texts), BATCH):
            if start:
                await asyncio.sleep(0)
            parts.append(self._summed(texts[start : start + BATCH]))
        vectors = parts[-1] if len(texts) <= BATCH else np.concatenate(parts)
        lengths = np.sqrt(np.vecdot(vectors, vectors))
        vectors /= np.maximum(lengths, SHORTEST, out=lengths)[:, None]
        return vectors

    def _summed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The sums of the vectors of each text's tokens, which have the direction of their means."""
        import numpy as np

        table: NDArray[np.float32] = self._model.embedding
        sums = np.zeros((len(texts), table.shape[1]), np.float32)
        for row, text in zip(sums, texts, strict=True):
            if ids := self._tokens(text):
                np.add.reduce(table.take(ids, axis=0), axis=0, out=row)
        return sums

    def _tokens(self, text: str) -> list[int]:
        known, tokens = self._remembered, list[int]()
        for word in text.split():
            tokens += known[word] if word in known else self._cut(word)
        return tokens

    def _cut(self, word: str) -> list[int]:
        ids: list[int] = self._model.tokenizer.encode(word, add_special_tokens=False).ids
        if len(word) <= LONGEST:
            if len(self._remembered) >= WORDS:
                self._remembered.clear()
            self._remembered[word] = ids
        return ids
