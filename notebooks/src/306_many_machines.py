# ---
# jupyter:
#   labs:
#     title: "Training on many machines"
#     question: What do machines have to tell each other to train one network, what does it cost, and what if one of them is gone?
#     part: 3
#     will:
#       - train one network with several processes, equal to one process in every step
#       - complete the ring that adds their gradients, and count its bytes
#       - say from measured steps where more workers stop paying
#       - lose a worker, notice it, and go on with those that are left
#     need: Lessons 301 (a network's gradient) and 305 (rates and steps).
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# A stateless service scales by replicas: they never talk to each other, so ten do about ten times the work. A database with
# synchronous replicas is different. Each write waits until *all* have it, and the slowest decides. **Training on many machines is of
# the second kind**: each step ends in an agreement.
#
# The likeness ends here: replicas hold the same data to be safe. Workers hold *different* data to be fast, and only what they
# learn is the same.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# ## See it: one network, three processes
#
# 240 pictures a step. One process takes them all, or three processes take 80 each: real processes, joined by TCP. Each has its own
# copy of the network. After each step they agree.

# %% tags=["setup"]
import inspect
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from labsupport import plots
from labsupport.exercises import check, claim, guess, hint, quiz, reveal, solution, suppose, use

plots.use_style()

# %%
from labsupport.dl import crew
from labsupport.dl.parallel import Settings

settings = Settings(hidden=(64,), batch=240, steps=60, rate=0.1, seed=SEED)
alone = crew.train(settings, workers=1)[0].said
three = [report.said for report in crew.train(settings, workers=3)]
apart = np.abs(np.array(three[0]["losses"]) - alone["losses"]).max()
print(f"loss {alone['losses'][0]:.2f} at first, {alone['losses'][-1]:.2f} after 60 steps")
print(
    f"three workers: the same losses, {'less' if apart < 1e-6 else 'more'} than 1e-6 apart; "
    f"{len({one['digest'] for one in three})} set of weights among them"
)
claim("three workers have the losses of one, step by step", apart < 1e-6)
claim("their weights are the same to the last bit", len({one["digest"] for one in three}) == 1)

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(7, 3))
for one, color in zip(three, (plots.ORANGE, plots.GREEN, plots.PURPLE), strict=True):
    axes.plot(one["own"], color=color, lw=0.9, alpha=0.8)
axes.plot([], [], color=plots.ORANGE, lw=0.9, label="each worker, its own 80 pictures")
axes.plot(three[0]["losses"], color=plots.INK, lw=2, label="three workers together")
axes.plot(
    range(0, 60, 4),
    alone["losses"][::4],
    "o",
    color=plots.BLUE,
    ms=5,
    label="one process, all 240",
)
axes.set(title="Three opinions, one step", xlabel="step", ylabel="loss (nats)")
axes.legend()
own = np.array([one["own"] for one in three])
plots.show(
    figure,
    alt="Three thin lines of loss, one a worker, cross each other all the time while they fall; a thick line runs through their middle, and the dots of a single process lie on it.",
    summary=f"The workers' own losses lie {np.ptp(own, axis=0).mean():.2f} apart on average; together they fall from {alone['losses'][0]:.2f} to {alone['losses'][-1]:.2f}, as those of one process.",
)

# %% [markdown]
# ## Build it: an average of averages
#
# This is **data parallel** training: each worker works out the gradient on its own rows, and all take the same step along the
# gradient of all rows. How does the gradient of 240 rows come of three workers' gradients? You know the trap from
# dashboards: the mean of per-pod means is not the mean.

# %% [markdown]
# **Exercise 306.1 (5 minutes).** Each worker sends the *mean* gradient of its rows and how many rows it had. Return the gradient
# of all rows together. Parts may be uneven, and a worker may have had no row at all: its mean is 0 divided by 0, `nan`.


# %% tags=["exercise"] exercise="306.1"
def combine(gradients, rows):
    """Return the mean gradient over all rows (n,). `gradients`: a list of arrays (n,), one a worker; `rows`: a list of counts."""
    ### BEGIN SOLUTION
    total = np.zeros(len(gradients[0]))
    for gradient, count in zip(gradients, rows, strict=True):
        if count:
            total += count * gradient
    return total / sum(rows)
    ### END SOLUTION


