# ---
# jupyter:
#   labs:
#     title: "Activations, and what to monitor in them"
#     question: When a deep network does not learn, which layer is to blame, and could a dashboard have said so?
#     part: 3
#     will:
#       - measure layer by layer how a gradient vanishes, and say which activation does it
#       - compute how sure a network is, for scores of any size
#       - watch a Keras training with Prometheus gauges for dead and saturated units
#       - find a bad start by its gauges alone, and repair the layer
#       - say what saturation does not tell
#     need: Lesson 301 (layers, ReLU, the walk back). Lesson 202 helps with gauges and labels.
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# For each resource of a service you watch utilisation, saturation and errors. The page says "the shop is slow"; the gauges say *which* disk is full. A
# deep network has one symptom too: the loss does not fall. **Its layers can have gauges**: units that are stuck at 0, values that
# are pressed against their limit, gradients that arrive too small.
#
# The likeness ends twice. A dead pod is restarted; a dead unit stays. And a disk at 100 % is always bad news. A unit at its limit
# may be just what the network wanted to say.

# %% tags=["parameters"]
SEED = 0

# %% [markdown]
# ## See it: three networks, one learns nothing
#
# The clothes of lesson 301, and a deep network: eight hidden layers of 64 units. Three versions differ in the bend behind each layer. They begin with the
# weights that are usual for it (at random, variance 1/inputs; with ReLU 2/inputs).
# Each gets the same three tries for its step.

# %% tags=["setup"]
import inspect
import os
import warnings

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from labsupport import plots
from labsupport.exercises import check, claim, guess, hint, quiz, reveal, solution, suppose, use

plots.use_style()
pd.options.display.width = 120
COLORS = {"sigmoid": plots.ORANGE, "tanh": plots.BLUE, "relu": plots.INK}
MARKERS = {"sigmoid": "s", "tanh": "o", "relu": "^"}

# %%
from labsupport.dl.activations import deep_network
from labsupport.dl.fashion import fashion_mnist
from labsupport.dl.descent import train

bundled, _ = fashion_mnist()
x = bundled.images.reshape(-1, 784) / np.float32(255)
labels = bundled.labels.astype(int)
val_x, val_y = x[10_000:], labels[10_000:]


def accuracies(network, count=6_000, rate=0.1, epochs=5):
    """Train, and return the accuracy on unseen pictures after each epoch; shorter if the loss is no number any more."""
    steps = train(
        network, x[:count], labels[:count], rate=rate, epochs=epochs, batch=64,
        rng=np.random.default_rng(SEED),
    )  # fmt: skip
    seen = [np.mean(network.forward(val_x).argmax(axis=1) == val_y)]
    try:
        with np.errstate(all="ignore"):
            for _ in steps:
                seen.append(np.mean(network.forward(val_x).argmax(axis=1) == val_y))
    except ValueError:
        pass
    return 100 * np.array(seen)


runs = {}
for kind in COLORS:
    tries = {
        rate: accuracies(deep_network(kind, 8, np.random.default_rng(SEED)), rate=rate)
        for rate in (0.03, 0.1, 0.3)
    }
    best = max(tries, key=lambda rate: tries[rate][-1])
    runs[kind] = tries[best]
    print(
        f"{kind:<8}" + "".join(f"  step {r}: {curve[-1]:.0f} %" for r, curve in tries.items())
    )

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(5.6, 2.4))
for kind, curve in runs.items():
    axes.plot(curve, color=COLORS[kind], marker=MARKERS[kind], ms=5, label=kind)
axes.axhline(10, color="#888888", linestyle=":")
axes.text(2.2, 13, "guessing", fontsize=8.5, color="#555555")
axes.set(
    title="Eight hidden layers: the best of three tries each",
    xlabel="epoch",
    ylabel="right on unseen pictures (%)",
    ylim=(0, 95),
)
axes.legend(loc="center right")
plots.show(
    figure,
    alt="Two curves rise to about eighty percent within three epochs; the third, of the sigmoid, stays level at ten.",
    summary=[f"{kind}: {curve[-1]:.0f} % after five epochs" for kind, curve in runs.items()],
)

