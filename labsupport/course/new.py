"""The skeleton of a lesson: source, checkers and tests that build and pass at once, for the author to replace."""

import json
import re
from pathlib import Path

from labsupport import files, paths
from labsupport.course import catalogue, source
from labsupport.errors import LabsError

SOURCE = """\
# ---
# jupyter:
#   labs:
#     title: {title}
#     question: Say here which one question the lesson answers?
#     part: {part}
#     will:
#       - say here, a line each, what the learner will do
#     need: Say here what a reader must know before.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# Say here which DevOps idea this resembles, and where the likeness ends.

# %% tags=["parameters"]
SEED = 0
{cluster}
# %% [markdown]
# ## See it
#
# Say here what real thing runs, and show it in a picture.

# %% tags=["setup"]
import matplotlib.pyplot as plt
import numpy as np

from labsupport import plots
from labsupport.exercises import check, claim, guess, hint, quiz, reveal, solution, suppose, use

plots.use_style()

# %%
guess("{number}.g1", ...)

# %% tags=["draw"]
values = np.random.default_rng(SEED).normal(size=50).cumsum()
figure, axes = plt.subplots()
axes.plot(values)
axes.set(title="Say here what the picture shows", xlabel="step (count)", ylabel="value (unit)")
plots.show(figure, alt="Say here which shape the line has.", summary=f"{{len(values)}} steps")

# %% [markdown]
# ## Build it
#
# Say here what the core idea is; build it by hand, small enough to read.
{exercises}
# %% [markdown]
# ## Use it
#
# Say here what the library does that people use. Ask before a number that surprises.

# %%
guess("{number}.g2", low=..., high=...)

# %%
reveal("{number}.g1", values[-1] > values[0])
reveal("{number}.g2", len(values))
claim("say here what was learnt, as a sentence that this run shows", len(values) == 50)

# %% [markdown]
# ## Break it
#
# Say here which fault is injected, and what its symptom is.

# %%
values[20] = np.nan
print(f"One gap, and the mean of {{len(values)}} values is {{values.mean()}}.")

# %% [markdown]
# ### Refute it
#
# Say here what this run suggests. Is it always so?

# %%
suppose("{number}.4", 3)

# %% [markdown]
# **Exercise {number}.4 (5 minutes).** Find a case, a whole number from 0 to 99, in which the sentence fails.

# %% tags=["exercise"] exercise="{number}.4"
### BEGIN SOLUTION
case = 1
### END SOLUTION

# %%
check("{number}.4", case)

# %% [markdown]
# ## Quiz
{quizzes}
# %% [markdown]
# ## Take it to work
#
# Say here which question a reader can ask of their own system, in at most ten lines.

# %%
from labsupport import own

samples = own.prometheus()  # own.prometheus("answer.json") reads yours
print(f"{{len(samples)}} values of {{samples.metric.nunique()}} metrics")

# %% [markdown]
# ## Take away
#
# - Say here what stays, in five lines at most.

# %%
from labsupport.course.picture import system_so_far

system_so_far("{number}")

# %% [markdown]
# **Next**: say here where to go.
"""

EXERCISE = '''
# %% [markdown]
# **Exercise {key} (5 minutes).** Say here what to write: one clear task.


# %% tags=["exercise"] exercise="{key}"
def {name}(x):
    """Return x times {factor}; say shapes and units here."""
    ### BEGIN SOLUTION
    return {factor} * x
    ### END SOLUTION


# %%
check("{key}", {name})
'''

QUIZ = """
# %% tags=["exercise"] exercise="{key}"
### BEGIN SOLUTION
choice_{letter} = "{right}"
### END SOLUTION
quiz("{key}", choice_{letter})
"""

CHECKERS = '''\
"""Lesson {number}, {topic}: checkers, hints, quiz and guesses."""

from typing import Any

from labsupport.exercises import Measured, expect, refute
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail

exercises = Exercises("{number}")
'''

CHECKER = '''

@exercises.check("{n}", "Say here what it is about", hints=("Say here a first hint.", "Say here more."))
def {name}(answer: Guarded) -> str:
    """Say here what is tried on the answer."""
    function = expect.function(answer)
    saw = expect.returned_number(lambda: function(3.0), "the result")
    if not expect.close(saw, 3.0 * {factor}, 1e-9):
        causes = {{3.0: "x came back unchanged", 3.0 + {factor}: "you added where you should multiply"}}
        raise Fail(f"{{saw:g}} for 3", f"{{3.0 * {factor}:g}}", causes.get(saw, "work it out on paper first"))
    return "Say here what the answer showed."
'''