# %%
check("306.1", combine)

# %% [markdown]
# On the real network: 100 rows, dealt to four workers unevenly, against one gradient of all.

# %%
from labsupport.dl.parallel import Replica, batch_of, data_of

combine = use("306.1", combine)
data = data_of(settings)
replica = Replica(settings, data)
batch = batch_of(settings, 0)[:100]
parts = np.split(batch, [70, 90, 98])
whole = replica.gradient_sum(batch)[:-1] / len(batch)
means = [replica.gradient_sum(part)[:-1] / len(part) for part in parts]
size = np.abs(whole).max()
off = {
    "weighed by rows": np.abs(combine(means, [len(part) for part in parts]) - whole).max()
    / size,
    "mean of means": np.abs(np.mean(means, axis=0) - whole).max() / size,
}
for name, error in off.items():
    print(
        f"{name:<16} off by {'less than 1e-6' if error < 1e-6 else f'{error:.0%}'} of the largest slope"
    )
claim("weighed by rows it is the gradient of the whole batch", off["weighed by rows"] < 1e-6)
claim("the mean of means is off by a tenth or more", off["mean of means"] > 0.1)

# %% [markdown]
# Our workers send *sums*, and all divide at the end. Then the network between them needs one operation only: **all-reduce**. Everybody
# brings a vector, everybody leaves with the sum.

# %% tags=["exercise"] exercise="306.a"
### BEGIN SOLUTION
choice_a = "C"
### END SOLUTION
quiz("306.a", choice_a)

# %% [markdown]
# ### Who tells whom?
#
# The plain way: everybody sends its vector to everybody. With N workers each sends N - 1 vectors. Or a server collects and
# answers: then *its* link carries all.
#
# The **ring**: cut the vector into N blocks, and talk to your right neighbour only. In the first half each worker takes a block
# from the left, adds its own numbers, and hands it on. Four workers on paper; each number says how many workers' numbers a block
# holds:

# %%
from labsupport.dl.rounds import beginning, first_half, play, step_of

print(inspect.getsource(first_half))
holds = beginning(4)
for step in range(4):
    print(f"after {step} step" + "s" * (step != 1))
    for rank in range(4):
        print(f"  worker {rank}: " + "  ".join(str(len(block)) for block in holds[rank]))
    if step < 3:
        holds = step_of(holds, first_half, step, add=True)

# %% [markdown]
# Each block is whole at one worker now (a 4), and nobody has two. In the second half whole blocks go round, and *replace* what was
# there.

# %% [markdown]
# **Exercise 306.2 (8 minutes).** Write the second half: which block does a worker give to its right neighbour in a step, and which does it take from
# its left one? Steps are 0 to N - 2; all give and take at once. After the last step everybody must have all blocks whole.


# %% tags=["exercise"] exercise="306.2"
def second_half(step, rank, workers):
    """Return (block to give, block to take), two numbers from 0 to workers - 1."""
    ### BEGIN SOLUTION
    return (rank + 1 - step) % workers, (rank - step) % workers
    ### END SOLUTION


# %%
check("306.2", second_half)

# %%
second_half = use("306.2", second_half)
ended = play(play(beginning(5), first_half, add=True), second_half, add=False)
claim(
    "with five workers everybody ends with everything",
    all(block == frozenset(range(5)) for blocks in ended for block in blocks),
)
print("five workers, all blocks whole:", all(len(block) == 5 for row in ended for block in row))

# %% [markdown]
# The real one, over TCP, with a `second_half` of its own. Who waits until all is sent before it receives, waits for ever as soon as
# blocks are larger than what the system keeps in between; `swap` does both side by side.

# %%
from labsupport.dl.ring import Ring

print(inspect.getsource(Ring.all_reduce))

# %% [markdown]
# From two workers to eight: by what factor does the number of bytes grow that *each* of them sends?

# %%
guess("306.g1", low=..., high=...)

