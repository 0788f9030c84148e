"""Every sentence that a contrast lesson can consist of. A program may read them by these patterns.

`{a}`, `{b}` are names of tools, `{x}` is the name of an argument; all match `[A-Za-z_][\\w.-]{0,63}`.

    family         winners did it / losers did it
    called         When {a} is available, call it before you finish.
                   When {a} is available, finish without calling it.
    called_any     When tools are available, call one before you answer.
                   When tools are available, answer without calling any.
    precedes       When you call {b}, call {a} before it.
                   When you call {b}, do not call {a} before it.
    follows        When you have called {b}, call {a} after it.
                   When you have called {b}, do not call {a} after it.
    repeated       When you call {a}, call it more than once.
                   When you call {a}, call it only once.
    identical      When you have called {a}, call it again with the same arguments.
                   When you have called {a}, do not call it again with the same arguments.
    argument       When you call {a}, pass its argument {x}.
                   When you call {a}, leave out its argument {x}.
    error          (nothing to advise)
                   When you call {a}, check its arguments first so that it returns no error.
    error_next     When {a} returns an error, call {b} next.
                   When {a} returns an error, do not call {b} next.
    error_changed  When {a} returns an error, call it again with other arguments.
                   When {a} returns an error, do not call it again.
    error_same     When {a} returns an error, call it again with the same arguments.
                   When {a} returns an error, do not call it again with the same arguments.
    error_stop     When {a} returns an error, make no other tool call.
                   When {a} returns an error, make another tool call.
    first          When you start, call {a} first.
                   When you start, do not call {a} first.
    last           When you finish, make {a} your last tool call.
                   When you finish, do not make {a} your last tool call.
    end_text       When you finish, end with a written answer.
                   When you finish, end with a tool call.
    answer         When you give the final answer, write {x}.
                   When you give the final answer, do not write {x}.

The families `identical`, `error` and `error_*` exist with "a tool" in place of a name, too: {a} is then `a tool`.
Of `answer`, {x} is one of the phrases in `ANSWER_FORMS`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Family: TypeAlias = Literal[
    "called", "called_any", "precedes", "follows", "repeated", "identical", "argument",
    "error", "error_next", "error_changed", "error_same", "error_stop",
    "first", "last", "end_text", "answer",
]  # fmt: skip

ANY_TOOL = "a tool"

ANSWER_FORMS = (
    "only a number",
    "at most five words",
    "at most fifty words",
    "only JSON",
    "a code block",
    "a list",
    "a boxed result",
    "a question",
)

_LESSONS: dict[Family, tuple[str | None, str | None]] = {
    "called": (
        "When {0} is available, call it before you finish.",
        "When {0} is available, finish without calling it.",
    ),
    "called_any": (
        "When tools are available, call one before you answer.",
        "When tools are available, answer without calling any.",
    ),
    "precedes": (
        "When you call {1}, call {0} before it.",
        "When you call {1}, do not call {0} before it.",
    ),
    "follows": (
        "When you have called {1}, call {0} after it.",
        "When you have called {1}, do not call {0} after it.",
    ),
    "repeated": (
        "When you call {0}, call it more than once.",
        "When you call {0}, call it only once.",
    ),
    "identical": (
        "When you have called {0}, call it again with the same arguments.",
        "When you have called {0}, do not call it again with the same arguments.",
    ),
    "argument": (
        "When you call {0}, pass its argument {1}.",
        "When you call {0}, leave out its argument {1}.",
    ),
    "error": (
        None,
        "When you call {0}, check its arguments first so that it returns no error.",
    ),
    "error_next": (
        "When {0} returns an error, call {1} next.",
        "When {0} returns an error, do not call {1} next.",
    ),
    "error_changed": (
        "When {0} returns an error, call it again with other arguments.",
        "When {0} returns an error, do not call it again.",
    ),
    "error_same": (
        "When {0} returns an error, call it again with the same arguments.",
        "When {0} returns an error, do not call it again with the same arguments.",
    ),
    "error_stop": (
        "When {0} returns an error, make no other tool call.",
        "When {0} returns an error, make another tool call.",
    ),
    "first": (
        "When you start, call {0} first.",
        "When you start, do not call {0} first.",
    ),
    "last": (
        "When you finish, make {0} your last tool call.",
        "When you finish, do not make {0} your last tool call.",
    ),
    "end_text": (
        "When you finish, end with a written answer.",
        "When you finish, end with a tool call.",
    ),
    "answer": (
        "When you give the final answer, write {0}.",
        "When you give the final answer, do not write {0}.",
    ),
}


def lesson(family: Family, names: tuple[str, ...], *, did: bool) -> str | None:
    """The lesson of winners who did (or, with `did` False, left) it; None where there is nothing to advise."""
    template = _LESSONS[family][0 if did else 1]
    return None if template is None else template.format(*names)
