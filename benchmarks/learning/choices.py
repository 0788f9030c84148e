"""Choices: the points at which agents act in different ways, those that matter (conventions) and those that don't."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """One way to act at a choice."""

    name: str
    text: str
    """The act in words, as in "open the customer's record first"."""
    odds: float
    """The odds that an agent without advice takes it, against those of the other options."""
    words: str = ""
    """Patterns joined by ` & `: a sentence of a lesson that has all of them advises this option."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One point at which agents act in different ways. Without a right option it is a decoy."""

    id: str
    situation: str
    options: tuple[Option, ...]
    right: str | None = None
    weight: float = 1.0
    """Its share in the reward, against the weights of the other conventions that the attempt met."""
    about: str = ""
    """Patterns joined by ` & ` that a lesson about this choice has anywhere."""

    @property
    def description(self) -> str:
        """The convention as a lesson: the situation and what is right in it; for a decoy only the situation."""
        return self.situation if self.right is None else self.lesson(self.right)

    def lesson(self, option: str) -> str:
        """A lesson that advises one of the options."""
        return f"{self.situation}, {self.option(option).text}."

    def option(self, name: str) -> Option:
        """The option of that name. Raises KeyError."""
        for option in self.options:
            if option.name == name:
                return option
        raise KeyError(f"{self.id} has no option {name!r}")


def convention(
    choice_id: str, situation: str, right: Option, *wrong: Option, weight: float = 1.0, about: str = ""
) -> Choice:
    """A choice whose first option is right."""
    return Choice(choice_id, situation, (right, *wrong), right.name, weight, about)


def decoy(choice_id: str, situation: str, *names: str) -> Choice:
    """A choice that no reward depends on, all options equally likely."""
    return Choice(choice_id, situation, tuple(Option(name, name, 1.0) for name in names))
