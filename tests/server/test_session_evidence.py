"""What transcripts say of a turn: checks by their exit codes, and what the person said next."""

from __future__ import annotations

import pytest
from mcp import Client

from explib.models.json_value import Json
from explib.models.trajectories import Step, ToolCall
from explib.settings.program import Settings
from explib_server.importers.sessions.checks import check
from explib_server.importers.sessions.evidence import Evidence, Known, evidence
from explib_server.importers.sessions.own import request_in, retrieval_in, without_block, without_own
from explib_server.importers.sessions.reactions import reaction
from explib_server.importers.sessions.shortening import MAX_CHARACTERS, MAX_STEPS, shortened
from explib_server.mcp.server import build_server

CHECKS = """pytest -q
cd x && FOO=1 uv run pytest -q
npm test
pnpm run test:unit
yarn test
cargo test -p x
go test ./...
make check
tox -e py311
ruff check .
mypy
npx tsc --noEmit
npx eslint src
./gradlew :app:testDebugUnitTest
mvn -q verify
ctest --output-on-failure
docker compose exec -T web pytest -q
python3.11 -m unittest
.venv/bin/pytest
uv run --with x python -m pytest
timeout 60 pytest
bash -lc 'cd a && pytest -q'
poetry run python manage.py test
node --test
npm run build
make
make -C sub test
sh check.sh
./scripts/test.sh
python tests/run_tests.py
(cd sub && pytest)
set -o pipefail; pytest | tail -5
pytest > out.txt 2>&1
export A=1; pytest
cargo fmt --check""".splitlines()
OTHERS = """grep foo x
test -f x
pytest || true
pytest | tail -5
pytest; echo done
pytest --version
pytest &
! pytest
if pytest; then echo a; fi
ls tests
cat tests/test_x.py
npm install
npm ci
git commit -m 'test'
echo pytest
uv pip install pytest
make clean
make -n test
python app.py
python check_prices.py
cd tests
ruff format .
find . -name test""".splitlines()


@pytest.mark.parametrize("line", CHECKS)
def test_a_check_is_known_however_it_is_started(line: str) -> None:
    assert getattr(check(line, 0, ""), "passed", None) is True
    assert getattr(check(line, 1, "1 failed"), "passed", None) is False


@pytest.mark.parametrize("line", OTHERS)
def test_what_is_no_check_or_hides_its_exit_code_says_nothing(line: str) -> None:
    assert [check(line, code, "") for code in (0, 1)] == [None, None]


@pytest.mark.parametrize(
    ("line", "code", "output"),
    [
        ("pytest", 5, "no tests ran in 0.01s"),
        ("pytest", 127, "bash: line 1: pytest: command not found"),
        ("timeout 9 pytest", 124, ""),
        ("make test", 2, "make: *** No rule to make target 'test'.  Stop."),
        ("python -m pytest", 1, "/usr/bin/python: No module named pytest"),
        ("npm test", 1, 'npm ERR! Missing script: "test"'),
        ("npm install && npm test", 1, "network"),
    ],
)
def test_a_check_that_did_not_run_says_nothing(line: str, code: int, output: str) -> None:
    assert check(line, code, output) is None


def steps(*lines: tuple[str, int | str]) -> Known:
    """Commands with their exit codes, and edits of files."""
    made: list[Step] = [Step("user", "Mend it.")]
    exits: dict[str, int] = {}
    for at, (what, code) in enumerate(lines):
        arguments: dict[str, Json] = {"file_path": what} if isinstance(code, str) else {"command": what}
        name = code if isinstance(code, str) else "Bash"
        made.append(Step("assistant", "", (ToolCall(f"c{at}", name, arguments),)))
        made.append(Step("tool", "", answers_call=f"c{at}", is_error=code == 1))
        if isinstance(code, int):
            exits[f"c{at}"] = code
    return Known([*made, Step("assistant", "Done.")], exits)


@pytest.mark.parametrize(
    ("known", "reward"),
    [
        (steps(("a.py", "Edit"), ("pytest", 1), ("a.py", "Edit"), ("pytest", 0)), 1.0),
        (steps(("a.py", "Edit"), ("pytest", 0), ("pytest -k b", 1)), 0.0),
        (steps(("pytest", 0), ("a.py", "Edit")), None),
        (steps(("pytest", 0), ("README.md", "Edit")), 1.0),
        (steps(("pytest", 0), ("sed -i s/a/b/ a.py", 0)), None),
        (steps(("pytest", 0), ("echo x > a.py", 0)), None),
        (steps(("pytest", 0), ("git checkout -- a.py", 0)), None),
        (steps(("pytest", 0), ("look", "Task")), None),
        (steps(("pytest", 0), ("grep -n foo a.py", 1)), 1.0),
        (steps(("pytest", 1), ("ruff check .", 0)), 0.0),
        (steps(("pytest", 0), ("ruff check .", 1)), 0.0),
        (steps(("ls", 0)), None),
    ],
)
def test_the_last_check_after_the_last_edit_is_the_reward(known: Known, reward: float | None) -> None:
    found = evidence(known)
    assert (None if found is None else found.reward) == reward
    assert found is None or found.source == "test"