# %%
claim(
    "with sigmoid and usual weights the deep network stays at guessing, whatever the step",
    max(runs["sigmoid"]) < 16,
)
claim("tanh and ReLU learn", min(runs["tanh"][-1], runs["relu"][-1]) > 70)

# %% [markdown]
# No error, no warning, a loss that is a number. On a dashboard with one loss curve all you see is "flat". Why?
#
# ## Build it: bends and their slopes
#
# An **activation function** is the bend behind a layer. What goes forward is its value; what goes *back* is multiplied by its **slope**. Four are common:
# - **ReLU** `max(0, x)`: slope 1 or 0.
# - **Sigmoid** `1 / (1 + e^-x)`: from 0 to 1.
# - **Tanh** `(e^x - e^-x) / (e^x + e^-x)`: from -1 to 1.
# - **Softmax** (301): for the last layer only.

# %%
from labsupport.dl import activations

print(inspect.getsource(activations.Sigmoid))
print(inspect.getsource(activations.Tanh))
grid = np.linspace(-6, 6, 241)
curves = {}
for kind in COLORS:
    stage = activations.KINDS[kind].stage()
    curves[kind] = stage.forward(grid), stage.backward(np.ones_like(grid))
    print(f"steepest slope of {kind}: {curves[kind][1].max():.2f}")
claim("a sigmoid passes back a quarter at most", curves["sigmoid"][1].max() == 0.25)

# %% tags=["draw"]
figure, panels = plt.subplots(ncols=2, figsize=(6, 2.3))
for kind, both in curves.items():
    for axes, values in zip(panels, both, strict=True):
        axes.plot(grid, values, color=COLORS[kind], label=kind)
panels[0].set(
    title="What goes forward", xlabel="weighted sum", ylabel="value", ylim=(-1.15, 2.1)
)
panels[1].set(title="What comes back", xlabel="weighted sum", ylabel="slope", ylim=(-0.05, 1.1))
panels[0].legend(loc="upper left")
plots.show(
    figure,
    alt="Left, three curves: ReLU is level and then rises without end; sigmoid runs from 0 to 1, tanh from -1 to 1. Right, their slopes: a step from 0 to 1, a low hill of a quarter, and a steep hill of 1; both hills are nearly 0 beyond 4.",
    summary=[f"slope at 0 and at 4, {kind}: {b[120]:.2f} and {b[200]:.3f}" for kind, (_, b) in curves.items()],
)  # fmt: skip

# %% [markdown]
# ### Formulas meet large numbers
#
# The formula of tanh above is the one in a typical tutorial (the handout's *Common activation functions*). Write it as it stands, hand it 1000, and do the
# same with softmax and scores of 10,000:

# %%
big = np.array([0.5, 20.0, 1000.0])
scores = np.array([[10_000.0, 9_999.0, 0.0]])
with np.errstate(all="ignore"):
    as_written = (np.exp(big) - np.exp(-big)) / (np.exp(big) + np.exp(-big))
    naive = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
print("tanh as written ", as_written, "| np.tanh", np.tanh(big))
print("softmax as written", naive)

from labsupport.dl.network import softmax

print(inspect.getsource(softmax).split('"""')[2])
print(softmax(scores).round(3))
claim("the formulas as written give nan", np.isnan(as_written[2]) and np.isnan(naive).any())
claim("the shifted softmax does not", np.allclose(softmax(scores).sum(axis=1), 1))

# %% [markdown]
# Softmax looks at *differences* only. So take off the row's largest score first: the largest power is then e^0 = 1, and nothing can overflow.
#
# **Exercise 302.1 (8 minutes).** How *sure* is a network? The mean of a softmax row says nothing: it is 1/k for ever. Its **entropy** does: the sum
# of p · log2(1/p), in bits. It is 0 for one sure answer, log2(k) for a guess among k. Write it for scores of up to 10,000 of either sign, which differ
# between rows; a score of `-inf` is a class that is ruled out.


# %% tags=["exercise"] exercise="302.1"
def bits(scores):
    """Return the entropy of each row's softmax in bits, shape (n,). `scores`: (n, k) numbers, some may be -inf."""
    ### BEGIN SOLUTION
    raised = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    p = raised / raised.sum(axis=1, keepdims=True)
    surprise = np.log2(p, out=np.zeros_like(p), where=p > 0)
    return -(p * surprise).sum(axis=1)
    ### END SOLUTION


