"""All families of predicates. A new one is a class in `families/` and a line here."""

from __future__ import annotations

from explib_learner.grammar.families.answer import Told
from explib_learner.grammar.families.arguments import Given, Value
from explib_learner.grammar.families.arithmetic import Computed, Rounded, Steps
from explib_learner.grammar.families.choice import Chosen, Extreme, Margin
from explib_learner.grammar.families.edits import AroundChange, Changed
from explib_learner.grammar.families.errors import AfterFailure, TriedAgain
from explib_learner.grammar.families.form import AnswerForm, Form, Wording
from explib_learner.grammar.families.order import After, Before, Beside, Ends, Instead, Precedes, Times, Together, Used
from explib_learner.grammar.families.provenance import Copied, Ratio, Shift, Source
from explib_learner.grammar.families.reads import Concerning
from explib_learner.grammar.families.series import Opening, Sorted
from explib_learner.grammar.family import PredicateFamily

FAMILIES: dict[str, PredicateFamily] = {
    family.name: family
    for family in (
        Before(),
        After(),
        Precedes(),
        Instead(),
        Given(),
        Value(),
        Times(),
        Used(),
        Beside(),
        Together(),
        Ends(),
        Concerning(),
        Copied(),
        Ratio(),
        Shift(),
        Source(),
        Rounded(),
        Computed(),
        Steps(),
        Extreme(),
        Chosen(),
        Margin(),
        Sorted(),
        Opening(),
        AfterFailure(),
        TriedAgain(),
        Changed(),
        AroundChange(),
        Told(),
        AnswerForm(),
        Form(),
        Wording(),
    )
}
"""Families by name, as keys spell it."""
