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


class WordllamaEmbedder:
    """Loads on first use (about 0.3 s), in a thread."""

    name = "wordllama-256"

    def __init__(self) -> None:
        self._loading = asyncio.Lock()

    @cached_property
    def _model(self) -> WordLlamaInference:
        import wordllama

        return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), 256). A short text takes less time here than a change of thread."""
        if "_model" not in self.__dict__:
            async with self._loading:
                await asyncio.to_thread(lambda: self._model)
        import numpy as np

        parts = []
        for start in range(0, len(texts), BATCH):
            if start:
                await asyncio.sleep(0)
            parts.append(self._model.embed(list(texts[start : start + BATCH]), norm=False))
        vectors = np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, 256), np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        units: NDArray[np.float32] = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
        return units