# %%
check("302.1", bits)

# %%
bits = use("302.1", bits)
for kind in COLORS:
    network = deep_network(kind, 8, np.random.default_rng(SEED))
    before = np.mean(bits(network.forward(val_x)))
    reached = accuracies(network)[-1]
    after = np.mean(bits(network.forward(val_x)))
    print(
        f"{kind:<8} {before:.2f} bits at the start, {after:.2f} trained, {reached:.0f} % right"
    )
    claim(
        f"trained, {kind} is {'as unsure as a guess' if kind == 'sigmoid' else 'surer by more than a bit'}",
        after > 3 if kind == "sigmoid" else after < before - 1,
    )

# %% [markdown]
# ### Where the gradient goes
#
# The walk back multiplies, layer by layer: by weights, and by slopes. The weights here start as people start them: with ReLU and tanh, values then keep their size on the way *forward*
# (variance 1/inputs; 2/inputs for ReLU, which drops half). We take the root mean square of each layer's gradient, its typical size. With sigmoid, how many powers of ten smaller is it at the first of eight hidden layers than at the last?

# %%
guess("302.g1", low=..., high=...)

# %%
from labsupport.dl.activations import gradient_rms

arriving = {
    kind: np.array(
        [
            gradient_rms(
                deep_network(kind, 8, np.random.default_rng([SEED, start])), x[:500], labels[:500]
            )
            for start in range(5)
        ]
    )[:, :8]
    for kind in COLORS
}  # fmt: skip
lost = {kind: np.log10(sizes[:, 7] / sizes[:, 0]) for kind, sizes in arriving.items()}
for kind, powers in lost.items():
    print(
        f"{kind:<8} last / first: {10 ** powers.mean():>9,.1f} times (five starts: {10 ** powers.min():,.1f} to {10 ** powers.max():,.1f})"
    )
reveal("302.g1", float(lost["sigmoid"].mean()))

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(5.6, 2.5))
for kind, sizes in arriving.items():
    axes.plot(
        range(1, 9),
        np.exp(np.log(sizes).mean(axis=0)),
        color=COLORS[kind],
        marker=MARKERS[kind],
        ms=5,
        label=kind,
    )
    axes.fill_between(
        range(1, 9), sizes.min(axis=0), sizes.max(axis=0), color=COLORS[kind], alpha=0.2
    )
axes.set(
    title="What arrives of the gradient (bands: five starts)",
    xlabel="hidden layer (the walk back goes to the left)",
    ylabel="gradient, root mean square",
    yscale="log",
)
axes.legend(loc="lower right")
plots.show(
    figure,
    alt="On a logarithmic scale the curves of tanh and ReLU are level; that of the sigmoid falls in a straight line to the left, over four powers of ten.",
    summary=[
        f"{kind}: {np.exp(np.log(sizes[:, 0]).mean()):.1e} at layer 1, {np.exp(np.log(sizes[:, 7]).mean()):.1e} at layer 8"
        for kind, sizes in arriving.items()
    ],
)

# %%
claim("sigmoid loses more than three powers of ten on seven layers", lost["sigmoid"].min() > 3)
claim(
    "tanh and ReLU lose less than one",
    max(np.abs(lost["tanh"]).max(), np.abs(lost["relu"]).max()) < 1,
)

# %% [markdown]
# Seven slopes of a quarter make 1 / 16,384: that is the **vanishing gradient**. The first layers hardly move. But the last ones get their share; why don't at
# least *they* learn? The same small slopes work on the way forward. By how much do two pictures still differ, layer by layer?

# %%
from labsupport.dl.activations import layer_values

differ = {}
for kind in COLORS:
    network = deep_network(kind, 8, np.random.default_rng(SEED))
    differ[kind] = np.array([v.std(axis=0).mean() for v in layer_values(network, x[:500])])
    print(f"{kind:<8}" + " ".join(f"{one:.1g}" for one in differ[kind]))
