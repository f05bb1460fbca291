"""The gate before a Workflow's last step, read for 603.1 and 610.4 as the labs' controller reads it."""

import re
from collections.abc import Iterable

from labsupport.exercises.outcomes import FinalFail
from labsupport.workflows import values


def judge(said: str | None, task: str) -> None:
    """Raise FinalFail for a `when` that does not let the verdict `better` of that task through, and nothing else."""
    reference = f"tasks.{task}.outputs.parameters.verdict"
    wanted = f"when: {{{{{reference}}}}} == better"
    if said is None:
        cause = "as it is, a bad model becomes champion, too: `when` decides whether a task whose turn it is runs"
        raise FinalFail("`register` has no `when`", wanted, cause)
    if "{{=" in said:
        question = "this controller knows no expressions, `{{=...}}`: how does a plain reference look?"
        raise FinalFail(f"when: {said}", wanted, question=question)
    if f"{{{{{reference}}}}}" not in re.sub(r"\s", "", said):
        cause = "the verdict is an output of `evaluate`: {{tasks.evaluate.outputs.parameters.verdict}}"
        raise FinalFail(f"when: {said}", wanted, cause)
    through = let_through(said, reference, ("better", "worse"), wanted)
    better, worse = "better" in through, "worse" in through
    if not better or worse:
        cause = f"for `better` this is {better}, for `worse` it is {worse}"
        raise FinalFail(f"when: {said}", "a gate that lets `better` through, and nothing else", cause)


def let_through(said: str, reference: str, verdicts: Iterable[str], wanted: str) -> list[str]:
    """Return which verdicts, the values of a reference, hold; raises FinalFail for a `when` that is no one comparison."""
    try:
        if set("()&|") & set(said):
            raise ValueError
        return [word for word in verdicts if values.holds(values.fill(said, {reference: word}))]
    except ValueError:
        cause = "this controller reads one comparison, `A == B` or `A != B`, without brackets, `&&` and `||`"
        raise FinalFail(f"when: {said}"[:120], wanted, cause) from None
