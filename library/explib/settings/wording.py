"""Settings as people read them: values, and what is wrong with a value."""

from __future__ import annotations

from typing import Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

LIMITS = ("ge", "gt", "le", "max_length")


def setting_text(value: object) -> str:
    """A setting's value as people write it."""
    match value:
        case SecretStr():
            return "(set)"
        case None | ():
            return "unset"
        case bool():
            return "on" if value else "off"
        case str():
            return value or "''"
        case dict():
            return ",".join(f"{name}={setting_text(each)}" for name, each in value.items()) or "''"
        case tuple():
            return ",".join(map(str, value))
        case int():
            return str(value)
        case _:
            return f"{value:g}"


def wrong_settings(error: ValidationError, model: type[BaseModel], prefix: str = "") -> str:
    """Each wrong setting with what it must be, e.g. `min_group must be 2 to 1,000`."""
    return "; ".join(
        _problem(str(each["loc"][0]) if each["loc"] else "", each["type"], each["msg"], model, prefix)
        for each in error.errors()
    )


def _problem(name: str, kind: str, message: str, model: type[BaseModel], prefix: str) -> str:
    if kind == "extra_forbidden":
        return f"there is no setting {name}, they are {', '.join(model.model_fields)}"
    shown = f"{prefix}{name.upper()}" if prefix and name else name
    if kind == "value_error":
        return f"{shown} {message.removeprefix('Value error, ')}".strip()
    return f"{shown} must be {_allowed(model.model_fields[name])}"


def _allowed(field: FieldInfo) -> str:
    """The values that a setting can have."""
    found = {name: getattr(each, name, None) for each in field.metadata for name in LIMITS if hasattr(each, name)}
    limits = {name: f"{value:,}" if isinstance(value, int) else f"{value:g}" for name, value in found.items()}
    kinds = {field.annotation, *get_args(field.annotation)}
    choices = next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ())
    match limits:
        case {"ge": least, "le": most}:
            return f"{least} to {most}"
        case {"gt": bound, "le": most}:
            return f"above {bound} and at most {most}"
        case {"ge": least}:
            return f"at least {least}"
        case {"gt": bound}:
            return f"above {bound}"
        case {"max_length": most}:
            return f"a text of at most {most} characters"
    if choices:
        return f"one of {', '.join(choices)}"
    return "on or off" if bool in kinds else "a text"
