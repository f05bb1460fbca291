"""Lesson 611, A/B tests and canaries: checks on an assignment and a rule, and on snapshots of Services and a route."""

from typing import Any

from labsupport.cluster import gateways, look
from labsupport.exercises import expect
from labsupport.exercises.define import Exercises
from labsupport.exercises.guard import Guarded
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules, whole_number
from labsupport.lessons.cases import experiments_611

Object = dict[str, Any]
exercises = Exercises("611")


@exercises.check(
    "1",
    "A Service for the stable version alone",
    hints=(
        "A Service sends to every pod that has all labels of its `spec.selector`. Which label do only the stable pods have?",
        "The pods' label `track` is `stable` or `canary`.",
        '`{"spec": {"selector": {"track": "stable"}}}`: the label `app` stays, for a patch merges.',
    ),
    minutes=5,
    look=look,
)
def only_stable(snapshot: Any) -> str:
    """Look at which pods the Service `deploy-risk` selects, and whether both Deployments have theirs still."""
    service, canary = snapshot.get("Service", "deploy-risk"), snapshot.get("Deployment", "canary")
    if service is None or canary is None:
        raise NotAttempted(
            "The Service `deploy-risk` or the Deployment `canary` is not there yet: run the cells above."
        )
    selector = service["spec"].get("selector") or {}
    if selector == {"app": "deploy-risk"} and snapshot.pods_of("canary"):
        raise NotAttempted("The Service `deploy-risk` still selects by `app` alone.")
    stable = _names(snapshot.pods_of("deploy-risk"))
    trial = _names(snapshot.pods_of("canary"))
    if not stable or not trial:
        cause = "the split is the Service's matter: both versions must run, each in its Deployment"
        raise Fail(f"{len(stable)} stable pods and {len(trial)} of the canary", "one or more of each", cause)
    chosen = _names(pod for pod in snapshot.all("Pod") if selector and _has(pod, selector))
    said = ", ".join(f"{name}: {value}" for name, value in selector.items()) or "none"
    if chosen >= trial and not chosen & stable:
        raise Fail(f"selector {said}: the canary alone", "the stable pods alone", "everybody gets the canary now")
    if chosen & trial:
        cause = "`track` tells the pods apart, in a label that the selector must name"
        raise Fail(f"selector {said}: {len(chosen & trial)} pod of the canary, too", "the stable pods alone", cause)
    if chosen != stable:
        cause = "no pod has all of these labels, so nobody answers: compare with `kubectl get pods --show-labels`"
        if chosen:
            cause = "it must go on to all of them, and to nobody else"
        raise Fail(f"selector {said}: {len(chosen)} pods", f"the {len(stable)} stable one", cause)
    other = (snapshot.get("Service", "canary") or {}).get("spec", {}).get("selector") or {}
    if _names(pod for pod in snapshot.all("Pod") if other and _has(pod, other)) != trial:
        cause = "the change was meant for the Service `deploy-risk` alone"
        raise Fail("a Service `canary` that selects other pods than before", "the canary's pods", cause)
    return "Who asks the Service `deploy-risk` meets the stable version, whatever else runs beside it."


def _has(pod: Object, selector: dict[str, str]) -> bool:
    labels = pod["metadata"].get("labels") or {}
    return all(labels.get(name) == value for name, value in selector.items())


def _names(pods: Any) -> set[str]:
    """Return the names of the pods that are not about to end."""
    return {pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}


@exercises.check(
    "2",
    "The same variant for the same user",
    hints=(
        "Which function gives one text the same number in every process? (Not `hash`: Python salts it anew in each.)",
        "`hashlib.sha256(text.encode()).digest()` has 32 bytes; `int.from_bytes(digest[:8], 'big') / 2**64` lies between 0 and 1.",
        "The text is made of both names, `f'{experiment}:{user}'`. Then: b where the number is below `share`.",
    ),
    minutes=9,
)
def variant(answer: Guarded) -> str:
    """Assign thousands of users in several experiments and shares: repeated, nested, independent, and as many as asked for."""
    assign = expect.function(answer)
    experiments_611.judge_assignment(assign)
    return f"{experiments_611.USERS:,} users: the same each time, nested as the share grows, independent between experiments."