CORRECTED = (
    "No, wrong: use grams", "no that's not what I meant", "That's wrong", "it still fails", "Still the same error",
    "undo that", "you forgot the tests", "Nein, nimm Gramm", "Das ist falsch", "geht immer noch nicht",
    "bitte mach das rückgängig", "Non, c'est faux", "ça ne marche pas", "No funciona", "está mal", "sigue fallando",
    "違います、グラムで", "まだ動かない", "やり直して", "不对，要用克", "还是不行", "撤销吧",
    "Thanks, but it still fails",
)  # fmt: skip
ACCEPTED = (
    "thanks!", "Perfect, now add a label", "LGTM", "it works", "commit this", "ok, commit and push", "Danke!",
    "Super, passt", "Committe das bitte", "merci beaucoup", "Parfait", "gracias", "Perfecto",
    "ありがとう", "コミットして", "谢谢", "太好了", "提交吧", "Now open a PR",
)  # fmt: skip
UNTOLD = (
    "Now the ivy.", "no problem, go on", "No thanks", "continue", "yes", "Add a stop button", "stop the server on exit",
    "The login doesn't work on mobile", "Fix the wrong total in invoices", "commit messages should be linted",
    "push notifications are missing", "Thanks, but why did the tests take so long?", "weiter", "続けて", "继续",
    "Great Britain is missing in the list", "nonblocking reads please", "revert the order of the columns",
    "Notiere alle Fehler",
)  # fmt: skip


@pytest.mark.parametrize("said", CORRECTED)
def test_a_correction_grades_the_turn_before_with_0(said: str) -> None:
    told = reaction("Weigh the parcel.", said)
    assert told is not None
    assert (told.reward, told.corrects) == (0.0, True)


@pytest.mark.parametrize("said", ACCEPTED)
def test_thanks_and_a_commit_grade_the_turn_before_with_1(said: str) -> None:
    told = reaction("Weigh the parcel.", said)
    assert told is not None
    assert (told.reward, told.corrects) == (1.0, False)


@pytest.mark.parametrize("said", UNTOLD)
def test_words_that_do_not_say_grade_nothing(said: str) -> None:
    assert reaction("Weigh the parcel.", said) is None


def test_the_same_request_again_is_a_redo_and_a_like_one_is_not() -> None:
    assert getattr(reaction("Make the pump report litres.", "make the pump report litres!"), "corrects", False)
    assert reaction("Mend test A in the module", "Mend test B in the module") is None
    assert reaction("continue", "continue") is None


def test_a_no_to_a_question_of_the_agents_is_its_answer() -> None:
    assert reaction("Weigh it.", "No, leave the docs", answer="Shall I update the docs too?") is None
    assert reaction("Weigh it.", "That's wrong", answer="Shall I update the docs too?") is not None


def test_a_check_outweighs_what_is_inferred_and_both_are_told() -> None:
    known = steps(("a.py", "Edit"), ("pytest", 0))
    said = reaction("Mend it.", "No, wrong.")
    found = evidence(Known(known.steps, known.exits, is_interrupted=True, reaction=said))
    assert found is not None
    assert (found.reward, found.source) == (1.0, "test")
    assert found.sentence.endswith("The person's next words corrected it: “No, wrong.”")
    assert evidence(Known(known.steps, {}, is_interrupted=True)) == Evidence(
        0.0, "inferred", "The person interrupted the agent."
    )
    assert evidence(Known(known.steps, {})) is None


def test_what_is_ours_is_taken_out_and_tells_its_retrieval_and_the_attempt_it_submitted() -> None:
    served = '{"retrieval_id": "r_0198c2f4a1b3c9d2e4f01", "experiences": []}'
    calls = (ToolCall("1", "mcp__explib__get_experiences", {}), ToolCall("2", "Read", {}))
    taken = without_own(
        (
            Step("user", '<explib-lessons retrieval="r_x">lesson</explib-lessons>\nMend it.'),
            Step("assistant", "", calls),
            Step("tool", served, answers_call="1"),
            Step("tool", "text", answers_call="2"),
            Step("assistant", "", (ToolCall("3", "explib-submit_trajectory", {}),)),
            Step("tool", "Stored as t_0198c2f4a1b3c9d2e4f0a. Group of 1.", answers_call="3"),
            Step("assistant", "Done."),
        )
    )
    assert [step.text for step in taken.steps] == ["Mend it.", "", "text", "Done."]
    assert [call.name for step in taken.steps for call in step.calls] == ["Read"]
    assert (taken.retrieval_id, taken.trajectory_id) == ("r_0198c2f4a1b3c9d2e4f01", "t_0198c2f4a1b3c9d2e4f0a")


def test_the_block_of_lessons_is_known_also_where_a_client_escapes_it() -> None:
    escaped = '&lt;explib-lessons retrieval="r_0198c2f4a1b3c9d2e4f01"&gt;\nUse grams.\n&lt;/explib-lessons&gt;'
    assert retrieval_in(escaped) == "r_0198c2f4a1b3c9d2e4f01"
    assert without_block(f"{escaped} Go.") == "Go."


def test_a_long_turn_is_cut_in_the_middle_and_a_usual_one_is_not() -> None:
    usual = (Step("user", "Go."), Step("assistant", "x" * 10_000))
    assert shortened(usual) == usual
    long = shortened([Step("tool", "a" * 100_000 + "z")] * 3_000)
    assert len(long) == MAX_STEPS + 1
    assert sum(len(step.text) for step in long) < 3 * MAX_CHARACTERS
    assert long[-1].text.endswith("z")


async def test_a_prompt_of_ours_is_no_request_but_for_the_task_in_it() -> None:
    assert request_in("/mcp__explib__bad it must be grams") is None
    assert request_in("/mcp__explib__solve_with_experience weigh it now") == "weigh it now"
    assert request_in("/deploy it now") == "/deploy it now"
    async with Client(build_server(Settings(embedder="none"))) as client:
        for name, arguments, task in (
            ("bad", {"reason": "grams"}, None),
            ("reflect_and_submit", {}, None),
            ("learn", {}, None),
            ("solve_with_experience", {"task": "weigh it now"}, "weigh it now"),
        ):
            [message] = (await client.get_prompt(name, arguments)).messages
            text = getattr(message.content, "text", "")
            assert request_in(text) == task, name
        assert retrieval_in(text) is not None