# %%
VECTOR = 120_000 * 8  # bytes: so many numbers in float64
sent = {}
for workers in (2, 3, 4, 8):
    reports = crew.run("labsupport.dl.ring_trial", workers, [f"--seed={SEED}"])
    ways = {
        way: [report.said[way] for report in reports] for way in ("all_reduce", "pass_around")
    }
    worst = max(said["error"] for said in ways["all_reduce"])
    sent[workers] = {
        way: max(one["sent"] for one in said) / VECTOR for way, said in ways.items()
    }
    print(
        f"{workers} workers: ring {sent[workers]['all_reduce']:.3f} vectors each in {ways['all_reduce'][0]['frames']} messages, "
        f"plain {sent[workers]['pass_around']:.0f}; off a plain sum by {'less' if worst < 1e-6 else 'more'} than 1e-6"
    )
    claim(
        f"{workers} workers add as a plain sum, and each sends 2 (N - 1) / N vectors",
        worst < 1e-6
        and all(
            one["sent"] == 2 * (workers - 1) * VECTOR // workers for one in ways["all_reduce"]
        ),
    )
reveal("306.g1", sent[8]["all_reduce"] / sent[2]["all_reduce"])

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(5.4, 2.8))
for way, name, mark, color in (
    ("pass_around", "plain: whole vectors", "s--", plots.ORANGE),
    ("all_reduce", "ring: blocks", "o-", plots.BLUE),
):
    axes.plot(list(sent), [each[way] for each in sent.values()], mark, color=color, label=name)
axes.axhline(2, color=plots.INK, ls=":", lw=1, label="two vectors")
axes.set(
    title="What each worker sends", xlabel="workers", ylabel="sent (vectors)", xticks=list(sent)
)
axes.legend()
plots.show(
    figure,
    alt="Over two to eight workers the plain way rises in a straight line from one to seven vectors, the ring from one towards a dotted line at two.",
    summary=[
        f"{workers} workers: ring {each['all_reduce']:.3f}, plain {each['pass_around']:.0f} vectors"
        for workers, each in sent.items()
    ],
)

# %% [markdown]
# Never more than two vectors, however many workers: that is why rings won. (Fewer bytes than 2 (N - 1) / N are impossible for a
# sum that all get, as Patarasuk and Yuan show.) What does grow is the number of messages, and each of them waits for the one
# before.
#
# ### The batch has grown, too
#
# So far the batch stayed, and was dealt out. People add workers to do *more*: eight workers with 32 pictures each take 256
# a step, and a pass over the data has an eighth of the steps. Because all is equal, one process may play them. One worker,
# 4,000 pictures, four passes, five starts:

# %% tags=["nbval-ignore-output"]
from labsupport.dl.contest import paired
from labsupport.dl.scaling import accuracies

RATE = 0.02
one_worker = accuracies(1, RATE, SEED)
print(
    f"one worker: {one_worker.mean():.1f} % of unseen pictures right, from {one_worker.min():.1f} to {one_worker.max():.1f}"
)

# %%
guess("306.g2", ...)

# %% tags=["nbval-ignore-output"]
gaps = {}
for workers in (2, 4, 8):
    for name, rate in (("the same rate", RATE), ("rate x workers", RATE * workers)):
        gaps[workers, name] = gap, low, high = paired(
            accuracies(workers, rate, SEED), one_worker
        )
        print(f"{workers} workers, {name:<14} {gap:+6.1f} points ({low:+.1f} to {high:+.1f})")

# %%
reveal("306.g2", gaps[8, "the same rate"][1] > -2)
claim(
    "at the same rate eight workers are more than ten points worse",
    gaps[8, "the same rate"][2] < -10,
)
claim(
    "with the rate times the number of workers none loses two points on average",
    min(gap for (_, name), (gap, _, _) in gaps.items() if name == "rate x workers") > -2,
)

# %% [markdown]
# An eighth of the steps, each as long as before: they don't get far. A gradient of more rows is less noisy, so a longer step is safer;
# "rate times workers" is the **linear scaling rule** (Goyal et al. 2017). Keep it in mind for the end of this lesson.

# %% [markdown]
# ## Use it: when do more workers pay?
#
# Two trainings on one machine with two cores, the batch dealt out to 1 to 4 processes. `small` is a network of 784-64-10 and 64 pictures a
# step, `large` one of 784-512-256-10 and 960 pictures.

# %%
guess("306.g3", ...)

# %%
from labsupport.dl import speedup

