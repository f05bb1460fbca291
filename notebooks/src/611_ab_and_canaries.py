# ---
# jupyter:
#   labs:
#     title: "A/B tests and canaries"
#     question: A new model is ready. Who gets it first, how do we learn whether it is better, and who takes it back when it is not?
#     part: 6
#     will:
#       - split requests between two versions by weight, and users by a hash
#       - see how lost records and daily looks make winners of nothing, and use tests that notice and endure it
#       - stop a variant that wins its goal and annoys its users
#       - let a controller promote a canary or roll it back, before most users saw a bad model
#     need: Lessons 203 (the model), 601 (manifests) and 604 (how it is served).
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# ## The bridge
#
# You know feature flags and blue-green deployments: the new release stands beside the old one, and a switch sends traffic to it.
# Two questions stand behind such a switch. *Does it break anything?* A **canary** answers, with little traffic and a finger on
# the way back. *Is it better?* An **A/B test** answers, with many users and patience.
#
# The likeness to software ends at what breaks. A bad release crashes and shows up in the error rate. A bad model answers 200, fast,
# and is wrong.

# %% tags=["parameters"]
SEED = 0
CLUSTER = "auto"

# %% [markdown]
# ## See it: one in ten
#
# The next cell starts the cluster, where that is needed, and empties the lab's namespace (it says where it keeps a copy of what
# you made there). It also starts Traefik, a proxy that will pass requests on.

# %% tags=["setup"]
import copy
import inspect
import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from labsupport import plots, scratch
from labsupport.cluster import lab as labs
from labsupport.exercises import (
    check,
    claim,
    guess,
    hint,
    quiz,
    reveal,
    solution,
    suppose,
    use,
)
from labsupport.ml import deploy_columns, deploy_risk
from labsupport.serving import export
from labsupport.world import deploy_records

plots.use_style()
PATIENCE = 180  # seconds for pods that start, on a busy machine
exports = scratch.folder("611")

# %% tags=["nbval-ignore-output"]
from labsupport.cluster import gateways

lab = labs.start("611", CLUSTER)
gateways.define(lab)
lab.apply("gateway.yaml")
lab.apply("traefik.yaml")

# %% [markdown]
# ### What a typical tutorial calls a split
#
# Its A/B test is a ConfigMap (the handout's *Traffic splitting*), its canary a Deployment (*Canary deployment*):

# %%
lab.show("broken/experiment.yaml")
lab.apply("broken/experiment.yaml")
print()
lab.show("broken/canary.yaml", "spec")
lab.apply("broken/canary.yaml")

# %% [markdown]
# The first is accepted, and nothing happens: **no program reads it**. The second is refused. With a selector it would run, and its
# `replicas: 1  # Small percentage` would still split nothing by itself. What splits is whatever passes requests on.

# %% [markdown]
# ### A gateway
#
# Traefik takes orders in the **Gateway API**, which other gateways understand, too: a *Gateway* is the door, an
# *HTTPRoute* says who goes where:

# %%
lab.show("gateway.yaml", "spec", kind="Gateway")
print()
lab.show("route.yaml", "spec")

# %% [markdown]
# Behind the door: version 1 of lesson 203's model, which serves everybody. Versions 2 and 3 wait. 2 is trained on other deploys; what is
# wrong with 3, you will see.

# %%
from labsupport.cluster import canaries

records = deploy_records(6_000, seed=SEED)[0]
now, retrained = deploy_risk.train(seed=SEED), deploy_risk.train(seed=SEED + 100)
seen_columns = deploy_risk.features(records)
bare = copy.copy(now.pipeline[-1])
bare.feature_names_in_ = seen_columns.columns.to_numpy()  # or scikit-learn warns at each call
models = {"1": now.pipeline, "2": retrained.pipeline, "3": bare}
for version, model in models.items():
    how = {"front": "deploy-risk", "threshold": float(now.threshold)}
    export.export_sklearn(model, exports / version, seen_columns, deploy_risk.UNITS, **how)
    canaries.give(lab, version, exports / version / "model.onnx")
lab.apply("stable.yaml")
lab.apply("route.yaml")
lab.wait("deployment/traefik", seconds=PATIENCE)
lab.wait("deployment/deploy-risk", seconds=PATIENCE)

