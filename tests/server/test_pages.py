from __future__ import annotations

from explib.models.experiences import Experience, Support
from explib.models.learning import Cost
from explib.models.libraries import Library, LibrarySettings
from explib.models.revisions import Change, Operation, Revision
from explib.text.words import estimate_tokens
from explib_server.render.pages import SHOWN_CHANGES, SHOWN_TOKENS, library_page, revision_page

LIBRARY = Library(1, "default", LibrarySettings(), 7, 0.0)


def experience(number: int) -> Experience:
    content = f"When case {number} of its kind comes up, look at what the last one did before anything else."
    return Experience(f"e{number}", content, "active", 1, "model", Support(), 1, 1)


def test_a_large_library_is_shown_up_to_a_limit_that_says_how_to_go_on() -> None:
    known = [experience(number) for number in range(1, 5_001)]
    page = library_page(LIBRARY, known, {})
    *lines, last = page.splitlines()
    assert estimate_tokens(page) < SHOWN_TOKENS + 200
    assert last == f"… {5_000 - len(lines) + 1} more: list_experiences with after='e{len(lines) - 1}'"
    assert len(library_page(LIBRARY, known[:100], {}).splitlines()) == 101


def test_a_revision_says_who_made_it_and_why_and_no_more_changes_than_can_be_read() -> None:
    changes = tuple(
        Change(Operation("ADD", "because", content=known.content), (), (known,)) for known in map(experience, range(60))
    )
    page = revision_page(Revision(3, "imported", "ann", changes, (), tuple("abc"), Cost(), 0.0))
    assert page.startswith("# Revision 3, 1970-01-01 00:00 UTC, by ann: imported\n")
    assert page.count("- ADD") == SHOWN_CHANGES
    assert page.endswith("- and 10 more changes")