claim(
    "behind eight sigmoids all pictures look the same: they differ less than a thousandth of what they did behind one",
    differ["sigmoid"][7] < differ["sigmoid"][0] / 1000,
)

# %% tags=["exercise"] exercise="302.a"
### BEGIN SOLUTION
choice_a = "C"
### END SOLUTION
quiz("302.a", choice_a)

# %% [markdown]
# ### Two ways to fall silent
#
# A ReLU that is below 0 passes nothing forward and **nothing back**. A unit that is below 0 for *every* example is
# **dead**: no gradient reaches its weights, and only a change in the layers before it could wake it. A sigmoid or tanh near its end still speaks, but its slope is nearly 0: it
# is **saturated**. The third of six layers is pushed far below 0 here, at the start:

# %%
from labsupport.dl.starts import mystery

pushed = mystery("relu", "bias", 3, SEED)
before = [stage.parameters[0].copy() for stage in pushed.stages if stage.parameters]
print(f"{accuracies(pushed, epochs=3)[-1]:.0f} % after three epochs")
after = [stage.parameters[0] for stage in pushed.stages if stage.parameters]
still = [bool((a == b).all()) for a, b in zip(before, after, strict=True)]
print("weights that did not move at all, by layer, the output's last:", still)
claim(
    "no weight of the six layers moves: none in front of the dead one, and none behind it, which gets only zeros",
    all(still[:6]),
)

# %% [markdown]
# **Exercise 302.2 (8 minutes).** Write the two gauges. `values` has a row for each example and, as its *last* axis, the units; a convolution has places between
# them, (rows, height, width, channels). Return `(dead, saturated)`:
# - **dead**: the share of *units* that never say anything: none of a unit's values is finite and other than 0;
# - **saturated**: the share of *values* closer to one of the two `ends` than a hundredth of the way between them; `None` where `ends` is `None`.


# %% tags=["exercise"] exercise="302.2"
def silent(values, ends):
    """Return (dead, saturated), shares from 0 to 1. `values`: floats (rows, ..., units); `ends`: (low, high) or None."""
    ### BEGIN SOLUTION
    units = np.reshape(values, (-1, np.shape(values)[-1]))
    speaks = np.isfinite(units) & (units != 0)
    dead = 1 - speaks.any(axis=0).mean()
    if ends is None:
        return dead, None
    low, high = ends
    margin = 0.01 * (high - low)
    return dead, ((units < low + margin) | (units > high - margin)).mean()
    ### END SOLUTION


# %%
check("302.2", silent)

# %% [markdown]
# How many examples does such a gauge need? "Dead" means silent for *all*; we ask a few. Here a healthy network, trained, and probes of several sizes:

# %%
silent = use("302.2", silent)
healthy = deep_network("relu", 4, np.random.default_rng(SEED))
print(f"{accuracies(healthy)[-1]:.0f} % right")
by_probe = {}
for count in (4, 16, 64, 256, 2_000):
    by_probe[count] = np.mean(
        [silent(v, None)[0] for v in layer_values(healthy, val_x[:count])]
    )
    print(f"probe of {count:>5}: {by_probe[count]:.0%} of the units look dead")
claim(
    "a probe of four pictures finds more than twice as many dead units as one of 2,000",
    by_probe[4] > 2 * by_probe[2_000],
)

# %% [markdown]
# A unit may wait for one kind of shoe. A small probe takes it for dead. So: a few hundred examples of all kinds, and **always the same ones**.

# %% tags=["exercise"] exercise="302.b"
### BEGIN SOLUTION
choice_b = "A"
### END SOLUTION
quiz("302.b", choice_b)

# %% [markdown]
# ## Use it: gauges of a training in Keras
#
# Keras gives a model's hidden values to whoever builds a **second model over the same layers**. Ours asks it the same 256 pictures before the training and after
# each epoch, and hands mean, root mean square (rms), dead and saturated shares to Prometheus. With labels it also measures gradients.

# %%
from labsupport.monitoring.activations import Probe, activation_monitor, table

print(inspect.getsource(Probe.look))
print(
    "".join(inspect.getsource(activation_monitor).partition("    class")[1:]).replace(
        "  # type: ignore[misc]", ""
    )
)

