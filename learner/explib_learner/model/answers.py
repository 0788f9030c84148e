"""What a model answers, read at the edge: JSON out of text into a pydantic model, or a sentence on what is wrong.

The reading depends on the text alone, so that a stored answer leads to the same repair as the fresh one did.
"""

from __future__ import annotations

import json
import re
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from explib.errors import ModelAnswerInvalid
from explib.models.json_value import Json

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_CODE_BLOCK = re.compile(r"```(?:json)?[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)
_UNWANTED_KEYS = ("title", "default", "description")
_MOST_PROBLEMS = 5


def parsed(text: str, form: type[AnswerT]) -> AnswerT:
    """The answer in this form; thinking before it, a code block around it and words beside it are tolerated.

    Raises:
        ModelAnswerInvalid: what is wrong, in words that the model can act on.
    """
    answer = json_object(text)
    try:
        return form.model_validate(answer)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc'])) or 'the object'}: {problem['msg']}" for problem in error.errors()
        ]
        raise ModelAnswerInvalid("The JSON has the wrong form. " + "; ".join(problems[:_MOST_PROBLEMS])) from error


def without_thinking(text: str) -> str:
    """The text after a reasoning model's `<think>…</think>`; nothing where the thinking was cut off."""
    _, end, answer = text.rpartition("</think>")
    return answer.strip() if end else text.partition("<think>")[0].strip()


def json_object(text: str) -> dict[str, Json]:
    """The JSON object in an answer.

    Raises:
        ModelAnswerInvalid: there is none, or it is cut off.
    """
    answer = without_thinking(text)
    for candidate in (text.strip(), answer, *_CODE_BLOCK.findall(answer)):
        whole = _loaded(candidate)
        if whole is not None:
            return whole
    first = _first_object(answer)
    if first is not None:
        return first
    if not answer:
        raise ModelAnswerInvalid("The answer is empty: there must be one JSON object.")
    if "{" in answer:
        raise ModelAnswerInvalid("The answer's JSON is broken or ends before its object is closed: answer shorter.")
    raise ModelAnswerInvalid("The answer has no JSON object.")


def schema_of(form: type[BaseModel]) -> dict[str, Json]:
    """The form's JSON schema as strict structured output wants it: no additional properties, everything required."""
    strict = _strict(form.model_json_schema())
    if not isinstance(strict, dict):
        raise TypeError(f"{form.__name__} is no object")
    return strict


def _loaded(text: str) -> dict[str, Json] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _first_object(text: str) -> dict[str, Json] | None:
    decoder = json.JSONDecoder()
    start = text.find("{")
    while start >= 0:
        try:
            value: dict[str, Json] = decoder.raw_decode(text, start)[0]
        except json.JSONDecodeError as error:
            # on from where it broke: what lies inside a broken or cut off object is not the answer
            start = text.find("{", max(start + 1, error.pos))
        except RecursionError:
            return None
        else:
            return value
    return None


def _strict(node: Json) -> Json:
    if isinstance(node, list):
        return [_strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    strict: dict[str, Json] = {}
    for key, value in node.items():
        if key in ("properties", "$defs") and isinstance(value, dict):
            strict[key] = {name: _strict(item) for name, item in value.items()}
        elif key not in _UNWANTED_KEYS:
            strict[key] = _strict(value)
    properties = strict.get("properties")
    if isinstance(properties, dict):
        strict["required"] = list(properties)
        strict["additionalProperties"] = False
    return strict