# %%
LIVE = deploy_records(60_000, seed=SEED + 611)[0]  # deploys about which people ask
COLUMNS = list(deploy_columns.NEEDED)
questions = json.loads(LIVE[COLUMNS].head(12_000).to_json(orient="records"))


def ask(rows, headers=None):
    """Ask at the door about some of the live deploys, in this order; return the answers."""
    return canaries.ask(lab, [questions[row] for row in rows], headers)


def answered(rows=(0,), status=200):
    """Wait until the door answers so: a gateway's port is open before it knows any route, and says 404 until then."""
    labs.waiting.until(
        lambda: all(one.status == status for one in ask(rows)), "the door answers", PATIENCE
    )


answered()
print(ask([0])[0].body)

# %% [markdown]
# ### A canary beside it
#
# Now version 2, in a Deployment that would pass any review: selector, labels, pinned image, probes. It gets *weight 0*. Who stands
# behind each Service?

# %%
service = next(item for item in lab.objects("stable.yaml") if item["kind"] == "Service")
lab.replace(service)  # as it was, where you repaired it already
lab.apply("canary.yaml")
lab.wait("deployment/canary", seconds=PATIENCE)

lab.until(
    lambda seen: len(canaries.behind(seen)["deploy-risk"]) == 2, "both pods are behind it", 60
)
print(canaries.behind(lab.snapshot()))
claim(
    "weight 0, and the canary answers users",
    canaries.behind(lab.snapshot())["deploy-risk"] == ["canary", "stable"],
)

# %% [markdown]
# The Service `deploy-risk` was there first, and selects `app: deploy-risk`: both. The split is now one of **pods and connections**, not of
# requests: half the new connections go to the canary, and a connection that is kept open stays where it is.

# %% [markdown]
# **Exercise 611.1 (5 minutes).** Repair it without touching a Deployment. Write a change of the *Service* `deploy-risk`, as `kubectl patch` merges
# it. (The pods have two labels: `kubectl get pods --show-labels`.)

# %% tags=["exercise"] exercise="611.1"
### BEGIN SOLUTION
only_stable = {"spec": {"selector": {"track": "stable"}}}
### END SOLUTION

# %%
lab.patch("service/deploy-risk", only_stable, begin=service if only_stable is not ... else None)

# %%
check("611.1", only_stable)

# %% [markdown]
# Now the route's weights mean what they say. With 10 of 100 for the canary, 200 users ask once each, and then one user asks 20 times.

# %%
guess("611.g1")

# %%
lab.go_on("611.1", "service/deploy-risk", begin=service)
lab.until(
    lambda seen: canaries.behind(seen)["deploy-risk"] == ["stable"], "one pod is behind it", 60
)
canaries.set_percent(lab, 10)
labs.waiting.until(
    lambda: [one.version for one in ask(range(30))].count("2") == 3, "the weights count", 60
)
once = [one.version for one in ask(range(200))]
again = [one.version for one in ask([7] * 20)]
print("200 users, once each:", {version: once.count(version) for version in ("1", "2")})
print("one user, 20 times:  ", {version: again.count(version) for version in ("1", "2")})
reveal("611.g1", set(again) == {"1"} or set(again) == {"2"})
luck = np.random.default_rng(SEED).binomial(200, 0.1, 10_000).std()
print(f"lots would scatter by {luck:.1f} around 20")
claim("one in ten goes to version 2, without chance", abs(once.count("2") - 20) <= 2)
claim("and the same user meets both versions", set(again) == {"1", "2"})

# %% [markdown]
# No chance is at work. Traefik deals requests out like cards, nine for one and one for the other (**weighted round
# robin**). For a canary that is ideal. For an experiment it is useless. The user who asks twice gets two opinions on one deploy, and nobody can say
# which of the two made them come back.

# %% [markdown]
# ## Build it: an experiment with users
#
# An experiment assigns **users**, once. Nobody has to store that: hash the user's name, and read the hash as a number from 0 to 1. Below
# the share: variant b.

# %% [markdown]
# **Exercise 611.2 (9 minutes).** Write `variant`. It runs in many processes, which must agree, today and tomorrow. When the share
# grows from 5 % to 25 %, whoever has b keeps it. And two experiments with 50 % each must not give b to the same people: that a user has b in the
# one says nothing about the other.