# %%
import keras
from prometheus_client import CollectorRegistry

from labsupport.monitoring.endpoint import samples, scrape, serve


def clothes_model(rate):
    """Return a Keras model with five hidden layers of 64 ReLUs, compiled for plain gradient descent."""
    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input((28, 28), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            *[keras.layers.Dense(64, "relu", kernel_initializer="he_normal") for _ in range(5)],
            keras.layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate), loss=loss, metrics=["accuracy"])
    return model


def watched_training(rate, version, epochs=3):
    """Train with the monitor; return the accuracy and, after each epoch, the table scraped from the endpoint."""
    registry, tables = CollectorRegistry(), []
    monitor = activation_monitor(
        bundled.images[:256], labels[:256], model="clothes", version=version, registry=registry
    )
    with serve(registry) as endpoint:
        scraped = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda *_: tables.append(table(samples(scrape(endpoint)), version))
        )
        past = clothes_model(rate).fit(
            bundled.images[:8000], labels[:8000], batch_size=64, epochs=epochs, verbose=0,
            callbacks=[monitor, scraped],
        )  # fmt: skip
        page = scrape(endpoint)
    return past.history["accuracy"][-1], tables, page


# %% tags=["nbval-ignore-output"]
reached, calm, page = watched_training(0.05, "v1")
print(f"step 0.05: {reached:.0%} right in its last epoch")
print(calm[-1].round(4).to_string())
print("\n".join(line for line in page.splitlines() if line.startswith("model_layer_dead")))

# %% [markdown]
# Bounded labels: model, version, and the layer's *place*. Keras's own names would not do: the next model's layers are `dense_6`, `dense_7`, and so on for ever. ReLU has no upper end, so
# nothing is exported for saturation: a 0 that nobody measured would look like health.
#
# Now a step ten times as long. Healthy layers had a few percent of dead units. How many are dead after three epochs, as the mean of the five layers?

# %%
guess("302.g2", low=..., high=...)

# %% tags=["nbval-ignore-output"]
reached, hot, _ = watched_training(0.5, "v2")
print(f"step 0.5: {reached:.0%} right in its last epoch")
print(hot[-1].round(4).to_string())
dead = {
    name: np.array([each["dead"].mean() for each in tables])
    for name, tables in {"step 0.05": calm, "step 0.5": hot}.items()
}
reveal("302.g2", 100 * dead["step 0.5"][-1])

# %% tags=["draw", "nbval-ignore-output"]
figure, panels = plt.subplots(ncols=2, figsize=(6, 2.3), sharey=True)
for axes, (name, tables) in zip(
    panels, {"step 0.05": calm, "step 0.5": hot}.items(), strict=True
):
    for epoch, color, style in ((1, plots.ORANGE, "s--"), (3, plots.BLUE, "o-")):
        share = 100 * tables[epoch - 1]["dead"]
        axes.plot(range(1, 6), share, style, color=color, ms=5, label=f"after epoch {epoch}")
    axes.set(title=name, xlabel="hidden layer", ylabel="dead units (%)", ylim=(-3, 103))
panels[0].legend(loc="upper left", fontsize=8.5)
plots.show(
    figure,
    alt="Two panels of dead units by layer, after the first and the third epoch. With the short step both lines lie near zero, with the long one far above.",
    summary=[
        f"{name}: {100 * share[-1]:.0f} % of all units dead after three epochs"
        for name, share in dead.items()
    ],
)

# %%
claim(
    "the long step kills at least three times as many units",
    dead["step 0.5"][-1] > 3 * dead["step 0.05"][-1],
)

# %% [markdown]
# One jump too far pushes a unit below 0 for all pictures, and its own weights get no gradient any more. Where two thirds of the units are dead, less gets
# through for the others, too: compare the sizes in both tables.
#
# What does watching cost? Alternating runs with and without the monitor (`benchmarks/activation_monitor.py`):

# %%
from labsupport.monitoring.activations import measured_price

price = measured_price()
print(
    f"measured on {price['day']}: {price['pairs']} pairs of runs, an epoch with the monitor takes {price['ratio']:.3f} times the processor time (median; 95 % interval {price['low']:.3f} to {price['high']:.3f})"
)
claim("watching costs less than a tenth of an epoch", price["high"] < 1.1)