steps, found = speedup.measured(), speedup.results()
print(f"measured on {found['date']}, {found['cores']} cores (python benchmarks/distributed.py)")
print(steps.round(2).to_string(index=False))
row = steps.set_index(["training", "workers"])
reveal("306.g3", bool(row.speed_up["small", 2] > 1))
claim(
    "two processes make the small step longer and the large one shorter",
    row.speed_up["small", 2] < 1 < row.speed_up["large", 2],
)
claim(
    "four processes are no faster than two cores allow",
    row.speed_up["large", 4] < 2,
)

# %% tags=["draw"]
figure, panels = plt.subplots(ncols=2, figsize=(7, 2.9))
for axes, name in zip(panels, ("small", "large"), strict=True):
    one = steps[steps.training == name]
    axes.bar(one.workers, one.work_ms, width=0.6, color=plots.BLUE, label="works")
    axes.bar(
        one.workers,
        one.talk_ms,
        width=0.6,
        bottom=one.work_ms,
        color=plots.ORANGE,
        label="talks and waits",
    )
    axes.plot(
        one.workers,
        one.step_ms.iloc[0] / one.workers,
        "o--",
        color=plots.INK,
        ms=4,
        label="shared fairly",
    )
    axes.set(title=f"The {name} step", xlabel="workers", ylabel="time (ms)", xticks=one.workers)
panels[0].legend(loc="upper left", fontsize=8.5)
plots.show(
    figure,
    alt="Bars of a step's time for one to four workers. In the small training work stays tiny and talk grows far above the single worker. In the large one work shrinks and talk fills up what was won.",
    summary=[
        f"{one.training}, {one.workers} workers: works {one.work_ms:.2f} ms, talks and waits {one.talk_ms:.2f} ms, speed-up {one.speed_up:.2f}"
        for one in steps.itertuples()
    ],
)

# %% [markdown]
# (*Works* is the slowest worker's own work by the clock, *talks and waits* the rest of the step.) Three limits. **Talk**: the small step's work hardly
# shrinks, and talk comes on top. **Cores**: a third process on two cores shares,
# it does not add. **The slowest**: who is done waits for who is not. On machines of their own the second goes, and the link becomes
# slower. The time of a picture, the size of the vector and the link foretell such a step:

# %%
print(inspect.getsource(speedup.step_seconds).split('"""')[2])
picture_s = row.work_ms["large", 1] / 960 / 1000
vector_bytes = 4 * (785 * 512 + 513 * 256 + 257 * 10)  # float32, as in the benchmark
links = {"10 Gbit/s": (1.25e9, 50e-6), "1 Gbit/s": (0.125e9, 200e-6)}
for link, (bytes_per_s, message_s) in links.items():
    times = {
        n: speedup.step_seconds(n, 960, picture_s, vector_bytes, bytes_per_s, message_s)
        for n in (1, 2, 4, 8, 32)
    }
    print(
        link,
        "speed-up:",
        ", ".join(f"{n} workers {times[1] / t:.1f}" for n, t in times.items()),
    )

# %% [markdown]
# A forecast, not a measurement: the bytes a second are those of the link, the 50 and 200 µs a message are assumed. Measure yours.

# %% tags=["exercise"] exercise="306.b"
### BEGIN SOLUTION
choice_b = "D"
### END SOLUTION
quiz("306.b", choice_b)

# %% [markdown]
# ### What people use: tf.distribute
#
# TensorFlow has the ring, and NCCL's on GPUs, behind a **strategy**. Each process reads from `TF_CONFIG` who it is and where the
# others are: our rank and addresses. The step of our training, written for it:

# %%
from labsupport.dl import tf_worker

loop = inspect.getsource(tf_worker.loop)
print(loop[loop.index("    def step") : loop.index("    losses = []")])

# %%
print(
    f"{found['date']}, TensorFlow {found['tensorflow']}, Keras {found['keras']}, two processes"
)
print(
    f"the loop: weights after {found['steps']} steps {found['loop_from_ring']:.0e} from our ring's"
)
print(f"model.fit under the strategy: exit {found['fit_status'][0]}, {found['fit_error']}")
claim(
    "tf.distribute's loop learns what our ring learns, and both its workers the same",
    found["loop_from_ring"] < 1e-6 and found["loop_same_weights"],
)

