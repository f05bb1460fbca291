"""What holds for the exercises of every lesson: stubs, references, hints, quizzes, and that wrong answers are covered."""

import importlib.util
import inspect
import re
import time
from pathlib import Path

import pytest

from labsupport import files, paths
from labsupport.cluster import lab, look
from labsupport.course import source
from labsupport.errors import LabsError
from labsupport.exercises import answers, proof
from labsupport.exercises.define import Exercises, exercises_of
from labsupport.exercises.engine import evaluate, quiz
from labsupport.exercises.proof import Kind
from labsupport.exercises.render import Card


def tables(number: str) -> tuple[dict, dict]:
    path = Path(__file__).with_name(f"test_lesson_{number}.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.WRONG, module.RIGHT


SOURCES = source.find_sources(paths.sources())
# A lesson that was never built fails one test below and does not stop the tests of the others.
BUILT = [number for number in SOURCES if (paths.ANSWERS / f"{number}.json").exists()]
NUMBERS = [number for number in BUILT if answers.load(number)["exercises"]]
EXERCISES = [key for number in NUMBERS for key in exercises_of(number).exercises]
# The rest looks at the cluster: its references run live (tests/notebooks), its mistakes are recorded snapshots.
OFFLINE = [key for key in EXERCISES if not proof.is_on_cluster(key)]
WRONG, RIGHT = ({key: named for n in NUMBERS for key, named in tables(n)[which].items()} for which in (0, 1))
ANSWERS = [(key, name) for key, named in RIGHT.items() for name in named]
QUIZZES = [key for number in NUMBERS for key in exercises_of(number).quizzes]


@pytest.mark.parametrize("number", SOURCES)
def test_every_lesson_was_built(number: str) -> None:
    assert number in BUILT, f"run: labs build {number}"


@pytest.mark.parametrize("number", NUMBERS)
def test_checkers_and_notebook_have_the_same_exercises(number: str) -> None:
    assert sorted(exercises_of(number).keys) == sorted(answers.load(number)["exercises"])


@pytest.mark.parametrize("number", [number for number in NUMBERS if number != "000"])
def test_a_lesson_has_three_to_six_exercises_and_three_to_five_questions(number: str) -> None:
    lesson: Exercises = exercises_of(number)
    assert 3 <= len(lesson.exercises) <= 6
    assert 3 <= len(lesson.quizzes) <= 5


@pytest.mark.parametrize("key", OFFLINE)
def test_the_reference_passes_and_the_check_answers_at_once(key: str) -> None:
    reference = answers.reference(key)
    started = time.process_time()
    outcome = evaluate(key, reference)
    took = time.process_time() - started
    assert outcome.kind is Kind.PASS, proof.diagnosis(outcome)
    # The first one may import a library or make a week of telemetry.
    assert took < 1.5 or any(_paces(key, reference) < 60 for _ in range(3))


def _paces(key: str, reference: object) -> float:
    """How long the check works, in paces: 60 are 1.5 s on two quiet cores of 2026, more where other work empties the caches."""
    began = time.process_time()
    sum(i * i for i in range(400_000))
    middle = time.process_time()
    evaluate(key, reference)
    return (time.process_time() - middle) / (middle - began)


def _reads_seed(key: str) -> bool:
    lesson, solution = answers.load(key[:3]), answers.entry(key)["solution"]
    needed = [answers.entry(other)["solution"] for other in answers.entry(key)["needs"]]
    return any("SEED" in code.replace("SEED = 0", "") for code in (solution, *needed, *lesson["setup"]))


@pytest.mark.parametrize("key", [key for key in OFFLINE if _reads_seed(key)])
def test_the_reference_passes_with_another_seed(key: str) -> None:
    outcome = proof.outcome_of_reference(key, 3)
    assert outcome.kind is Kind.PASS, proof.diagnosis(outcome)


@pytest.mark.parametrize("key", WRONG)
def test_each_mistake_gets_its_own_diagnosis(key: str) -> None:
    causes = set()
    for mistake, (given, words) in WRONG[key].items():
        assert words.strip(), (
            f"{mistake}: words that the learner is told belong here, or whatever the checker says would do"
        )
        outcome = proof.outcome_of(key, given)
        assert outcome.kind in (Kind.FAIL, Kind.ERROR), f"{mistake}: {outcome.kind} {proof.diagnosis(outcome)}"
        assert words in proof.diagnosis(outcome), f"{mistake}: {proof.diagnosis(outcome)}"
        # A star or a line below of the learner's own must not become Markdown: only words of a sentence are emphasised.
        shown = Card("FAIL", key, [("", proof.diagnosis(outcome))]).as_html()
        assert not re.sub(r"(?<=[ >(])<em>[a-zA-Z ]+</em>(?=[ ,:;.)<])", "", shown).count("<em>"), f"{mistake}: {shown}"
        causes.add(outcome.cause or outcome.question)
    assert len(causes) >= 2, f"{key}: its mistakes get the same diagnosis"


@pytest.mark.parametrize("key", WRONG)
def test_the_diagnoses_of_an_exercise_differ(key: str) -> None:
    said = [words for _, words in WRONG[key].values()]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(("key", "name"), ANSWERS)
def test_another_right_answer_passes(key: str, name: str) -> None:
    outcome = proof.outcome_of(key, RIGHT[key][name])
    assert outcome.kind is Kind.PASS, proof.diagnosis(outcome)


@pytest.mark.parametrize("key", OFFLINE)
def test_the_untouched_stub_is_not_yet_an_answer(key: str) -> None:
    assert proof.outcome_of_stub(key).kind is Kind.NOT_YET


@pytest.mark.parametrize("key", OFFLINE)
@pytest.mark.parametrize(
    "strange", [None, "text", [], object(), len, {"a": 1}], ids=["None", "text", "list", "object", "function", "dict"]
)
def test_a_strange_answer_gets_a_sentence(key: str, strange: object) -> None:
    outcome = evaluate(key, strange)
    assert outcome.kind in (Kind.FAIL, Kind.ERROR)
    assert proof.diagnosis(outcome).strip()


def test_a_check_of_the_cluster_asks_for_the_lab_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "_current", [])
    for key in EXERCISES:
        # The book of a game day is there without a lab.
        if exercises_of(key).exercises[key].look is not look:
            continue
        with pytest.raises(LabsError, match=f"looks at the cluster: run the cell with .*{key[:3]}"):
            evaluate(key)