@exercises.check(
    "3",
    "A route by variant",
    hints=(
        "Two rules. One has `matches` with a header and goes to `canary`; what does the other one need?",
        "A rule without `matches` takes all requests. Of two rules that match, the one that says more wins, so their order does not matter.",
        '`{"matches": [{"headers": [{"name": "x-variant", "value": "b"}]}], "backendRefs": [{"name": "canary", "port": 8080}]}`, and a rule with the other Service alone.',
    ),
    minutes=8,
    look=look,
)
def by_user(snapshot: Any) -> str:
    """Send requests with and without the header through the rules, as the Gateway API reads them; then look at the status."""
    route = snapshot.get("HTTPRoute", "deploy-risk")
    if route is None:
        raise NotAttempted("There is no HTTPRoute `deploy-risk`: run the cells above.")
    rules = route["spec"].get("rules") or []
    if not any(match.get("headers") for rule in rules for match in rule.get("matches") or []):
        if len(rules) == 1:
            raise NotAttempted("The HTTPRoute `deploy-risk` does not look at a header yet.")
        raise FinalFail(
            f"{len(rules)} rules, none with a header", "one that looks at `x-variant`", "`matches` with `headers`"
        )
    try:
        experiments_611.judge_route(rules)
    except ValueError as error:
        raise FinalFail(f"{error}", "matches of headers, and Services", question="is there a simpler rule?") from None
    if ports := {ref.get("port") for rule in rules for ref in rule.get("backendRefs") or []} - {8080}:
        raise FinalFail(
            f"port {', '.join(map(str, sorted(map(str, ports))))}", "8080", "both Services listen on port 8080"
        )
    if said := gateways.unmet(route):
        cause = "it takes a moment: check again" if said == gateways.NOT_YET else "see the route's status"
        raise Fail(said, "a route that is in force", cause)
    return "b goes to the canary, everybody else to the stable version, and no request is left without a rule."


@exercises.check(
    "4",
    "A rule that is written first",
    hints=(
        "Begin with what overrules everything: a count of users that can't be. Then harm, then success.",
        "Certainly above a value: even the *low* end is above it. Certainly below: even the *high* end.",
        "`stop` if `unhappy[0] > margin or goal[1] < 0`; `ship` if `goal[0] > 0 and unhappy[1] <= margin`.",
    ),
    minutes=9,
)
def verdict(answer: Guarded) -> str:
    """Ask about intervals on all sides of 0 and of the margin, in every combination, with good counts and bad ones."""
    rule = expect.function(answer)
    for case in experiments_611.VERDICTS:
        saw = expect.returned(rule(case.mismatch, case.goal, case.unhappy, case.margin), "one of four words")
        word = saw if isinstance(saw, str) else ""
        if word == case.wanted:
            continue
        asked = f"mismatch {case.mismatch:g}, goal {_points(case.goal)}, unhappy {_points(case.unhappy)}, margin {100 * case.margin:g} points"
        raise Fail(f"{saw!r:.40} for {asked}", f"`{case.wanted}`", **experiments_611.why(case, word))
    return f"{len(experiments_611.VERDICTS)} looks judged: counts first, harm before success, and proof on both sides."


def _points(interval: tuple[float, float]) -> str:
    return f"{100 * interval[0]:+g} to {100 * interval[1]:+g} points"


@exercises.refute(
    "5",
    "b is better on each of two days, so b is better in both days together",
    case="a pair: b's share of the users on Friday and on Monday, in percent, each from 1 to 99",
    hints=(
        "On which day do more deploys go out, whatever the variant? On which day should b have its users, to look bad?",
        "Many of b's users on Friday, few on Monday: then b's mean is nearly Friday's, and a's nearly Monday's.",
        "`case = (50, 5)`, for example.",
    ),
    minutes=5,
)
def better_together(case: Any) -> Measured:
    """Add up both days for both variants, and compare the shares of deploys that went out at once."""
    try:
        friday, monday = case
    except (TypeError, ValueError):
        raise OutsideRules("a case is a pair, such as (50, 50)") from None
    shares = [whole_number(share, 1, 99, "a share in percent") / 100 for share in (friday, monday)]
    a, b = experiments_611.together(shares)
    numbers = f"a {a:.1%}, b {b:.1%} of both days' deploys went out at once"
    if b >= a:
        question = "which day's users should b be made of, to look worse?"
        if monday > friday:
            question = "b has most of its users on the day when more goes out: and the other way round?"
        return Measured(True, numbers, question)
    return Measured(False, numbers)


