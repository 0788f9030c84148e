"""Reading what an endpoint sends back: a chat completion in any of the shapes that endpoints give it, or a refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from explib.models.json_value import Json
from explib.text.words import estimate_tokens, storable
from explib_learner.model.chat import CUT_OFF, WITHHELD, ChatAnswer, ChatRequest

_EVENT = "data:"
_DONE = "[DONE]"
_CUT_OFF = ("length", "max_tokens", "MAX_TOKENS")
_FILTERED = ("content_filter", "safety", "SAFETY", "recitation")
_PROMPT_COUNTS = ("prompt_tokens", "input_tokens", "prompt_eval_count")
_ANSWER_COUNTS = ("completion_tokens", "output_tokens", "eval_count")


@dataclass(frozen=True, slots=True)
class NoCompletion:
    """A body that holds no chat completion: what it says, and whether it calls itself an error."""

    said: str
    is_error: bool


def read_completion(body: bytes, request: ChatRequest) -> ChatAnswer | NoCompletion:
    """The answer in a body. One without text is an answer too (it was paid for)."""
    text = storable(body.decode("utf-8", "replace"))
    value = _merged_events(text) if text.lstrip().startswith(_EVENT) else _json(text)
    if not isinstance(value, dict):
        return NoCompletion(text.strip() or "an empty body", is_error=False)
    choices, usage = value.get("choices"), value.get("usage")
    if not isinstance(choices, list) or not (choices or usage):
        return NoCompletion(words_of(text) or "an empty object", is_error="error" in value)
    choice = choices[0] if choices and isinstance(choices[0], dict) else {}
    answer = storable(_answer_text(choice))
    return ChatAnswer(
        answer,
        _counted(usage, _PROMPT_COUNTS, request.prompt_tokens),
        _counted(usage, _ANSWER_COUNTS, estimate_tokens(answer)),
    )


def words_of(body: str) -> str:
    """What an error's body says, whatever envelope it comes in: the texts of its JSON, or the text itself."""
    value = _json(body)
    return " ".join(" ".join(_texts(value)).split()) if isinstance(value, dict | list) else " ".join(body.split())


def _json(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _storable(value)


def _storable(value: Json) -> Json:
    """A value whose texts have no lone surrogates (JSON writes them as escapes)."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(each) for each in value]
    if isinstance(value, dict):
        return {storable(key): _storable(each) for key, each in value.items()}
    return value


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)


def _merged_events(text: str) -> Json:
    """Server-sent events, which some endpoints send unasked, put together as one completion."""
    content: list[str] = []
    finish: Json = None
    merged: dict[str, Json] = {}
    for line in text.splitlines():
        event = _json(line[len(_EVENT) :]) if line.startswith(_EVENT) and _DONE not in line else None
        if not isinstance(event, dict):
            continue
        merged = {**merged, **{key: value for key, value in event.items() if value is not None}}
        for choice in _dicts(event.get("choices"))[:1]:
            delta = choice.get("delta")
            content.append(_content(delta.get("content")) if isinstance(delta, dict) else "")
            finish = choice.get("finish_reason") or finish
    message: Json = {"content": "".join(content)}
    return {**merged, "choices": [{"message": message, "finish_reason": finish}]} if content else merged


def _answer_text(choice: dict[str, Json]) -> str:
    """The text of a choice, its end marked where the endpoint says that it is not the end of the answer."""
    found = choice.get("message")
    message = found if isinstance(found, dict) else {}
    finish = str(choice.get("finish_reason") or "")
    refusal = message.get("refusal")
    text = _content(message.get("content")) or _called(message) or (refusal if isinstance(refusal, str) else "")
    if finish in _CUT_OFF:
        return f"{text}\n{CUT_OFF}"
    if finish in _FILTERED:
        return f"{text}\n{WITHHELD}"
    return text or _reasoned(message)


def _content(content: Json) -> str:
    """Text, or the texts of its parts but for a model's thoughts."""
    if isinstance(content, str):
        return content
    parts = [part for part in _dicts(content) if part.get("type") not in ("reasoning", "thinking")]
    return "".join(text for part in parts if isinstance(text := part.get("text"), str))


def _called(message: dict[str, Json]) -> str:
    """The arguments of the tool call that an endpoint makes of the asked form."""
    for call in _dicts(message.get("tool_calls")):
        function = call.get("function")
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if isinstance(arguments, str | dict):
            return arguments if isinstance(arguments, str) else json.dumps(arguments)
    return ""


def _reasoned(message: dict[str, Json]) -> str:
    """A finished answer that the endpoint took for a thought: only where there is nothing else."""
    for name in ("reasoning_content", "reasoning"):
        reasoned = message.get(name)
        if isinstance(reasoned, str) and "{" in reasoned:
            return reasoned
    return ""


def _dicts(value: Json) -> list[dict[str, Json]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _counted(usage: Json, names: tuple[str, ...], estimate: int) -> int:
    """What the endpoint says it counted, or our estimate where it says nothing that can be."""
    for name in names:
        counted = usage.get(name) if isinstance(usage, dict) else None
        if isinstance(counted, int | float) and not isinstance(counted, bool) and 0 <= counted < float("inf"):
            return round(counted)
        if isinstance(counted, str) and counted.isdecimal():
            return int(counted)
    return estimate
