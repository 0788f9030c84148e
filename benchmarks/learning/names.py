"""Names of made-up people, streets and towns."""

from __future__ import annotations

from random import Random

_FIRST = ("Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jonas", "Kaya", "Lena", "Milo")
_LAST = ("Okafor", "Klein", "Moretti", "Volkov", "Kaya", "Adeyemi", "Lind", "Marsh", "Costa", "Weber", "Tanaka", "Roy")
_STREETS = ("Elm Street", "Harbour Road", "Mill Lane", "Station Square", "Orchard Way", "Abbey Hill", "Dock Row")
_TOWNS = ("Leeds", "Bergen", "Porto", "Graz", "Ghent", "Turku", "Lyon", "Gdansk")


def person(dice: Random) -> str:
    """First and last name."""
    return f"{dice.choice(_FIRST)} {dice.choice(_LAST)}"


def street(dice: Random) -> str:
    """Number, street and town."""
    return f"{dice.randint(1, 99)} {dice.choice(_STREETS)}, {dice.choice(_TOWNS)}"


def town(dice: Random) -> str:
    """A town."""
    return dice.choice(_TOWNS)