exercises.guess("g1", "With weights of 90 and 10, one user who asks 20 times is answered by one version only")
exercises.guess("g2", "False winners among 1,000 A/A tests, with 100 looks at p < 0.05 each", unit="")
exercises.guess("g3", "Share of all requests that the bad model answers, until it is rolled back", unit="%")
exercises.quiz(
    "a",
    "An experiment of 90 % and 10 %: 90,610 users in a, 9,390 in b (p = 1e-10), and b's users buy 4 % more (p = 0.0001). The analyst proposes to give each user of a a lower weight, so that the counts fit. What do you say?",
    ("Right: with weights the two groups have their intended sizes, and the result counts.", False, "The sizes are a symptom. Who is missing is not known, so no weight can bring them back."),
    ("No result from this one: find out which users b lost, mend it, and begin anew.", True, "Those who are missing differ from those who are there, in b only. 600 lost users can make a 4 % difference; 611's lost records did."),
    ("Keep it: 600 of 100,000 users are 0.6 %, too few to turn a result with p = 0.0001.", False, "They are 6 % of b. If just these would have bought nothing, b's rate is 6 % too high."),
    ("Let it run on: with more users the counts approach 90 and 10.", False, "A fault that loses users goes on losing them. The p-value only gets smaller."),
)  # fmt: skip
exercises.quiz(
    "b",
    "\"We look at the experiment each morning, but we only stop when p < 0.05 on two mornings in a row. So our error is 0.05 x 0.05.\" What is their error?",
    ("0.25 %, as they say: two independent errors in a row.", False, "They are not independent: the second morning's data contain the first's, and differ by one day."),
    ("5 %: the second look repairs what peeking costs.", False, "It repairs a part. There are still as many pairs of mornings as days, and each is a chance to stop."),
    ("Above 5 % in a long one; A/A tests by their rule would show it.", True, "A z value that is above 1.96 today is likely to be there tomorrow. Any rule can be put to the test of this lesson: 1,000 experiments in which nothing differs."),
    ("Unknown without the size of the true difference.", False, "A false winner is about experiments without a difference. Its rate needs no size."),
)  # fmt: skip
exercises.quiz(
    "c",
    "To spare users, the gateway now sends each failed request a second time, to the other version. In the next canary, 30 % of the new version's requests fail. What must the controller count?",
    ("Errors that users see. There are none, so the canary may go on.", False, "At 100 % there is no other version that answers in its place. Then 30 % fail."),
    ("Latency of all requests together: second tries take longer.", False, "At 1 % of the traffic, 30 % of it with a longer way, the mean does not move."),
    ("Nothing else than before: a request that is sent twice is counted twice, as a failure of each version.", False, "The second try succeeds, on the stable side. It is counted there as a success."),
    ("Failures of each *backend's* attempts, before the second try.", True, "What the users see and what the canary does are two things now. The gateway knows both; ours counts for each Service."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Whether an answer was right is known after two days. The new version's answers look normal in speed and errors. At 1 % for two days, with 200 requests an hour in all, what do you do?",
    ("Ask both about recorded deploys first; then start with 5 or 10 %, and wait.", True, "1 % gives about 100 answers in two days, judged two days later. Recorded questions cost no user anything and find the coarse faults; a larger first step makes the labels worth waiting for."),
    ("Promote by speed and errors, and roll back when the labels say so.", False, "For two days everybody gets a version whose answers nobody has judged: the bad model of this lesson would be among them."),
    ("Keep it at 1 % until 1,000 labels of the canary are there.", False, "That is 2 requests an hour: three weeks, for each candidate."),
    ("Compare how often both versions say \"hold\", and take a difference for a fault.", False, "A useful early alarm, but a better model differs, too. It can say *look*, not *wrong*."),
)  # fmt: skip