REFUTE = '''

@exercises.refute(
    "4",
    "Say here a plausible sentence that is too strong",
    case="a whole number from 0 to 99",
    hints=("Say here where to look.", "Say here what is special there."),
)
def too_strong(case: Any) -> Measured:
    """Say here what is measured of a case."""
    number = refute.whole_number(case, 0, 99, "the number")
    return Measured(number**2 > number, f"{{number}} has the square {{number**2}}")


exercises.guess("g1", "Say here a sentence that will turn out true or not")
exercises.guess("g2", "Say here which number", unit="its unit")
'''

QUESTION = """
exercises.quiz(
    "{letter}",
    "Say here one question.",
{options}
)  # fmt: skip
"""

TESTS = '''\
"""Lesson {number}: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

WRONG = {{
{wrong}
}}
RIGHT = {{
{right}
}}
'''

NAMES = {"1": ("first_answer", 2), "2": ("second_answer", 3), "3": ("third_answer", 4)}
RIGHT_OPTIONS = {"a": "A", "b": "B", "c": "C"}


def create(number: str, topic: str) -> list[Path]:
    """Write the three files of a new lesson and return them.

    Raises LabsError for a number or topic that is not one, a number that is taken or not in the syllabus, or a file that exists; nothing is
    written then.
    """
    if not re.fullmatch(r"[1-9]\d\d", number):
        raise LabsError(f"{number!r} is not a lesson's number: three digits, the first one its part, such as 206.")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", topic):
        raise LabsError(f"{topic!r} is not a topic: small letters, digits and underscores, such as loss_functions.")
    taken = source.find_sources().get(number)
    if taken:
        raise LabsError(f"Lesson {number} exists already: {taken.name}. Choose another number.")
    if missing := catalogue.why_not_listed(number):
        raise LabsError(missing[0].upper() + missing[1:])
    root = paths.course_root()
    contents = {
        root / "notebooks" / "src" / f"{number}_{topic}.py": _source(number, topic),
        root / "labsupport" / "lessons" / f"lesson_{number}.py": _checkers(number, topic),
        root / "tests" / "lessons" / f"test_lesson_{number}.py": _tests(number),
    }
    for path in contents:
        if path.exists():
            raise LabsError(f"{path} exists already; nothing was written. Move it away or choose another number.")
    try:
        for path, text in contents.items():
            files.write_text(path, text)
    except BaseException:
        for path in contents:
            path.unlink(missing_ok=True)
        raise
    return list(contents)


def _source(number: str, topic: str) -> str:
    exercises = "".join(
        EXERCISE.format(key=f"{number}.{n}", name=name, factor=factor) for n, (name, factor) in NAMES.items()
    )
    quizzes = "".join(
        QUIZ.format(key=f"{number}.{letter}", letter=letter, right=r) for letter, r in RIGHT_OPTIONS.items()
    )
    # What JSON quotes, YAML reads.
    title = json.dumps(catalogue.titles()[number], ensure_ascii=False)
    cluster = 'CLUSTER = "auto"\n' if number.startswith("6") else ""
    return SOURCE.format(
        number=number, title=title, part=number[0], cluster=cluster, exercises=exercises, quizzes=quizzes
    )


def _checkers(number: str, topic: str) -> str:
    text = CHECKERS.format(number=number, topic=topic.replace("_", " "))
    text += "".join(CHECKER.format(n=n, name=name, factor=factor) for n, (name, factor) in NAMES.items())
    text += REFUTE.format(number=number)
    for letter, right in RIGHT_OPTIONS.items():
        options = [
            f'    ("Option {o}.", {o == right}, "Reason {o}: why this is {"right" if o == right else "wrong"}."),'
            for o in "ABC"
        ]
        text += QUESTION.format(letter=letter, options="\n".join(options))
    return text


def _tests(number: str) -> str:
    wrong, right = [], []
    for n, (name, factor) in NAMES.items():
        head = f"def {name}(x):\\n    return "
        wrong.append(
            f'    "{number}.{n}": {{\n'
            f'        "unchanged": ("{head}x", "unchanged"),\n'
            f'        "added": ("{head}x + {factor}", "added"),\n'
            "    },"
        )
        right.append(f'    "{number}.{n}": {{"by adding": "{head}{" + ".join(["x"] * factor)}"}},')
    wrong.append(
        f'    "{number}.4": {{\n'
        '        "a case in which it holds": ("case = 7", "7 has the square 49"),\n'
        '        "no whole number": ("case = 0.5", "outside of the rules"),\n'
        "    },"
    )
    right.append(f'    "{number}.4": {{"another case": "case = 0.0"}},')
    return TESTS.format(number=number, wrong="\n".join(wrong), right="\n".join(right))