# %% tags=["exercise"] exercise="611.2"
def variant(user, experiment, share):
    """Return "a" or "b" for a user: "b" for that share (0 to 1) of all users.

    `user`, `experiment`: names (texts), such as "user-17" and "bolder".
    """
    ### BEGIN SOLUTION
    import hashlib

    digest = hashlib.sha256(f"{experiment}:{user}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    return "b" if place < share else "a"
    ### END SOLUTION


# %%
check("611.2", variant)

# %% [markdown]
# The application computes it (it knows who asks) and says so in a header, `x-variant: b`. The gateway only obeys.

# %% [markdown]
# **Exercise 611.3 (8 minutes).** Write a change of the HTTPRoute: requests whose header `x-variant` is `b` go to the Service `canary`, *all* of them,
# and all others to `deploy-risk`. Both listen on port 8080. `kubectl explain httproute.spec.rules.matches.headers` lists the
# fields (in our copy without their descriptions). A merge replaces the whole list `rules`.

# %% tags=["exercise"] exercise="611.3"
### BEGIN SOLUTION
by_user = {
    "spec": {
        "rules": [
            {
                "matches": [{"headers": [{"name": "x-variant", "value": "b"}]}],
                "backendRefs": [{"name": "canary", "port": 8080}],
            },
            {"backendRefs": [{"name": "deploy-risk", "port": 8080}]},
        ]
    }
}
### END SOLUTION

# %%
ROUTE = f"{gateways.ROUTES}/deploy-risk"
(plain,) = lab.objects("route.yaml")
lab.patch(ROUTE, by_user, begin=plain if by_user is not ... else None)
gateways.settle(lab, "deploy-risk")

# %%
check("611.3", by_user)

# %% [markdown]
# Three hundred users, who ask three times each:

# %%
variant = use("611.2", variant)
lab.go_on("611.3", ROUTE, begin=plain)
lab.until(lambda seen: gateways.in_force(seen, "deploy-risk"), "the route is in force", 60)
labs.waiting.until(
    lambda: ask([0], [{"x-variant": "b"}])[0].version == "2", "variant b is served", 60
)
users = [f"user-{number}" for number in range(300)]
arms = [str(variant(user, "bolder", 0.5)) for user in users]
seen_by = {user: set() for user in users}
for _ in range(3):
    answers = ask(range(300), [{"x-variant": arm} for arm in arms])
    for user, one in zip(users, answers, strict=True):
        seen_by[user].add(one.version)
print("users who met more than one version:", sum(len(met) > 1 for met in seen_by.values()))
print("users in a and b:", arms.count("a"), arms.count("b"))
claim("each user meets one version", all(len(met) == 1 for met in seen_by.values()))
claim(
    "and the one of their variant",
    all(
        seen_by[user] == {"2" if arm == "b" else "1"}
        for user, arm in zip(users, arms, strict=True)
    ),
)

# %% [markdown]
# Half of the users, and each keeps their model: what the ConfigMap only wished for. Not *exactly* half: now chance is at work. That is a gift. It says how far from half the counts may be.
#
# ### Are all users there?
#
# An **A/A test**: both variants are the same model, so nothing can differ. But the program that records b's answers gives up on large deploys
# (over 500 lines: they take longer to describe), three times out of four. Forty thousand users, one deploy each:

# %%
from labsupport.rollout import ratio, sequential

people = LIVE.head(40_000)
arm = np.array([variant(f"user-{number}", "same", 0.5) for number in range(len(people))])
is_b, failed = arm == "b", people.failed.to_numpy()
rng = np.random.default_rng(SEED)
lost = is_b & (people.lines_changed.to_numpy() > 500) & (rng.random(len(people)) < 3 / 4)


def compare(kept):
    """Return users of a and b, their shares of failed deploys, and the z value of the difference."""
    count = [int((kept & side).sum()) for side in (~is_b, is_b)]
    bad = [int((kept & side & failed).sum()) for side in (~is_b, is_b)]
    found = sequential.difference(bad[0], count[0], bad[1], count[1])
    return (
        *count,
        bad[0] / count[0],
        bad[1] / count[1],
        float(found.value / found.variance**0.5),
    )


table = pd.DataFrame(
    [compare(np.full(len(people), True)), compare(~lost)],
    index=["all records", "b's large ones lost"],
    columns=["users a", "users b", "failed a", "failed b", "z"],
)
print(table.round(4).to_string())
print(f"lost: {lost.sum()} of {is_b.sum()} records of b")
all_there, some_lost = table.iloc[0], table.iloc[1]
claim("about six in a hundred are lost", 0.05 < lost.sum() / is_b.sum() < 0.07)
claim("b looks safer than it is", some_lost["failed b"] < all_there["failed b"])

# %% [markdown]
# About six in a hundred records of b are missing, and b looks safer than it is. What tells us, if we do not know what was lost? **The count of users.** A **sample-ratio mismatch** test asks
# how often chance alone would make the two counts so unequal. Before any result is read:

# %%
print(inspect.getsource(ratio.mismatch).split('"""')[2].strip("\n"))
checked = {
    "all records": [all_there["users a"], all_there["users b"]],
    "b's large ones lost": [some_lost["users a"], some_lost["users b"]],
    "Traefik's requests, at 90 and 10": [once.count("1"), once.count("2")],
}
for name, counts in checked.items():
    shares = (90, 10) if "90" in name else (50, 50)
    print(f"{name}: p = {ratio.mismatch(counts, shares):.2g}")

# %%
p_all, p_lost = (
    ratio.mismatch(checked[name], (50, 50)) for name in ("all records", "b's large ones lost")
)
claim("the whole experiment passes", p_all > ratio.ALARM)
claim("the one with lost records is caught", p_lost < ratio.ALARM)

# %% [markdown]
# A p-value of 1 is no praise: here nobody drew lots. Requests of a round robin have no chance in them, so the test
# can't notice anything.

# %% tags=["exercise"] exercise="611.a"
### BEGIN SOLUTION
choice_a = "B"
### END SOLUTION
quiz("611.a", choice_a)

# %% [markdown]
# ### A look every day
#
# Now 1,000 A/A tests without a fault: 20,000 users in each variant, the same rate of 10 % in both. A p-value below 0.05 would be a false winner, and
# at the end 5 % of the tests have one, by design. But somebody looks 100 times on the way, and stops at the first p < 0.05.

# %%
guess("611.g2")

# %%
TESTS, LOOKS, EACH = 1_000, 100, 200
rng = np.random.default_rng(SEED)
users_so_far = EACH * np.arange(1, LOOKS + 1)
a, b = (rng.binomial(EACH, 0.10, (TESTS, LOOKS)).cumsum(axis=1) for _ in range(2))
gap = sequential.difference(a, users_so_far, b, users_so_far)
z = np.abs(gap.value) / np.sqrt(gap.variance)
proof = sequential.evidence(gap.value, gap.variance, tau=0.02)
peeked, at_the_end = (z > 1.96).any(axis=1), z[:, -1] > 1.96
endured = (proof >= 20).any(axis=1)
print(f"one look at the end, p < 0.05:       {at_the_end.sum()} false winners of {TESTS}")
print(f"100 looks, stop at p < 0.05:         {peeked.sum()}")
print(f"100 looks, stop at an e-value of 20: {endured.sum()}")
reveal("611.g2", int(peeked.sum()))
claim("peeking makes many more than 5 % false winners", 300 < peeked.sum() < 440)
claim("an e-value keeps its promise at all looks", endured.mean() < 0.05)

# %% tags=["draw"]
figure, axes = plt.subplots(figsize=(6.4, 2.5))
for hits, label, color in (
    (z > 1.96, "stop at p < 0.05", plots.RED),
    (proof >= 20, "stop at e ≥ 20", plots.BLUE),
):
    axes.plot(
        users_so_far,
        100 * np.maximum.accumulate(hits, axis=1).mean(axis=0),
        color=color,
        label=label,
    )
axes.axhline(5, color=plots.INK, ls=":", label="5 %")
axes.set(
    title="A/A tests with a winner so far",
    xlabel="users in each variant",
    ylabel="tests (%)",
    ylim=(0, 45),
)
axes.legend(loc="center right")
plots.show(
    figure,
    alt="A curve for p below 0.05 climbs steeply above the dotted line at 5 % to over 30 %; one for e-values stays below the line.",
    summary=f"At the end {100 * peeked.mean():.0f} % by peeking, {100 * endured.mean():.1f} % by e-values.",
)

# %% [markdown]
# Each look is another throw. An **e-value** is built for that: think of a bet against "no difference", which starts with 1 euro. If there
# is none, no way of betting makes 20 euros of it more often than once in 20 tries, *at any time on the way*. So 1/20 is its alpha, whenever you look. The bet here is
# spread over differences of about `tau`:

# %%
print(inspect.getsource(sequential.evidence).split('"""')[2].strip("\n"))
b_better = rng.binomial(EACH, 0.12, (TESTS, LOOKS)).cumsum(axis=1)
true_gap = sequential.difference(a, users_so_far, b_better, users_so_far)
wins = sequential.evidence(true_gap.value, true_gap.variance, tau=0.02) >= 20
first = np.where(wins.any(axis=1), users_so_far[wins.argmax(axis=1)], np.inf)
most = np.quantile(first, 0.95, method="inverted_cdf")
print(f"10 % against 12 %: found in {wins.any(axis=1).mean():.1%} of the tests,")
print(f"in half of them with {np.median(first):,.0f} users of each variant or fewer, in 95 % with {most:,.0f}")  # fmt: skip
planned = (1.96 + 1.64) ** 2 * (0.10 * 0.90 + 0.12 * 0.88) / 0.02**2
print(f"one look, planned to find this very difference in 95 % of the tests: {planned:,.0f}")
print(f"tests in which looking took longer than that: {np.mean(first > planned):.0%}")
claim("a true difference is found", wins.any(axis=1).mean() > 0.95)
claim("in half of the tests sooner than by one look that was planned for it", np.median(first) < planned)  # fmt: skip
claim("for the same 95 % of the tests it needs more", most > 1.3 * planned)

# %% [markdown]
# Sooner in the middle, later at worst: that is the price of looking. Plan the time for the slow ones.

# %% tags=["exercise"] exercise="611.b"
### BEGIN SOLUTION
choice_b = "C"
### END SOLUTION
quiz("611.b", choice_b)

# %% [markdown]
# ## Use it: the winner that annoys
#
# Product wants fewer held deploys. Variant b is bolder: it holds only at a probability of 0.35, where a holds at 0.1. The goal is **deploys that go out at
# once**. The tutorial's experiment also lists `user_satisfaction`, and says not what follows from it. Here it is a **guardrail**, a metric that must not
# suffer: users who are *unhappy* the next morning. Which deploys fail, the world says. How people feel is our assumption, written down here:

# %%
UNHAPPY = {"went out and failed": 0.95, "was held": 0.05, "went out well": 0.02}
risk_of = now.probability(people)
arm = np.array([variant(f"user-{number}", "bolder", 0.5) for number in range(len(people))])
is_b = arm == "b"
goes = risk_of < np.where(is_b, 0.35, now.threshold)
chance = np.select([goes & failed, ~goes], list(UNHAPPY.values())[:2], UNHAPPY["went out well"])
unhappy = np.random.default_rng(SEED + 1).random(len(people)) < chance


def by_look(event, every=400):
    """Return users so far, and intervals of b's share minus a's that hold at all looks at once."""
    at = np.arange(every, len(people) + 1, every) - 1
    n_a, n_b = (~is_b).cumsum()[at], is_b.cumsum()[at]
    found = sequential.difference(
        (event & ~is_b).cumsum()[at], n_a, (event & is_b).cumsum()[at], n_b
    )
    return at + 1, n_a, n_b, *sequential.interval(*found, tau=0.02)


total, n_a, n_b, goes_low, goes_high = by_look(goes)
*_, sad_low, sad_high = by_look(unhappy)
for what, event in (("went out at once", goes), ("unhappy", unhappy)):
    print(f"{what}: a {event[~is_b].mean():.1%}, b {event[is_b].mean():.1%}")
p_value = ratio.mismatch([n_a[-1], n_b[-1]], (50, 50))
print(f"users: {n_a[-1]} and {n_b[-1]}, mismatch p = {p_value:.2g}")
claim("a holds at 0.1", round(now.threshold, 3) == 0.1)

# %% [markdown]
# A dashboard with one number would ship b. Product accepts that at most **half a point more** users are unhappy, the *margin*. The rule
# must be written before the first look.

# %% [markdown]
# **Exercise 611.4 (9 minutes).** Write the rule. What counts as *certain* here (95 %): the whole interval lies beyond a value.
#
# - `"broken"`: the mismatch test has p below 0.001 (so small, because this test is looked at again and again, too). Nothing else may be read.
# - `"stop"`: b certainly annoys more than the margin allows, or certainly lets fewer deploys out.
# - `"ship"`: b certainly lets more out, *and* certainly annoys no more than the margin allows.
# - `"go on"`: anything else.


# %% tags=["exercise"] exercise="611.4"
def verdict(mismatch, goal, unhappy, margin):
    """Return "broken", "stop", "ship" or "go on".

    `mismatch`: p-value of the sample-ratio test; `goal`, `unhappy`: (low, high), intervals of b's share minus a's of deploys that
    went out at once, and of unhappy users; `margin`: how many more unhappy users are tolerated, as a share such as 0.01.
    """
    ### BEGIN SOLUTION
    if mismatch < 0.001:
        return "broken"
    if unhappy[0] > margin or goal[1] < 0:
        return "stop"
    if goal[0] > 0 and unhappy[1] <= margin:
        return "ship"
    return "go on"
    ### END SOLUTION


# %%
check("611.4", verdict)

# %%
verdict = use("611.4", verdict)
MARGIN = 0.005
said = [
    str(
        verdict(
            float(ratio.mismatch([n_a[at], n_b[at]], (50, 50))),
            (float(goes_low[at]), float(goes_high[at])),
            (float(sad_low[at]), float(sad_high[at])),
            MARGIN,
        )
    )
    for at in range(len(total))
]
decided = next((at for at, word in enumerate(said) if word != "go on"), len(said) - 1)
won = int(np.argmax(goes_low > 0))
print(f"the goal counts as won after {total[won]:,} users")
print(f"the rule says {said[decided]!r} after {total[decided]:,} users")
claim("b wins its goal early", goes_low[won] > 0 and total[won] <= 2_000)
claim(
    "and is stopped for its users, later", said[decided] == "stop" and total[decided] >= 2_000
)

# %% tags=["draw"]
figure, both = plt.subplots(1, 2, figsize=(7, 2.5))
for axes, low, high, title in (
    (both[0], goes_low, goes_high, "Went out at once: b wins"),
    (both[1], sad_low, sad_high, "Unhappy: b annoys"),
):
    axes.fill_between(total / 1_000, 100 * low, 100 * high, color=plots.SKY, alpha=0.6)
    axes.axhline(0, color=plots.INK, lw=0.8)
    axes.axvline(
        total[decided] / 1_000, color=plots.RED, ls="--", lw=1, label="the rule stops it"
    )
    axes.set(title=title, xlabel="users (thousands)", ylabel="b minus a (points)")
both[0].set_ylim(0, 30)
both[1].set_ylim(-4, 8)
both[1].axhline(100 * MARGIN, color=plots.ORANGE, ls=":", label="margin")
both[1].legend(loc="upper right")
plots.show(
    figure,
    alt="Left: a narrow band far above zero. Right: a band that narrows around two points; it leaves the dotted margin of half a point where a dashed line says that the rule stops.",
    summary=f"Stopped after {total[decided]:,} users; each band holds at all looks with 95 %, both together with at least 90 %.",
)

# %% [markdown]
# "No sign of harm yet" would have been true for thousands of users, and is not "certainly harmless". That is why `"ship"` asks for proof on *both* sides.

# %% [markdown]
# ## Break it: canaries
#
# A canary asks: is this broken? The traffic is small, and the answer must come soon. A usual rule: roll back at 2 errors among its last
# 100 requests. The other: at an e-value of 100 against it, which a healthy canary reaches once in 100 times at most. Say that 0.5 % of
# requests fail in *both* versions. How many such canaries does each rule stop within 2,000 requests, and how soon one with 3 %? (5 errors:
# chosen to stop about 1 % of healthy ones.)

# %%
from labsupport.rollout import canary, failures, trials

patient = canary.Policy(steps=(canary.Step(5, 2_000),))
until = {}  # own requests of 1,000 canaries until the roll-back, infinity for never
for rate in (0.005, 0.03):
    drawn = {"trials": 1_000, "requests": 2_000, "seed": SEED}
    until["2 errors", rate] = trials.rule_of_thumb(rate, limit=2, **drawn)
    until["5 errors", rate] = trials.rule_of_thumb(rate, limit=5, **drawn)
    ours = trials.climb(0.005, rate, patient, trials=1_000, seed=SEED)
    until["evidence", rate] = np.where(ours.stopped, ours.canary, np.inf)
healthy = {rule: np.isfinite(until[rule, 0.005]).mean() for rule, _ in until}
needed = {rule: np.median(until[rule, 0.03]) for rule, _ in until}
print("         healthy: stopped   3 % fail: own requests until it is stopped (median)")
for rule in healthy:
    print(f"{rule}{healthy[rule]:>17.1%}{needed[rule]:>20.0f}")
claim("the usual rule stops nearly all healthy ones", healthy["2 errors"] > 0.9)
claim("evidence keeps its promise of 1 %", healthy["evidence"] < 0.02)
claim("and takes three times as long or more", needed["evidence"] > 3 * needed["2 errors"])
claim("a limit of 5 errors is quiet, too, and about as slow", healthy["5 errors"] < 0.02 and 0.8 < needed["evidence"] / needed["5 errors"] < 1.25)  # fmt: skip

# %% [markdown]
# Few false alarms have a price: a bad canary serves longer. A limit of 5 errors pays the same, and whoever chose it had to know the 0.5 %.
#
# Both versions stand on the same database, so an outage raises both rates, and nobody knows the "normal" one. So each failure is asked one
# question: **whose was it?** A healthy canary with 5 % of the requests has 5 % of the failures, whatever their number. Each failure is the throw of a coin that
# falls on the canary in 5 of 100 cases; the bet is on more:

# %%
print(inspect.getsource(failures.Evidence.add).split('"""')[2].strip("\n"))
outage = failures.Evidence().add(canary=50, canary_failed=20, stable=950, stable_failed=380)
fault = failures.Evidence().add(canary=50, canary_failed=20, stable=950, stable_failed=5)
print(
    f"\n40 % of both fail: e = {outage.value:.2g}; 40 % of the canary's: e = {fault.value:.2g}"
)
claim("an outage behind both accuses nobody", outage.value < 1 < 100 < fault.value)

# %% [markdown]
# Two such bets guard a canary. One counts **failures** (5xx, or slower than a second), as *Traefik* counts them: a server that is gone counts nothing. The other
# counts **wrong answers**: a held deploy that would have gone well, or one let through that failed. (Our deploys are recorded ones, so the truth is known at
# once. Where it comes a day late, each step lasts a day.) When either reaches an e-value of 100 the canary is rolled back (a healthy one in 2 of 100 cases at
# most); from 3 on it gets no more traffic for now.

# %%
print(inspect.getsource(canary.decide).split('"""')[2].strip("\n"))

# %%
POLICY = canary.Policy()
print(*POLICY.steps, f"alpha = {POLICY.alpha}, doubt = {POLICY.doubt}", sep="\n")
came = LIVE.failed.tolist()  # how each of the live deploys ended


def try_out(version, pods=1):
    """Lead a version up as the canary, and print each decision; return the last one and the share of requests it got."""
    canaries.set_percent(lab, 0)
    canaries.serve(lab, "canary", version, pods, PATIENCE)
    watch, percent = canaries.Watch(lab, version, questions, came), POLICY.steps[0].percent
    way = canary.run(POLICY, lambda share: canaries.set_percent(lab, share), watch)
    for progress, decision in way:
        if decision.action != "wait":
            print(f"at {percent} %: {decision.action}, {decision.why}")
            print(f"    e-value of failures {progress.failing.value:.2g}", end=", ")
            print(f"of wrong answers {progress.wrong.value:.2g}")
            percent = decision.percent
    share = watch.by_canary / watch.sent
    print(f"version {version} got {watch.by_canary} of {watch.sent} requests ({share:.1%})")
    return decision, share


# %% tags=["nbval-ignore-output"]
canaries.serve(lab, "deploy-risk", "1", seconds=PATIENCE)
good, _ = try_out("2")
if good.percent == 100:
    canaries.serve(
        lab, "deploy-risk", "2", seconds=PATIENCE
    )  # promoted: it is the stable one now

# %%
claim("the retrained model is promoted", good.percent == 100)

# %% [markdown]
# Now version 3: lesson 203's regression *without its scaler*, as a typical tutorial saves it with joblib. Its export passed the parity test (it says exactly what
# the bare regression says), its pod is ready, it answers 200 within milliseconds. What share of all requests does it answer until it is rolled back?

# %%
guess("611.g3")

# %% tags=["nbval-ignore-output"]
bad, saw_it = try_out("3")

# %%
reveal("611.g3", 100 * saw_it)
claim("the bad model is rolled back, for being wrong", bad.percent == 0 and "wrong" in bad.why)
claim("before 5 % of the traffic saw it", saw_it < 0.05)
asked = deploy_risk.features(LIVE)
wrong_1, wrong_3 = (
    float(((models[version].predict_proba(asked)[:, 1] >= now.threshold) != LIVE.failed).mean())
    for version in ("1", "3")
)
print(f"wrong among all live deploys: version 1 in {wrong_1:.0%}, version 3 in {wrong_3:.0%}")
simulated = trials.climb(wrong_1, wrong_3, POLICY, trials=1_000, seed=SEED)
early = np.quantile(simulated.seen, 0.95)
print(f"1,000 simulated canaries like it: {simulated.stopped.sum()} stopped,")
print(f"95 of 100 before {early:.1%} of the traffic saw them")
claim("it was no luck", simulated.stopped.mean() > 0.99 and early < 0.05)

# %% [markdown]
# And one that is not there at all, with no pod behind its Service:

# %% tags=["nbval-ignore-output"]
gone, saw_it = try_out("3", pods=0)

# %%
claim("rolled back, for failing", gone.percent == 0 and "fails" in gone.why)
claim("also within 5 %", saw_it < 0.05)

# %% tags=["exercise"] exercise="611.c"
### BEGIN SOLUTION
choice_c = "D"
### END SOLUTION
quiz("611.c", choice_c)

# %% [markdown]
# ### Refute it
#
# An experiment grows: on Friday b gets one share of the users, on Monday another. Each day 10,000 users come, and their variants are drawn by lot. On Fridays,
# when people are careful, 60 % of a's deploys go out at once and 63 % of b's; on Mondays 85 % and 88 %. b is better on both days, **so b is better in both days
# together**. With half of the users on each day:

# %%
suppose("611.5", (50, 50))

# %% [markdown]
# **Exercise 611.5 (5 minutes).** Refute that. A case is a pair: b's share on Friday and on Monday, in percent, each from 1 to 99.

# %% tags=["exercise"] exercise="611.5"
### BEGIN SOLUTION
case = (50, 5)
### END SOLUTION

# %%
check("611.5", case)

# %% [markdown]
# (Simpson's paradox.) So an experiment keeps its share until its end, or is compared day by day. A canary's evidence here is safe from it: it compares
# both versions *within* each look.

# %% [markdown]
# ## Quiz

# %% tags=["exercise"] exercise="611.d"
### BEGIN SOLUTION
choice_d = "A"
### END SOLUTION
quiz("611.d", choice_d)

# %% [markdown]
# ## Take it to work
#
# Two questions. Of **your** last experiment: were all users there? And of your clients: if a canary got 5 % of the *requests*, how many clients would meet it at
# least once?

# %%
from labsupport import own

print(f"p = {ratio.mismatch([10_412, 10_066], [50, 50]):.3f}")  # your counts, your shares
requests = own.access_log().groupby("client").size()  # own.access_log("access.log") reads yours
met = (1 - 0.95**requests).mean()
print(f"5 % of the requests reach {met:.0%} of {len(requests)} clients")

# %% [markdown]
# Leave the cluster as you found it.

# %%
lab.clean()
claim("nothing is left", labs.labs_of(lab.cluster).count("611") == 0)

# %% [markdown]
# ## Take away
#
# - Weights split requests, and know no users. An experiment assigns users by a hash, and counts them first.
# - A few missing records can make a winner. A mismatch of counts ends the reading.
# - Looking again and again needs a test made for it. An e-value or its intervals hold whenever you look.
# - A goal needs a guardrail, with a margin, and proof on both sides.
# - A canary is compared with the stable version beside it, by errors *and* by answers. The loop takes it back; nobody has to be awake.

# %%
from labsupport.course.picture import system_so_far

system_so_far("611")

# %% [markdown]
# **Next**: 612 asks who may load, read and ask a model at all.