# %% [markdown]
# ## Break it: a monitor that monitors nothing
#
# A typical tutorial has this callback (the handout's *Monitoring Activation Functions*):

# %%
snippet = """
import tensorflow as tf
from tensorflow.keras.callbacks import Callback

class ActivationMonitor(Callback):
    def on_epoch_end(self, epoch, logs=None):
        # Monitor activation patterns
        layer_outputs = self.model.predict(self.validation_data[0])
        tf.summary.scalar('activation_stats', tf.reduce_mean(layer_outputs))
"""
names = {}
exec(snippet, names)
keras.utils.disable_interactive_logging()


def softmax_model():
    """Return a compiled Keras model with a softmax at its end, as such tutorials have it."""
    model = clothes_model(0.05)
    model = keras.Sequential([*model.layers, keras.layers.Softmax()])
    model.compile(
        keras.optimizers.SGD(0.05), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def attempt(monitor, epochs=1):
    """Train with a callback and return the accuracies; a failure is printed."""
    try:
        past = softmax_model().fit(
            bundled.images[:4000], labels[:4000], batch_size=64, epochs=epochs, verbose=0,
            callbacks=[monitor],
        )  # fmt: skip
        return past.history["accuracy"]
    except Exception as error:
        print(f"{type(error).__name__}: {str(error).splitlines()[0]}")


attempt(names["ActivationMonitor"]())

# %% [markdown]
# Keras 3 has no `validation_data` any more. Hand it over, and the next thing is missing: TensorFlow does not bring TensorBoard. (The documentation of
# `tf.summary.scalar` names two more: without a writer it writes nothing, without a step it raises.) So we note ourselves what it would have
# written. In three epochs the accuracy rises from a guess to well above half. Does the number that it writes move by more than 0.01?

# %%
guess("302.g3", ...)

# %% tags=["nbval-ignore-output"]
written = []
patched = names["ActivationMonitor"]()
patched.validation_data = [bundled.images[10_000:10_256]]
attempt(patched)
names["tf"].summary.scalar, kept = (
    lambda name, value: written.append(float(value)),
    names["tf"].summary.scalar,
)
try:
    rising = attempt(patched, epochs=3)
finally:
    names["tf"].summary.scalar = kept
print("accuracy:", " ".join(f"{each:.2f}" for each in rising))
print("written: ", " ".join(f"{each:.4f}" for each in written))
moved = max(written) - min(written)
reveal("302.g3", moved > 0.01)

# %%
claim(
    "the number stands at 0.1000, whatever the network does",
    np.allclose(written, 0.1, atol=1e-4),
)

# %% [markdown]
# It looks at the *output*, and ten probabilities have the mean 1/10. It never sees what a hidden layer gives. A gauge that can't move is worse than none, since
# somebody believes it. What helps is above: hidden layers, through a second model; shares instead of means; and for the output the bits of 302.1.
#
# ### Four starts, no names
#
# Now the gauges alone. Four networks of six ReLU layers have not learnt anything yet. Three have **one** bad layer: weights ten times too small, or too
# large, or biases far below 0. All you get is what an endpoint gives.

# %%
from labsupport.dl.starts import mysteries
from labsupport.monitoring.activations import frame, publish_layers, watch

registry = CollectorRegistry()
for name, network in mysteries(SEED).items():
    found = watch(network, "relu", x[:256], labels[:256])
    publish_layers(found, model="clothes", version=name, registry=registry)
with serve(registry) as endpoint:
    page = samples(scrape(endpoint))
print(f"the pictures themselves: root mean square {np.sqrt(np.mean(x[:256] ** 2)):.2f}")
for name in mysteries(SEED):
    print(f"--- {name}")
    print(table(page, name)[["mean", "rms", "dead", "gradient"]].round(4).to_string())

# %% [markdown]
# Not on call yet? Stage a fault that you know, and look. `staged` takes "small", "large" or "bias", a layer and a kind:


# %%
def staged(fault, layer, activation="tanh", seed=SEED):
    """Return the gauges of a new network with one fault."""
    network = mystery(activation, fault, layer, seed)
    return frame(watch(network, activation, x[:256], labels[:256]))


print(staged("large", 3).round(4).to_string())

# %% [markdown]
# **Exercise 302.3 (10 minutes).** Write the on-call's eye: which layer, which fault? ReLU and tanh networks of 4 to 8 layers come; a gauge that a kind does not
# have is `nan`. A fault shows in *many* rows: in which first? Beware: layers *in front of* the bad one look odd as well, in one column.


# %% tags=["exercise"] exercise="302.3"
def diagnose(gauges):
    """Return (layer, fault) with fault "small", "large" or "bias", or None for a healthy start.

    `gauges`: a DataFrame, a row a hidden layer, index 1, 2, ...; the pictures have a root mean square of 0.46.
    """
    ### BEGIN SOLUTION
    before = 0.46
    for layer, row in gauges.iterrows():
        if row["dead"] > 0.9 or row["mean"] < -0.9:
            return layer, "bias"
        if row["saturated"] > 0.15 or row["rms"] > 4 * before:
            return layer, "large"
        if row["rms"] < before / 4:
            return layer, "small"
        before = row["rms"]
    return None
    ### END SOLUTION


# %%
check("302.3", diagnose)

# %% [markdown]
# And then? Draw the weights of *that* layer anew, set its biases to 0, train, and compare. Is every fault as bad as it looks?

# %%
from labsupport.dl.starts import start_afresh

diagnose = use("302.3", diagnose)
results = {}
for name, network in mysteries(SEED).items():
    verdict = diagnose(table(page, name))
    ill = accuracies(network, epochs=3)[-1]
    mended = mysteries(SEED)[name]
    if verdict:
        start_afresh(mended, int(verdict[0]), "relu", np.random.default_rng(SEED))
    results[name] = ill, accuracies(mended, epochs=3)[-1]
    print(f"{name}: {verdict!s:<14} {ill:3.0f} % as it was, {results[name][1]:3.0f} % mended")

# %%
claim(
    "all four learn once each named layer has a new start",
    min(r[1] for r in results.values()) > 65,
)
claim(
    "two of the three faults had stopped all learning, the third had not",
    sum(r[0] < 20 for r in results.values()) == 2,
)

# %% [markdown]
# ### Refute it
#
# Saturated values have a slope of nearly 0, so they should be bad for learning. Here a tanh network of six layers, with weights as they should be and eight times as
# large; four seeds in pairs:

# %%
suppose("302.4", ("tanh", 6, 8))

# %% [markdown]
# **Exercise 302.4 (6 minutes).** Refute that. A case is `(activation, hidden layers, spread)`: "sigmoid" or "tanh", 1 to 8 layers, and the factor on the usual weights, from 0.1 to
# 20. The check trains from both starts and looks who is ahead.

# %% tags=["exercise"] exercise="302.4"
### BEGIN SOLUTION
case = ("sigmoid", 6, 8)
### END SOLUTION

# %%
check("302.4", case)

# %% [markdown]
# So is saturation good or bad? Both kinds, six layers, four spreads, three seeds each:

# %%
from labsupport.dl.starts import saturation_and_accuracy

SPREADS = (1, 4, 8, 16)
trap = {
    kind: np.array(
        [
            [saturation_and_accuracy(kind, 6, spread, 10 * SEED + k) for k in range(3)]
            for spread in SPREADS
        ]
    )
    for kind in ("sigmoid", "tanh")
}
for kind, both in trap.items():
    told = ", ".join(f"{100 * s:.0f} % -> {100 * a:.0f} %" for s, a in both.mean(axis=1))
    print(f"{kind:<8} saturated at the start -> right after five epochs: {told}")
first_layer = {
    kind: [
        gradient_rms(
            deep_network(kind, 6, np.random.default_rng(10 * SEED), spread=spread),
            x[:500],
            labels[:500],
        )[0]
        for spread in SPREADS
    ]
    for kind in trap
}
for kind, sizes in first_layer.items():
    print(f"{kind:<8} gradient at layer 1:", ", ".join(f"{size:.1e}" for size in sizes))

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(5.6, 2.5))
for kind, both in trap.items():
    mean = 100 * both.mean(axis=1)
    axes.plot(mean[:, 0], mean[:, 1], color=COLORS[kind], marker=MARKERS[kind], label=kind)
    axes.vlines(
        mean[:, 0],
        100 * both[:, :, 1].min(axis=1),
        100 * both[:, :, 1].max(axis=1),
        color=COLORS[kind],
        alpha=0.5,
    )