# %% [markdown]
# So with these versions the loop works, and Keras' `fit` over several processes did not on that day. Try yours.
#
# **Ray Train** adds no gradients: it starts workers in a cluster, tells each its rank, keeps checkpoints, and starts all again
# when one is lost (`FailureConfig(max_failures=3)`); the sum is the framework's. **Horovod** (Uber, 2017) brought the ring to TensorFlow and
# PyTorch: `horovodrun -np 4`, and an optimiser wrapped in one line. Its newest release is of June 2023.

# %% [markdown]
# ## Break it: a worker is gone
#
# Worker 1 of four is killed before step 33, without a goodbye (by its own SIGKILL, so that it is the same step for you). Worker 0 keeps
# a checkpoint every 20 steps.

# %%
with tempfile.TemporaryDirectory() as work:
    folder = Path(work) / "checkpoints"
    broken = crew.train(settings, 4, folder, dies=(1, 33))
    for report in broken:
        end = (
            f"killed by signal {-report.status}"
            if report.killed
            else f"noticed: lost worker {report.said['lost']}"
        )
        print(f"worker {report.rank}: {end}")
    print("left:", ", ".join(sorted(file.name for file in folder.iterdir())))
    resumed = [report.said for report in crew.train(settings, 3, folder)]
begun = resumed[0]["begun"]
apart = np.abs(np.array(resumed[0]["losses"]) - alone["losses"][begun:]).max()
print(
    f"three workers go on from step {begun}; {'less' if apart < 1e-6 else 'more'} than 1e-6 from a run without a loss"
)
claim(
    "everybody that is left names the lost one",
    broken[1].killed
    and {report.said.get("lost") for report in broken if not report.killed} == {1},
)
claim("the resumed training is the one that was broken off", begun == 20 and apart < 1e-6)

# %% [markdown]
# Who sees the connection close passes on the name; else each would blame the neighbour that stopped after *it* had noticed. Thirteen steps are
# done twice: that is the price, and `every` sets it.
#
# Three workers went on where four had been. For that a checkpoint needs weights, the optimiser's memory and the step, and one more thing:
# nobody may have to *remember* which rows come next.

# %% [markdown]
# **Exercise 306.3 (9 minutes).** Which rows does a worker take in a step? All workers together take `batch` rows a step and each row once
# a pass, in a new order each pass. The batch of a step must be the same for any number of workers, so that a training can go on with others. No
# worker has two rows more than another. `rows` is a whole number of batches.


