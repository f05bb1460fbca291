"""The learner's code runs on copies, in silence, within its time, and its errors are told from the checker's."""

import signal
import threading
import time

import numpy as np
import pandas as pd
import pytest

from labsupport.exercises import check
from labsupport.exercises.engine import evaluate
from labsupport.exercises.guard import learners_code, time_limit
from labsupport.exercises.outcomes import Kind, LearnerError, NotAttempted, TimeUp

pytestmark = pytest.mark.usefixtures("lesson")


def endless(data):
    while True:
        pass


def catches_every_exception(data):
    while True:
        try:
            while True:
                pass
        except Exception:
            continue


def catches_everything_once(data):
    try:
        while True:
            pass
    except BaseException:
        while True:
            pass


@pytest.mark.parametrize(
    "function", [endless, catches_every_exception, catches_everything_once], ids=lambda function: function.__name__
)
def test_an_endless_loop_is_reported_and_the_process_goes_on(function) -> None:
    outcome = evaluate("199.1", function)
    assert outcome.kind is Kind.FAIL
    assert outcome.saw == "no answer after 0.5 s"
    assert outcome.cause.startswith("a loop whose condition never becomes false")
    assert evaluate("199.1", sum).kind is Kind.PASS
    assert signal.getitimer(signal.ITIMER_PROF) == (0, 0), "no alarm is left"


def test_a_time_limit_gives_back_the_alarm_of_somebody_else() -> None:
    def somebody_elses(number, frame) -> None:
        """Belongs to the program around the check."""

    before = signal.signal(signal.SIGALRM, somebody_elses)
    try:
        with pytest.raises(TimeUp), time_limit(0.05):
            endless([])
        assert signal.getsignal(signal.SIGALRM) is somebody_elses
    finally:
        signal.signal(signal.SIGALRM, before)


def test_time_in_which_others_have_the_processor_does_not_count() -> None:
    with time_limit(0.2):
        time.sleep(0.4)


def test_code_that_only_waits_is_stopped_by_the_clock() -> None:
    with pytest.raises(TimeUp), time_limit(0.05):
        time.sleep(60)
    assert signal.getitimer(signal.ITIMER_REAL) == signal.getitimer(signal.ITIMER_PROF) == (0, 0), "no alarm is left"


def test_outside_the_main_thread_a_check_works_without_a_limit() -> None:
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(evaluate("199.1", sum).kind))
    thread.start()
    thread.join()
    assert outcomes == [Kind.PASS]


def test_the_traceback_shows_the_learners_lines_only() -> None:
    def reshape(data):
        return np.array(data).reshape(7)

    def wrong(data):
        return reshape(data)

    outcome = evaluate("199.1", wrong)
    assert outcome.kind is Kind.ERROR
    lines = outcome.code.splitlines()
    assert [line.split(": ", 1)[1] for line in lines[:-1]] == [
        "return reshape(data)",
        "return np.array(data).reshape(7)",
    ]
    assert lines[-1].startswith("ValueError: cannot reshape")


def test_the_traceback_of_a_library_ends_at_the_learners_call() -> None:
    import json

    def parses(data):
        return json.loads("{")

    assert evaluate("199.1", parses).code.splitlines()[:-1] == [
        f'line {parses.__code__.co_firstlineno + 1} in parses: return json.loads("{{")'
    ]


def test_a_message_of_many_lines_is_one_line_in_the_summary_and_whole_below() -> None:
    def wrong(data):
        raise ValueError("first line\nsecond line")

    outcome = evaluate("199.1", wrong)
    assert outcome.text == "Your code raised `ValueError: first line`"
    assert outcome.code.endswith("ValueError: first line\nsecond line")


def test_exit_in_an_answer_is_an_error_of_the_answer_and_not_the_end_of_the_kernel() -> None:
    def leaves(data):
        raise SystemExit(0)

    assert evaluate("199.1", leaves).text == "Your code raised `SystemExit: 0`"


def test_a_learner_who_interrupts_a_check_gets_the_kernel_back() -> None:
    def interrupted(data):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate("199.1", interrupted)


def test_endless_recursion_is_an_error() -> None:
    def deeper(data):
        return deeper(data)

    outcome = evaluate("199.1", deeper)
    assert outcome.text.startswith("Your code raised `RecursionError")
    assert len(outcome.code.splitlines()) < 25


def test_what_a_library_has_not_implemented_is_no_untouched_stub() -> None:
    def half_life(data):
        times = pd.date_range("2026", periods=3)
        return pd.Series(data).ewm(halflife="1s", times=times, adjust=False).mean().sum()  # type: ignore[arg-type]

    outcome = evaluate("199.1", half_life)
    assert outcome.kind is Kind.ERROR
    assert "NotImplementedError: times is not supported with adjust=False" in outcome.text


def test_what_the_learner_prints_is_kept_back(capsys: pytest.CaptureFixture[str]) -> None:
    def chatty(data):
        print("debugging" * 1000)
        return sum(data)

    check("199.1", chatty)
    assert capsys.readouterr().out == "PASS 199.1 The sum\n  The data is still [3, 1, 2].\n"


def test_a_block_of_the_learners_code_tells_a_stub_from_a_fault() -> None:
    with pytest.raises(NotAttempted), learners_code():
        raise NotImplementedError("199.1: replace this line with your code")
    with pytest.raises(LearnerError, match="KeyError: 'lost'"), learners_code():
        raise KeyError("lost")


def test_a_limit_that_is_not_reached_costs_nothing() -> None:
    started = time.perf_counter()
    with time_limit(30):
        pass
    assert time.perf_counter() - started < 5