axes.set(
    title="The same gauge, two opposite stories (bars: three seeds)",
    xlabel="saturated values at the start (%)",
    ylabel="right after five epochs (%)",
    ylim=(0, 95),
)
axes.legend(loc="upper right")
plots.show(
    figure,
    alt="The more values of the tanh network are saturated, the less it learns. The sigmoid network rises from guessing without saturation to about half right with a third of its values saturated, and falls a little beyond.",
    summary=[
        f"{kind}: {100 * both[0, :, 1].mean():.0f} % right with {100 * both[0, :, 0].mean():.0f} % saturated, {100 * both[-1, :, 1].mean():.0f} % right with {100 * both[-1, :, 0].mean():.0f} % saturated"
        for kind, both in trap.items()
    ],
)

# %%
claim(
    "the sigmoid network with a third of its values saturated is 20 points ahead of the one without, in every seed",
    (trap["sigmoid"][2, :, 1] - trap["sigmoid"][0, :, 1]).min() > 0.2,
)
claim(
    "for tanh it is the other way round",
    (trap["tanh"][0, :, 1] - trap["tanh"][2, :, 1]).min() > 0.1,
)
claim(
    "with eight times the weights more than 100 times the gradient arrives at the sigmoid's first layer",
    first_layer["sigmoid"][2] > 100 * first_layer["sigmoid"][0],
)

