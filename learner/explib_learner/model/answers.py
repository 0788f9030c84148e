"""What a model answers, read at the edge: JSON out of text into a pydantic model, or a sentence on what is wrong.

The last object of the asked form is the answer: what a model drafts before it, or thinks, is not. The reading depends
on the text alone, so that a stored answer leads to the same repair as the fresh one did.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from explib.errors import AnswerCutOff, ModelAnswerInvalid
from explib.models.json_value import Json
from explib_learner.model.chat import CUT_OFF, WITHHELD

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_THOUGHTS = (("<think>", "</think>"), ("<thinking>", "</thinking>"), ("[THINK]", "[/THINK]"))
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)[^<]*<\|message\|>")
"""Some reasoning models write channels, of which only the one named `final` speaks to the reader."""
_CHANNEL_END = re.compile(r"<\|(?:end|return|start)\|>")
_FENCED = re.compile(r"```(?:json)?\n(.*)\n```", re.DOTALL)
_TRAILING_COMMA = re.compile(r",\s*$")
_MOST_COMMAS = 50
_UNWANTED_KEYS = ("title", "default", "description")
_MOST_PROBLEMS = 5
_QUOTED_CHARACTERS = 200
_DECODER = json.JSONDecoder(strict=False)
"""Takes line breaks inside of strings, which models write."""


def parsed(text: str, form: type[AnswerT]) -> AnswerT:
    """The last object of this form in an answer; words, code blocks, drafts and thoughts beside it are tolerated.

    Raises:
        ModelAnswerInvalid: what is wrong, in words that the model can act on.
    """
    problem: ValidationError | None = None
    listed = _listed(text, form)
    for value in reversed(json_objects(text) if listed is None else [listed]):
        for candidate in (value, *_wrapped(value)):
            try:
                return form.model_validate(candidate)
            except ValidationError as error:
                problem = problem or error
    if problem is None:
        raise ModelAnswerInvalid("The answer has no JSON object.")
    problems = [
        f"{'.'.join(map(str, each['loc'])) or 'the object'}: {each['msg']}"
        for each in problem.errors()[:_MOST_PROBLEMS]
    ]
    raise ModelAnswerInvalid("The JSON has the wrong form. " + "; ".join(problems))


def without_thinking(text: str) -> str:
    """The text after a reasoning model's thoughts; nothing where the thinking was cut off."""
    channels = list(_CHANNEL.finditer(text))
    if channels:
        final = [channel for channel in channels if channel[1] == "final"]
        text = _CHANNEL_END.split(text[final[-1].end() :])[0] if final else ""
    for start, end in _THOUGHTS:
        _, closed, answer = text.rpartition(end)
        text = answer if closed else text.partition(start)[0]
    return text.strip()


def json_objects(text: str) -> list[dict[str, Json]]:
    """The JSON objects in an answer, in their order; objects inside of others are not among them.

    Raises:
        AnswerCutOff: the endpoint says that it cut the answer off, and it does not end with an object.
        ModelAnswerInvalid: there is none, or the last one is broken.
    """
    whole = _loaded(text.strip())
    if whole is not None:
        return [whole]
    said = text.removesuffix(CUT_OFF).removesuffix(WITHHELD).rstrip()
    answer = without_thinking(said)
    objects, broken = _scanned(answer)
    if text.endswith(CUT_OFF) and not answer.endswith(("}", "```")):
        raise AnswerCutOff
    if text.endswith(WITHHELD) and not objects:
        raise ModelAnswerInvalid(
            "The endpoint's content filter withheld the answer: choose another EXPLIB_MODEL, or change the filter."
        )
    if broken:
        raise ModelAnswerInvalid("The answer's JSON is broken or ends before its object is closed: answer shorter.")
    if not objects:
        raise ModelAnswerInvalid(_without_object(answer))
    return objects


def schema_of(form: type[BaseModel]) -> dict[str, Json]:
    """The form's JSON schema as strict structured output wants it: no additional properties, everything required."""
    strict = _strict(form.model_json_schema())
    if not isinstance(strict, dict):
        raise TypeError(f"{form.__name__} is no object")
    return strict


def _without_object(answer: str) -> str:
    if not answer:
        return "The answer is empty: there must be one JSON object."
    return f"The answer has no JSON object. It says: {answer[:_QUOTED_CHARACTERS]}"


def _listed(text: str, form: type[BaseModel]) -> dict[str, Json] | None:
    """A list of objects that is the whole answer, as the only field of the form; None where it is none."""
    said = without_thinking(text)
    bare = _FENCED.fullmatch(said)
    try:
        value: Json = json.loads(bare[1] if bare else said)
    except (ValueError, RecursionError):
        return None
    [name, *more] = form.model_fields
    is_list = isinstance(value, list) and bool(value) and all(isinstance(each, dict) for each in value)
    return {name: value} if is_list and not more else None


def _wrapped(value: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """What an object holds that has nothing else in it."""
    if len(value) == 1:
        [inner] = value.values()
        if isinstance(inner, dict):
            yield inner


def _loaded(text: str) -> dict[str, Json] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _scanned(text: str) -> tuple[list[dict[str, Json]], bool]:
    """The objects, and whether what comes last is the beginning of one that is broken."""
    objects: list[dict[str, Json]] = []
    broken = False
    start = text.find("{")
    while start >= 0:
        try:
            value, end = _decoded(text[start:])
        except json.JSONDecodeError as error:
            broken = broken or text[start + 1 :].lstrip().startswith('"')
            # on from where it broke: what lies inside a broken or cut off object is not the answer
            start = text.find("{", start + max(1, error.pos))
        except RecursionError:
            return objects, True
        else:
            objects.append(value)
            broken = False
            start = text.find("{", start + end)
    return objects, broken


def _decoded(text: str) -> tuple[dict[str, Json], int]:
    """The object at the beginning of a text, and where it ends; a comma before a closing bracket is taken out."""
    removed = 0
    while True:
        try:
            value, end = _DECODER.raw_decode(text)
        except json.JSONDecodeError as error:
            at = _comma_before(text, error.pos)
            if at is None or removed == _MOST_COMMAS:
                raise
            text = text[:at] + text[at + 1 :]
            removed += 1
        else:
            return value, end + removed


def _comma_before(text: str, at: int) -> int | None:
    """The place of a comma that has nothing but blanks and a closing bracket behind it, near where decoding broke."""
    closing = re.compile(r"\s*[}\]]")
    for end in (at, at + 1):
        comma = _TRAILING_COMMA.search(text[:end])
        if comma is not None and closing.match(text, end):
            return comma.start()
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
