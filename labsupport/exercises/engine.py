"""check, hint, solution, use, quiz, claim, suppose: what a learner calls."""

import sys
import time
from typing import Any

from labsupport.errors import LabsError
from labsupport.exercises import answers, progress
from labsupport.exercises.define import Exercise, exercises_of
from labsupport.exercises.guard import Guarded, time_limit, watch_arguments
from labsupport.exercises.outcomes import Fail, Kind, LearnerError, NotAttempted, Outcome, TimeUp
from labsupport.exercises.render import Card, show, show_error
from labsupport.exercises.state import known_state


class ClaimError(AssertionError):
    """A sentence of the lesson does not hold in this run."""


# "No answer was handed over", which is not the `...` of an untouched cell.
_NONE = object()
# How often a check that looks at a cluster looks again, and after which pause: where looking is slow, so is the cluster.
LOOKS_AGAIN, PAUSE_SECONDS = 10, 0.5


def check(key: str, answer: Any = _NONE) -> None:
    """Check an answer: PASS, NOT YET, FAIL with a diagnosis, or ERROR with your own traceback.

    What is outside of the notebook, as a cluster, needs a moment to settle: such a check looks again before it says FAIL,
    unless the checker says that this FAIL is final.
    """
    try:
        outcome = evaluate(key, answer)
        for _ in range(LOOKS_AGAIN if _exercise(key).look else 0):
            if outcome.kind is not Kind.FAIL or outcome.final:
                break
            time.sleep(PAUSE_SECONDS)
            outcome = evaluate(key, answer)
    except LabsError as error:
        show_error(key, error)
        return
    note = progress.record_outcome(key, outcome.kind)
    show(_card(outcome, exercises_of(key).exercises[key].title, note))


def hint(key: str) -> None:
    """Show the next hint of an exercise."""
    try:
        exercise = _exercise(key)
    except LabsError as error:
        show_error(key, error)
        return
    seen = progress.hints_seen(key)
    if seen < len(exercise.hints):
        note = progress.record_hint(key)
        lines = [("", exercise.hints[seen]), *_note(note)]
        show(Card("HINT", f"{seen + 1} of {len(exercise.hints)} for {key}", lines))
    else:
        again = [(str(i + 1), text) for i, text in enumerate(exercise.hints)]
        show(
            Card("HINT", f"for {key}: that was all", [*again, ("", f'`solution("{key}")` shows the reference answer.')])
        )


def solution(key: str) -> None:
    """Show the reference answer of an exercise; your progress records that it was shown."""
    try:
        exercise, known = _exercise(key), answers.entry(key)
    except LabsError as error:
        show_error(key, error)
        return
    note = progress.record_solution_shown(key)
    show(Card("HINT", f"One answer to {key}, {exercise.title}", _note(note), known["solution"]))


def use(key: str, answer: Any) -> Any:
    """Return your answer if its check passes, else the reference answer, and say which."""
    if evaluate(key, answer).kind is Kind.PASS:
        print(f"Going on with your answer to {key}.")
        return answer
    main = sys.modules.get("__main__")
    with known_state():
        value = answers.reference(key, getattr(main, "SEED", None))
    print(f"Going on with the reference answer to {key}, because yours does not pass yet.")
    return value


def quiz(key: str, choice: Any = ...) -> None:
    """Ask a question, or say why your choice is right or wrong."""
    try:
        lesson = exercises_of(key)
        if key in lesson.exercises:
            raise LabsError(f'{key} is an exercise: check("{key}", ...).')
        if key in lesson.guesses:
            raise LabsError(f'{key} is a guess: guess("{key}", ...).')
        if key not in lesson.quizzes:
            raise LabsError(f"{key} is a lesson. Its questions are: {', '.join(lesson.quizzes)}.")
    except LabsError as error:
        show_error(key, error)
        return
    question = lesson.quizzes[key]
    letters = list(question.options)
    if choice is ... or choice is None:
        asked = [(letter, option.text) for letter, option in question.options.items()]
        progress.record_outcome(key, Kind.NOT_YET)
        show(Card("QUIZ", f"{key} {question.question}", asked))
        return
    letter = str(choice).strip(" \t\n().:").upper()
    if letter not in letters:
        asked = [(name, option.text) for name, option in question.options.items()]
        show(
            Card(
                "QUIZ",
                f"{key} {question.question}",
                [*asked, ("", f"Choose one of {', '.join(letters)}; you wrote `{choice!r}`.")],
            )
        )
        return
    option = question.options[letter]
    kind = Kind.PASS if option.right else Kind.FAIL
    note = progress.record_outcome(key, kind)
    show(Card(kind, f"{key} {question.question}", [(f"{letter}", option.text), ("Why", option.reason), *_note(note)]))