# %% tags=["exercise"] exercise="306.3"
def rows_of(step, rank, workers, rows, batch, seed):
    """Return the row numbers (0 to rows - 1) of worker `rank` in a step, counted from 0 over all passes."""
    ### BEGIN SOLUTION
    a_pass = rows // batch
    order = np.random.default_rng([seed, step // a_pass]).permutation(rows)
    begin = step % a_pass * batch
    return np.array_split(order[begin : begin + batch], workers)[rank]
    ### END SOLUTION


# %%
check("306.3", rows_of)

# %%
rows_of = use("306.3", rows_of)
for workers in (4, 3):
    dealt = [rows_of(33, rank, workers, 3840, 240, SEED) for rank in range(workers)]
    union = sorted(int(row) for part in dealt for row in part)
    print(
        f"step 33, {workers} workers: {[len(part) for part in dealt]} rows, first of all {union[:4]}"
    )

# %% [markdown]
# ### A typical manifest
#
# A typical tutorial trains like this on Kubernetes (the handout's *DevOps for gradient descent*):

# %%
import yaml

manifest = """
apiVersion: apps/v1
kind: Job
metadata:
  name: distributed-training
spec:
  parallelism: 4
  template:
    spec:
      containers:
      - name: training
        image: horovod/horovod:latest
        command: ["horovodrun", "-np", "4", "python", "train.py"]
        env:
        - name: HOROVOD_RING
          value: "nccl"
"""
job = yaml.safe_load(manifest)["spec"]
command = job["template"]["spec"]["containers"][0]["command"]
a_pod = int(command[command.index("-np") + 1])
print(f"{job['parallelism']} pods, {a_pod} processes in each")

# %% [markdown]
# The API server refuses it twice: Jobs are of `batch/v1`, and need a `restartPolicy`. Both are repaired in a minute, and then it *runs*.
# `HOROVOD_RING` is no setting of Horovod, and is ignored without a word.

# %% tags=["exercise"] exercise="306.c"
### BEGIN SOLUTION
choice_c = "B"
### END SOLUTION
quiz("306.c", choice_c)

# %%
pods = [crew.train(settings, workers=2)[0].said for _ in range(2)]
print(f"two pods of two processes: {len({pod['digest'] for pod in pods})} set of weights")
claim(
    "what a second pod learns is what the first has learnt",
    pods[0]["digest"] == pods[1]["digest"],
)

# %% [markdown]
# Nothing in it tells a pod about the others. An Indexed Job does (`JOB_COMPLETION_INDEX` is the rank, a headless Service gives the
# addresses). Lab 606 starts this lesson's ring that way: `python -m labsupport.dl.parallel --rank ... --addresses ...`.

# %% [markdown]
# ### Refute it
#
# The linear scaling rule held for up to eight workers above. With other starts:

# %%
suppose("306.4", (8, 0.02))

# %% [markdown]
# **Exercise 306.4 (6 minutes).** Refute that: a case is a pair of workers (2 to 16) and one worker's rate (0.01 to 0.2). Where is there
# room to multiply, and where not?

# %% tags=["exercise"] exercise="306.4"
### BEGIN SOLUTION
case = (8, 0.1)
### END SOLUTION

# %%
check("306.4", case)

# %% [markdown]
# At 0.02 one worker crawls, and eight with the rule crawl as far; at a good rate there is little room to multiply. A fair contest
# tunes both sides alike: five rates each, the same starts and passes.

# %% tags=["nbval-ignore-output"]
best = {}
for workers in (1, 8):
    tried = {rate: accuracies(workers, rate, SEED) for rate in (0.05, 0.1, 0.2, 0.4, 0.8)}
    chosen = max(tried, key=lambda rate: tried[rate].mean())
    best[workers] = tried[chosen]
    print(f"{workers} workers: {tried[chosen].mean():.1f} % at its best rate, {chosen}")
gap, low, high = paired(best[8], best[1])
print(f"eight workers: {gap:+.1f} points ({low:+.1f} to {high:+.1f})")

# %%
claim("at its best rate of five, too, eight workers are four points behind or more", high < -4)

# %% [markdown]
# One long step is not worth eight short ones. What eight workers can buy is *time*: an eighth of the steps a pass. Here they pay for it in
# accuracy.

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="306.d"
### BEGIN SOLUTION
choice_d = "A"
### END SOLUTION
quiz("306.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# Whoever asks N others and waits for all of them waits for the slowest: a ring, a fan-out query, a deploy to N zones. What would that
# cost with **your** response times? Each row draws N of them at random, many times. (Real ones come in groups: a slow host is slow for
# all its requests. Then it is less bad on average, and worse when it is bad.)

# %%
from labsupport import own

log = own.access_log()  # own.access_log("access.log") reads yours
seconds, rng = log.seconds.dropna().to_numpy(), np.random.default_rng(SEED)
for workers in (1, 2, 4, 8, 16, 64):
    slowest = rng.choice(seconds, (2_000, workers)).max(axis=1).mean()
    idle = 1 - seconds.mean() / slowest
    print(
        f"{workers:>3} at a time: {slowest:.3f} s for all, {max(idle, 0):.0%} of the paid time waits"
    )

# %% [markdown]
# ## Take away
#
# - Data parallel: own rows, one step. The gradient of all rows is the mean weighed by rows; send sums.
# - A ring costs each worker less than two vectors, however many there are. Messages grow, and so does waiting.
# - More workers pay while a step's work is long beside its talk. Measure both.
# - A bigger batch is another training: tune its rate again, and compare at equal passes.
# - A lost worker ends the step for all. Weights, memory, step, and rows that follow from the step: with these, others go on.

# %%
from labsupport.course.picture import system_so_far

system_so_far("306")

# %% [markdown]
# **Next**: 307 searches for the rate, the size and the rest: with which tries, and at what price?