# %% [markdown]
# Eight times the weights make up for the sigmoid's small slope: more values sit at their ends, and *more gradient arrives* through the others. (At this
# step it still ends far below tanh with usual weights.) At tanh's first layer more arrives as well, and it learns less; the cause was not found here. So
# saturation is a clue, not a verdict. Read it beside the gradient's gauge, and page on what hurts: the loss.

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="302.c"
### BEGIN SOLUTION
choice_c = "D"
### END SOLUTION
quiz("302.c", choice_c)

# %% tags=["exercise"] exercise="302.d"
### BEGIN SOLUTION
choice_d = "B"
### END SOLUTION
quiz("302.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# Your own monitoring has dead and saturated series, too: gauges that have not moved for days (does anything still set them?), and others that sit at their ceiling (is there a limit that nobody
# set on purpose?). Ask them as we asked units. A fraction of a percent at the highest value is only a peak.

# %%
from labsupport import own

records = own.prometheus()  # own.prometheus("answer.json") reads yours
counters = records.metric.str.contains("_total$|_sum$|_count$|_bucket$")
gauges = own.grid(records[~counters], by=["metric"])
gauges = gauges.fillna({"ALERTS": 0})  # is there only while an alert fires
busy = own.per_second(records, "container_cpu_usage_seconds_total").add_prefix("CPU of ")
for name, series in {**gauges, **busy}.items():
    low, high = series.min(), series.max()
    top = (series > high - 0.01 * (high - low)).sum() / series.notna().sum()
    verdict = "never moved" if low == high else f"{top:.1%} of its time at its highest"
    print(f"{name!s:<38} {verdict}")

# %% [markdown]
# ## Take away
#
# - The walk back multiplies by slopes. A sigmoid's is a quarter at most: with usual weights deep chains of them do not learn.
# - Take the largest score off before `exp`; entropy in bits says how sure a network is, its mean output says nothing.
# - Dead: silent for every example, so that no gradient reaches it. A long step kills ReLUs; a small probe only seems to.
# - Gauges by layer: the first odd size forward names the bad layer; in front of it the gradient is odd, too.
# - Saturation is a clue. With more of it one kind of network learnt better, and another worse.

# %%
from labsupport.course.picture import system_so_far

system_so_far("302")

# %% [markdown]
# **Next**: 303 gives the layers a shape: units that look at one small window each, wherever it lies.
