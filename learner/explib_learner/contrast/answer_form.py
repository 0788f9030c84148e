"""The forms that a final answer can have, by the phrases of `wording.ANSWER_FORMS`."""

from __future__ import annotations

import json
import re

_NUMBER = re.compile(r"[-+]?[$€£]?\d[\d,. ]*%?\.?")
_LIST = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+\S", re.MULTILINE)


def forms(answer: str) -> dict[str, bool]:
    """Which of `wording.ANSWER_FORMS` a final answer has."""
    words = len(answer.split())
    return {
        "only a number": _NUMBER.fullmatch(answer) is not None,
        "at most five words": words <= 5,
        "at most fifty words": words <= 50,
        "only JSON": _is_json(answer),
        "a code block": "```" in answer,
        "a list": len(_LIST.findall(answer)) >= 2,
        "a boxed result": "\\boxed{" in answer,
        "a question": answer.endswith("?"),
    }


def _is_json(answer: str) -> bool:
    if not answer.startswith(("{", "[")):
        return False
    try:
        json.loads(answer)
    except (ValueError, RecursionError):
        return False
    return True
