"""Values of one task inside a lesson: ids, codes, addresses and people, which say nothing of the next task.

A task is full of words that a lesson needs (tools, fields, programs, formats) and of values that it must not keep.
What tells them apart is their form (digits in a word, capitals and digits mixed, long numbers, an @), what stands
before them ("reservation", "my name is"), and whether other tasks say the same: what several groups share is no value
of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from explib.models.trajectories import Attempt
from explib.text.words import normalise_task

_READ_CHARACTERS = 100_000
"""Of one task."""
_WORD = re.compile(r"[^\W_]+(?:[-_.@+#][^\W_]+)*")
_ID_DIGITS = 3
_LONG_NUMBER = 5
_CODE_CHARACTERS = 5
_TECHNICAL = re.compile(
    r"(?:sha|md|utf|base|http|https|ipv|oauth|iso|rfc|pep|cve|cp|latin|python|py|java|es|int|uint|float|fp|bf|x"
    r"|amd|arm|win|windows"
    r"|html|css|tls|ssl|aes|rs|hs|ed|rsa|gpt|llama|claude|qwen|rtx|ec|mp|h|ts|cs|ora|sqlstate|err|error|status"
    r"|code|port|line|tcp|udp|"
    r"vt|ansi|ecma|iec|ieee|pg|v|ubuntu|debian|node|go|jdk|cuda|q|fy|top)[-_]?\d+(?:[-_.:]\w+)*|[efwcbnsdrtip]"
    r"[0-9]{3,4}"
    r"|v?\d{1,3}(?:\.\d{1,3}){1,3}(?:[a-z]+\d*)?"
)
"""Names of formats, versions, error codes and models, in small letters."""
_ROUND = re.compile(
    r"(?:19|20)\d\d|\d+00|1024|2048|4096|8192|16384|32768|65535|65536|8080|8443|5432|3306|6379|27017|9090|8888"
)
"""Numbers that many tasks have: years, round ones, sizes, ports."""
_CODE = re.compile(
    r"(?i:\b(?:reservation|booking|order|ticket|confirmation|reference|ref|account|invoice|case|tracking|customer"
    r"|user|pnr|code|id)\b"
    r"(?:[ _]?(?:id|number|no\.?|code))?(?:\s+is)?[\s:#=\"'`]{1,4})(?P<v>[A-Z0-9]{5,12})\b"
)
_LOGIN = re.compile(
    r"(?i:\b(?:user(?:[ _]?(?:name|id))?|login|handle|account|profile|you are|i am|i'm)(?:\s+is)?[\s:=\"'`@]{1,4})"
    r"(?P<v>[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*[._-]?\d+|[a-z]+(?:[._][a-z]+)+)\b"
)
_PERSON = re.compile(
    r"(?:(?i:\b(?:i am|i'm|you are|my name is|name is|named|name|customer|passenger|client|patient|contact|dear"
    r"|hello|hi|mr|mrs|ms|dr"
    r"|signed|for|with|by|user|employee|guest|sender|recipient|author)\b)[\s:.,=\"'`]{1,4})"
    r"(?P<v>[A-Z][\w'-]{1,30}(?: [A-Z]\.?)?(?: (?:van|de|der|von|bin|al|la|da|di|le|O'|Mc)){0,2}(?: [A-Z]"
    r"[\w'-]{1,30}){1,2})"
)
_NAME_VALUE = re.compile(r"\"(?:\w*_)?name\"\s*:\s*\"(?P<v>[A-Z][\w' -]{1,60})\"")
_STREET = re.compile(
    r"\b(?P<v>\d{1,5} [A-Z][\w'-]+(?: [A-Z][\w'-]+){0,3} (?i:street|st|avenue|ave|road|rd|lane|drive|dr|court"
    r"|boulevard|blvd|way))\b"
)
_MAYBE = re.compile(
    r"\b[A-Z0-9]{5,12}\b|\b\d{1,5} [A-Z][\w'-]+(?: [A-Z][\w'-]+)*"
    r"|\b[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*[._-]?\d+\b|\b[a-z]+(?:[._][a-z]+)+\b"
)
_TWO_NAMES = re.compile(r"(?=\b([A-Z][\w'-]+(?: [A-Z]\.|(?: [a-z]{2,3}){1,2})? [A-Z][\w'-]+)\b)")
"""What in a lesson may be a code, a street, a person or a login, if a task calls it so."""
_MARKS = re.compile(r"[\W_]+")


def private_value(lesson: str, tasks: Mapping[str, Sequence[str]], names: Iterable[str]) -> str | None:
    """The first value of one task that the lesson contains, or None.

    `tasks` are the task texts by group, those of every group that is known; `names` are words that are none: of tools,
    fields and standing instructions.
    """
    shaped: list[str] = [word for word in _WORD.findall(lesson) if _is_value(word)]
    cued: list[str] = [match[0] for match in _MAYBE.finditer(lesson)] + [
        match[1] for match in _TWO_NAMES.finditer(lesson)
    ]
    if not shaped and not cued:
        return None
    general = [_bare(name) for name in names]
    bare_tasks = {group: _bare(" ".join(dict.fromkeys(texts))) for group, texts in tasks.items()}
    called: dict[str, list[str]] = {}
    for value in dict.fromkeys((*shaped, *cued)):
        bare = _bare(value)
        groups = [group for group, text in bare_tasks.items() if bare in text]
        if not groups or any(bare in name for name in general) or (len(groups) > 1 and not _is_unique(value)):
            continue
        if value in shaped:
            return value
        if groups[0] not in called:
            called[groups[0]] = [cue for text in tasks[groups[0]] for cue in _cued(text)]
        if any(bare in cue for cue in called[groups[0]]):
            return value
    return None


def words_of_tools(attempts: Iterable[Attempt]) -> Iterator[str]:
    """What the attempts call things: their tools, those tools' fields, and what they were told before the task."""
    for attempt in attempts:
        for step in attempt.steps:
            if step.role == "system":
                yield step.text
            for call in step.calls:
                yield call.name
                yield from call.arguments


def _cued(task: str) -> Iterator[str]:
    """What the task itself calls a code, a login, a name or a street."""
    for pattern in (_CODE, _LOGIN, _PERSON, _NAME_VALUE, _STREET):
        for match in pattern.finditer(task[:_READ_CHARACTERS]):
            yield _bare(match["v"])


def _is_value(word: str) -> bool:
    """Whether a word is an id, a code, an address or a long number by its form."""
    if "@" in word:
        return "." in word.partition("@")[2]
    digits, letters = sum(map(str.isdigit, word)), sum(map(str.isalpha, word))
    if not digits or _TECHNICAL.fullmatch(word.lower()):
        return False
    if not letters:
        number = re.sub(r"[^0-9]", "", word)
        return len(number) >= _LONG_NUMBER - 1 and _ROUND.fullmatch(number) is None
    code = word.isalnum() and word.isupper() and len(word) >= _CODE_CHARACTERS
    return digits >= _ID_DIGITS or code


def _is_unique(value: str) -> bool:
    """Whether a value names one person or thing however many tasks are about it."""
    digits = sum(map(str.isdigit, value))
    return "@" in value or digits >= _LONG_NUMBER or (digits >= _ID_DIGITS and "_" in value)


def _bare(text: str) -> str:
    """Normalised words between single spaces, so that whole words can be looked for."""
    return f" {_MARKS.sub(' ', normalise_task(text)).strip()} "
