# ---
# jupyter:
#   labs:
#     title: Start here
#     question: What is in this course, and how do I work with it?
#     part: 0
#     will:
#       - see the map and choose your route
#       - let the doctor look at your machine
#       - check, fail, ask for a hint and pass, once
#       - find out in three minutes whether you have what you need
#     need: Python functions, and to have seen the output of `kubectl get`. No calculus.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The map
#
# The course takes you from world models through machine learning, deep learning, reinforcement learning and data to labs
# on a Kubernetes cluster. One simulated web service runs through all of it: you model it, learn from its telemetry, learn
# to scale it, spoil its data, and in the end deploy what you built and keep it alive.
#
# It follows a **handout**, *Machine Learning Foundations for DevOps Engineers*: one short snippet for each idea, as in many
# tutorials. Where a lesson speaks of "a typical tutorial", it runs such a snippet as it stands, and you repair it.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# This is a notebook. Click into a cell and press Shift+Enter to run it; B adds a cell below. Run the next one first, it
# brings in what the others use.

# %% tags=["setup"]
from labsupport import doctor, findings, plots
from labsupport.course import catalogue, copies, overview
from labsupport.course.picture import course_map
from labsupport.course.tables import show_table
from labsupport.exercises import (
    check,
    claim,
    guess,
    hint,
    quiz,
    reveal,
    show_calibration,
    solution,
    use,
)

plots.use_style()

# %%
course_map()

# %% [markdown]
# ## The lessons and their times
#
# Minutes are for reading, running and solving. Seconds and memory are for running every cell; both were measured.

# %%
catalogue.show_lessons()

# %% [markdown]
# ## Four routes
#
# Take the lessons in order, or take the route that fits your time. In a workshop, the teacher says which. On Binder a
# session ends and takes everything with it: `labs save` in a terminal packs your work; right-click the zip in the file list
# and download it. In the next session, upload it, and `labs restore FILE` brings your work back.

# %%
catalogue.show_routes()

# %% [markdown]
# ## Your machine
#
# The doctor looks for what could go wrong: Python, libraries, disk, memory, Docker, proxies. Each finding comes with the
# line that mends it. In a terminal: `labs doctor`.

# %% tags=["nbval-ignore-output"]
print(findings.text(doctor.examine()))

# %% [markdown]
# ## How an exercise works
#
# By `make lab` or Binder you work in a copy of your own: nothing you do can damage the course, and `labs reset 101` in a
# terminal gives you a fresh copy of 101. Write your answer, run its cell, then the cell with `check`:
#
# - **NOT YET**: there is no answer yet.
# - **PASS**: right. Yours may look different from ours.
# - **FAIL**: what was seen, what was expected, and the most likely cause.
# - **ERROR**: your own code raised; you see your own line.
#
# A loop without end is stopped after some seconds.

# %% [markdown]
# **Exercise 000.1 (2 minutes).** An easy one, to try it out. First write `return len(latencies_ms)`, run both cells, and
# read what the check says. Then solve it.


# %% tags=["exercise"] exercise="000.1"
def share_of_slow(latencies_ms, limit_ms):
    """Return the share (0 to 1) of the latencies, a list of milliseconds, that are above the limit."""
    ### BEGIN SOLUTION
    return sum(latency > limit_ms for latency in latencies_ms) / len(latencies_ms)
    ### END SOLUTION


# %%
check("000.1", share_of_slow)

# %% [markdown]
# Stuck? Each run of the next cell gives the next hint. `solution("000.1")` shows one right answer, and your progress
# remembers it: a file on this machine. Give it to a teacher, and it shows your attempts, hints and solutions.

# %%
hint("000.1")

# %% [markdown]
# Later cells never wait for you. `use` takes your answer if it passes, and ours if not, and says which:

# %%
share_of_slow = use("000.1", share_of_slow)
print(
    f"Share of requests above 300 ms: {float(share_of_slow([120, 180, 450, 90, 310], 300)):.1f}"
)

# %% [markdown]
# ### Guess first, then look
#
# Before a number that surprises, a lesson asks you to `guess`: how probable is a sentence, or between which two numbers does
# a value lie (wide enough to hold it in 8 of 10 cases)? `reveal` then tells the truth and scores your **first** guess; leaving it out costs nothing. So go
# cell by cell: with *Run All*, the truth stands there before you thought about it.
#
# Ten services stand in a chain, each up 99.9 % of the time and independent of the others. Put a probability for `...`, 0.7 say.

# %%
guess("000.g1", ...)

# %%
chain = 0.999**10
print(f"all ten are up {chain:.3%} of the time")
reveal("000.g1", chain >= 0.99)
claim("ten services in a chain lose about ten times what one loses", 0.009 < 1 - chain < 0.01)

# %% [markdown]
# The last line is ours: `claim("...", condition)` is a sentence of the lesson that code checks, and the cell fails if it is not
# true. Some lessons give you such a sentence to **refute**: you look for the case in which it breaks.

# %% [markdown]
# ## Do you have what you need?
#
# Four questions, three minutes. Put a letter in quotes. The first two are Python: if both are hard, do a Python tutorial
# with a little NumPy first. The third is about latency; if it was new to you, begin all the same. The last one is for the
# labs of part 6.

# %% tags=["exercise"] exercise="000.a"
### BEGIN SOLUTION
choice_a = "B"
### END SOLUTION
quiz("000.a", choice_a)

# %% tags=["exercise"] exercise="000.d"
### BEGIN SOLUTION
choice_d = "C"
### END SOLUTION
quiz("000.d", choice_d)

# %% tags=["exercise"] exercise="000.c"
### BEGIN SOLUTION
choice_c = "A"
### END SOLUTION
quiz("000.c", choice_c)

# %% tags=["exercise"] exercise="000.b"
### BEGIN SOLUTION
choice_b = "C"
### END SOLUTION
quiz("000.b", choice_b)

# %% [markdown]
# **Next**: [101, from clouds to rain](101_world_models.ipynb). What follows here is to look things up.

# %% [markdown]
# ## Where you are
#
# Your progress is a file on this machine. If a lesson was improved after you began it, it is listed here, too.

# %% tags=["nbval-ignore-output"]
print(overview.lessons_of_learner())
print(copies.outdated_text())

# %% [markdown]
# And your guesses, of all lessons: of what you called 80 %, how much came true?

# %% tags=["nbval-ignore-output"]
show_calibration()

# %% [markdown]
# ## Words
#
# English, and the handout's Vietnamese.

# %%
catalogue.show_glossary()

# %% [markdown]
# ## Thanks
#
# The handout follows the video [ML Foundations](https://www.youtube.com/watch?v=BUTjcAjfMgY). The weather is NOAA's, from the
# `vega_datasets` package; the pictures of clothes are Zalando's Fashion-MNIST.
