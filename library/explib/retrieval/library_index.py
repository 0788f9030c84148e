"""A library in memory: its experiences and their vectors, as of one revision."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from explib.models import Experience, Library
from explib.retrieval.embedding import Embedder
from explib.storage.store import Store

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(slots=True)
class LibraryIndex:
    """Follows the library's revision, whoever makes it: one cheap read tells whether there is anything to load."""

    library: Library
    embedder: Embedder | None
    revision: int = -1
    experiences: dict[str, Experience] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    vectors: NDArray[np.float32] | None = None

    async def follow(self, store: Store) -> None:
        """Bring the index to the library's newest revision; only what changed is embedded."""
        revision = await store.libraries.revision(self.library)
        if revision == self.revision:
            return
        current = {known.id: known for known in await store.revisions.experiences(self.library)}
        order = list(current)
        vectors = await self._vectors(current, order)
        self.experiences, self.order, self.vectors, self.revision = current, order, vectors, revision

    async def _vectors(self, current: dict[str, Experience], order: list[str]) -> NDArray[np.float32] | None:
        if self.embedder is None or not order:
            return None
        import numpy as np

        held = {} if self.vectors is None else dict(zip(self.order, self.vectors, strict=True))
        fresh = [
            identity
            for identity in order
            if identity not in held or self.experiences[identity].content != current[identity].content
        ]
        embedded = await self.embedder.embed([current[identity].content for identity in fresh])
        held.update(zip(fresh, embedded, strict=True))
        return np.stack([held[identity] for identity in order])

    async def nearest(self, task: str, limit: int) -> list[str]:
        """Ids by cosine similarity to the task, nearest first; empty without an embedder."""
        if self.embedder is None or self.vectors is None:
            return []
        [query] = await self.embedder.embed([task])
        similarity = self.vectors @ query
        return [self.order[place] for place in similarity.argsort(kind="stable")[::-1][:limit].tolist()]
