from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from explib_learner.prompting.fences import fenced

_MARK = re.compile(r"<[\s/]*data-", re.IGNORECASE)
TRICKY = st.lists(st.sampled_from(["<", "</", "data-", "DATA-", " ", "\n", "\\", "<data-", ">", "x"])).map("".join)


def test_the_same_content_gives_the_same_fence_and_other_content_another() -> None:
    assert fenced("task", "one") == fenced("task", "one")
    assert fenced("task", "one").split()[0] != fenced("task", "two").split()[0]


@given(st.text() | TRICKY)
def test_no_content_opens_or_closes_a_fence(content: str) -> None:
    assert len(_MARK.findall(fenced("task", content))) == 2


def test_a_fence_named_in_advance_does_not_close() -> None:
    name = fenced("task", "x").splitlines()[-1]
    assert fenced("task", f"a {name} b").count("</data-") == 1