@pytest.mark.parametrize("key", EXERCISES)
def test_every_exercise_has_two_mistakes_and_another_right_answer(key: str) -> None:
    assert len(WRONG.get(key, {})) >= 2, f"{key} needs two named mistakes"
    assert len(RIGHT.get(key, {})) >= 1, f"{key} needs a right answer written differently"
    if key in OFFLINE:
        reference = answers.entry(key)["solution"].split()
        assert all(code.split() != reference for code in RIGHT[key].values())


@pytest.mark.parametrize("key", EXERCISES)
def test_hints_lead_on_and_checkers_are_documented(key: str) -> None:
    exercise = exercises_of(key).exercises[key]
    assert len(exercise.hints) >= 2
    assert len(set(exercise.hints)) == len(exercise.hints)
    assert 2 <= exercise.minutes <= 10
    assert inspect.getdoc(exercise.checker)


@pytest.mark.parametrize("key", QUIZZES)
def test_every_option_of_a_quiz_explains_itself(
    key: str, capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("LABS_HOME", str(tmp_path))
    question = exercises_of(key).quizzes[key]
    reasons = [option.reason for option in question.options.values()]
    assert len(question.options) >= 3
    assert len(set(reasons)) == len(reasons)
    for letter, option in question.options.items():
        quiz(key, letter.lower())
        shown = capsys.readouterr().out
        assert shown.startswith("PASS" if option.right else "FAIL")
        assert option.reason.split()[0] in shown


@pytest.mark.parametrize("number", NUMBERS)
def test_the_solved_notebook_shows_the_words_that_the_lesson_has_now(number: str) -> None:
    def plain(text: str) -> str:
        return re.sub(r"[\s`*_]+", "", text)

    notebook = files.read_notebook(paths.notebooks() / "solutions" / f"{SOURCES[number].stem}.ipynb")
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    shown = plain(" ".join(output.data["text/plain"] for output in outputs if "data" in output))
    lesson = exercises_of(number)
    words = [exercise.title for exercise in lesson.exercises.values()]
    words += [asked.question for asked in lesson.quizzes.values()]
    words += [asked.options[asked.right].reason for asked in lesson.quizzes.values()]
    words += [guess.text for guess in lesson.guesses.values()]
    assert [one for one in words if plain(one) not in shown] == [], f"run: labs build {number}"


# So few questions may lean in a course with two lessons.
SLACK = 3


def test_nobody_who_always_takes_one_letter_does_well() -> None:
    letters = [exercises_of(key).quizzes[key].right for key in QUIZZES]
    assert max(letters.count(letter) for letter in set(letters)) <= 0.4 * len(letters) + SLACK


def test_nobody_who_always_takes_the_longest_option_does_well() -> None:
    longest = []
    for key in QUIZZES:
        question = exercises_of(key).quizzes[key]
        lengths = {letter: len(option.text) for letter, option in question.options.items()}
        longest.append(lengths[question.right] == max(lengths.values()))
    assert sum(longest) <= 0.4 * len(longest) + SLACK