def claim(text: str, condition: Any) -> None:
    """State what the lesson has just shown; raises ClaimError when this run does not show it."""
    if not bool(condition):
        raise ClaimError(
            f"This run does not show it: {text}. The course promises it for SEED 0 to 4 and for cells that "
            "run once, in order. Restart the kernel and run all cells; if it says so again, please report it: it is a bug."
        )
    print(f"Holds: {text}.")


def suppose(key: str, case: Any) -> None:
    """State the sentence that exercise `key` wants refuted, and how well the lesson's own case supports it.

    Raises ClaimError when the case does not support it, LabsError when the exercise refutes nothing.
    """
    refutable = _exercise(key).refutable
    if refutable is None:
        raise LabsError(
            f"{key} has no sentence to refute: suppose() belongs to an exercise that was declared by refute()."
        )
    with known_state():
        measured = refutable.condition(case)
    if not measured.held:
        raise ClaimError(
            f"This run does not suggest it: {refutable.sentence} ({measured.numbers}). If you changed the case, "
            "yours refutes it: give it to the exercise. Else, if all cells ran once, in order, please report it: it is a bug."
        )
    print(f"It seems so: “{refutable.sentence}” ({measured.numbers}).")


def evaluate(key: str, answer: Any = _NONE, *, seen: Any = None) -> Outcome:
    """Run the checker of an exercise on an answer; nothing is shown or recorded. Raises LabsError for an unknown key.

    An exercise with a `look` judges what it sees, whatever the answer is; `seen` is what a test lets it see.
    """
    exercise = _exercise(key)
    if exercise.look is not None:
        answer = exercise.look.now(key) if seen is None else seen
    if answer is ... or answer is _NONE:
        return Outcome(
            Kind.NOT_YET, key, f'Write your answer in the cell above, run it, then this one. Stuck? `hint("{key}")`'
        )
    given = Guarded(answer) if callable(answer) and not isinstance(answer, type) else answer
    try:
        with known_state(), watch_arguments() as changes, time_limit(exercise.seconds):
            text = exercise.checker(given)
    except NotAttempted as reason:
        what = str(reason) or "Replace the line that raises NotImplementedError."
        return Outcome(Kind.NOT_YET, key, f'{what} Stuck? `hint("{key}")`')
    except Fail as failure:
        texts = failure.saw, failure.expected, failure.cause
        return Outcome(Kind.FAIL, key, "", *texts, question=failure.question, final=failure.final)
    except LearnerError as error:
        return Outcome(Kind.ERROR, key, f"Your code raised `{error.summary}`", code=error.where)
    except TimeUp:
        cause = (
            "a loop whose condition never becomes false, or work that grows much faster than the input: which is it?"
        )
        return Outcome(
            Kind.FAIL, key, "", f"no answer after {exercise.seconds:g} s", "an answer within that time", cause
        )
    except Exception as error:  # a strange answer that the checker's own arithmetic choked on
        saw = f"an answer of type `{type(answer).__name__}` that the check could not work with ({type(error).__name__}: {error})"
        question = "which type does the exercise ask for, and what does `type(...)` say of yours?"
        return Outcome(Kind.FAIL, key, "", saw, "the type that the exercise asks for", question=question)
    if changes and not exercise.may_change:
        return _changed(key, *changes[0])
    return Outcome(Kind.PASS, key, text)


def _changed(key: str, name: str, what: str) -> Outcome:
    saw = f"the right result, and a changed argument: {what}"
    cause = (
        "`.sort()`, `.pop()`, `[...] = ...`, `+=` on an array and the like change what the caller holds: work on a copy"
    )
    return Outcome(Kind.FAIL, key, "", saw, f"`{name}` as it was given, because later cells still use it", cause)


def _exercise(key: str) -> Exercise:
    lesson = exercises_of(key)
    if key in lesson.quizzes:
        raise LabsError(f'{key} is a question, it explains itself: quiz("{key}", "A").')
    if key in lesson.guesses:
        raise LabsError(f'{key} is a guess, nothing is checked: guess("{key}", ...).')
    if key not in lesson.exercises:
        raise LabsError(f"{key} is a lesson. Its exercises are: {', '.join(lesson.exercises)}.")
    return lesson.exercises[key]


def _card(outcome: Outcome, title: str, note: str | None) -> Card:
    lines = [("", outcome.text)] if outcome.text else []
    for name, text in (
        ("Saw", outcome.saw),
        ("Expected", outcome.expected),
        ("Likely cause", outcome.cause),
        ("Ask yourself", outcome.question),
    ):
        if text:
            lines.append((name, text))
    if outcome.kind in (Kind.FAIL, Kind.ERROR):
        lines.append(("", f'Try again, or ask: `hint("{outcome.key}")`'))
    return Card(outcome.kind, f"{outcome.key} {title}", lines + _note(note), outcome.code)


def _note(note: str | None) -> list[tuple[str, str]]:
    return [("Note", note)] if note else []
