"""Lesson 609, Metrics, logs, traces: checks by promtool and amtool, and on snapshots of the cluster's ConfigMaps and logs."""

import re
from typing import Any

import yaml

from labsupport.cluster import look, promtool
from labsupport.exercises.define import Exercises
from labsupport.exercises.outcomes import Fail, FinalFail, NotAttempted
from labsupport.exercises.refute import Measured, OutsideRules
from labsupport.lessons.cases import alerts_609 as cases
from labsupport.monitoring import rules, slo

exercises = Exercises("609")
MOST_SERIES = 100
# Values that each label of the clients' counter takes.
VALUES = {"outcome": 4, "size": 2, "author": 40}


@exercises.check(
    "1",
    "The share of bad answers",
    hints=(
        "Three sets of outcomes: bad (`busy`, `error`), good (`ok`), and the client's own mistakes, which are not in the fraction at all.",
        '`sum by (model) (rate(model_predictions_total{outcome=~"busy|error"}[5m]))` is the numerator; the denominator excludes `invalid|too_large`.',
        "Where nothing bad has ever been counted, the numerator has no series: `(... or 0 * sum by (model) (rate(model_predictions_total[5m])))`.",
    ),
    minutes=9,
)
def bad_share(answer: Any) -> str:
    """Record the expression in promtool and compare it on counters whose share is known."""
    if not isinstance(answer, str):
        raise Fail(f"a {type(answer).__name__}", "a query as text", "write PromQL between quotes")
    rule = cases.rule_of(answer.strip())
    read = promtool.check(rule)
    if not read.passed:
        raise Fail("a query that Prometheus can't read", "PromQL", f"it says: {_told(read.words)}")
    if not promtool.test(rule, cases.tests_of(*cases.SHARES)).passed:
        case = next(one for one in cases.SHARES if not promtool.test(rule, cases.tests_of(one)).passed)
        wanted = ", ".join(f"{value:g}" for value in case.wanted.values())
        raise Fail(f"another share for {case.told}", wanted, case.cause)
    return f"{len(cases.SHARES)} services judged: what we failed, among what we could have answered."


@exercises.check(
    "2",
    "Tests that notice",
    hints=(
        "A spoilt rule is noticed by a case in which it and the right rule say different things. Take one spoilt rule after the other.",
        "One window above the limit and the other below it, both ways round; then both a little above, and both a little below.",
        "`(0.3, 0.05, False)`, `(0.05, 0.3, False)`, `(0.2, 0.3, True)`, `(0.3, 0.2, True)`, `(0.1, 0.1, False)`.",
    ),
    minutes=8,
)
def tests_that_notice(answer: Any) -> str:
    """Run the learner's cases on the right rule, then on each spoilt one."""
    try:
        wanted = [(float(short), float(long), bool(fires)) for short, long, fires in answer]
    except (TypeError, ValueError) as error:
        raise Fail(
            "something else", "a list of (short, long, fires)", "two shares and a truth for each case"
        ) from error
    if not wanted:
        raise Fail("no case", "a list of (short, long, fires)", "a test without a case passes on every rule")
    if any(not 0 <= share <= 1 for case in wanted for share in case[:2]):
        raise Fail("a share outside 0 to 1", "shares", "0.144 is 14.4 %")
    if len(wanted) > 12:
        raise Fail(f"{len(wanted)} cases", "12 at most", "who reads them? Each case is there for a mistake")
    right = promtool.test(cases.alert_of(cases.ALERT), rules.burn_tests(wanted))
    if not right.passed:
        wrong = next(
            case for case in wanted
            if not promtool.test(cases.alert_of(cases.ALERT), rules.burn_tests([case])).passed
        )  # fmt: skip
        raise Fail(
            f"the case {wrong} fails on the right rule", "cases that it passes",
            "it fires when both shares are *above* 0.144, and only then",
        )  # fmt: skip
    for expression, (told, noticed) in cases.SPOILT.items():
        if promtool.test(cases.alert_of(expression), rules.burn_tests(wanted)).passed:
            raise Fail(f"nobody notices: {told}", "a case that fails on it", f"what would show it: {noticed}")
    return f"{len(wanted)} cases notice all {len(cases.SPOILT)} spoilt rules."


@exercises.check(
    "3",
    "Who is woken",
    hints=(
        "`route` has a receiver for all that nothing else matches, and `routes` below it with `matchers`.",
        'A route: `{"receiver": "pager", "matchers": ["severity=\\"page\\""]}`.',
        "Change the text: add `routes:` with one entry to `route`, four spaces further in than `route:`.",
    ),
    minutes=8,
    look=look,
)
def who_is_woken(snapshot: Any) -> str:
    """Ask amtool who is told of what by the ConfigMap, and look whether Alertmanager was started with it."""
    configmap = snapshot.get("ConfigMap", "alertmanager")
    if configmap is None:
        raise NotAttempted("There is no ConfigMap `alertmanager`: run the cells from the beginning.")
    text = configmap["data"].get("alertmanager.yml", "")
    try:
        whole = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", "") or str(error)
        where = f"line {mark.line + 1}: {problem}" if mark else problem
        raise FinalFail("a file that Alertmanager can't read", "YAML", f"it says: {where}") from None
    if not isinstance(whole, dict) or not isinstance(whole.get("route"), dict):
        raise FinalFail(
            "a file without a `route`", "`route:` and `receivers:`", "write the whole file, as it is shown above"
        )
    if not whole["route"].get("routes") and whole["route"].get("receiver") == "tickets":
        raise NotAttempted("All alerts still go to `tickets`.")
    wanted = {
        ("BudgetBurnsFast", "page"): "pager", ("PredictorIsGone", "page"): "pager", ("BudgetBurnsSlowly", "ticket"): "tickets",
        ("SomethingNew", "none"): "tickets",
    }  # fmt: skip
    for (name, severity), receiver in wanted.items():
        said = promtool.route(text, alertname=name, severity=severity, model="deploy-risk")
        if not said.passed:
            raise FinalFail("a file that Alertmanager can't read", "a configuration", f"it says: {_told(said.words)}")
        if said.words != receiver:
            cause = "the receiver of `route` itself gets what no route below it matches"
            if severity == "page":
                cause = "what has `severity=page` is to wake somebody, whatever its name"
            if "," in said.words:
                cause = "with `continue: true` the next route gets it, too"
            raise FinalFail(f"{name} ({severity}) goes to {said.words}", receiver, cause)
    sends = {one["name"]: one.get("webhook_configs") or [] for one in whole.get("receivers", [])}
    if not sends["pager"] or not sends["tickets"]:
        raise FinalFail("a receiver that sends nothing", "`webhook_configs` in both", "a name alone swallows alerts")
    return "Pages wake, everything else waits until morning."


@exercises.check(
    "4",
    "Labels that are worth their series",
    hints=(
        "Multiply: each combination of values that occurs is one series.",
        "Which label names values without end, and which alone costs more than the others together? Both questions of the on-call need neither.",
        '`kept = ["outcome", "size"]`.',
    ),
    minutes=5,
    look=look,
)
def few_series(snapshot: Any) -> str:
    """Look at the labels with which the Deployment `clients` counts."""
    deployment = snapshot.get("Deployment", "clients")
    if deployment is None:
        raise NotAttempted("There is no Deployment `clients`: run the cells from the beginning.")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    words = [str(word) for word in [*(container.get("command") or []), *(container.get("args") or [])]]
    found = re.search(r"--labels[= ](\S*)", " ".join(words))
    labels = [name for name in (found[1] if found else "outcome").split(",") if name]
    if "trace_id" in labels:
        if "author" in labels and len(labels) == len(VALUES) + 1:
            raise NotAttempted("The clients still count with every label.")
        raise FinalFail(
            "a series for each request",
            f"{MOST_SERIES} series at most",
            "a trace id is never seen twice: it belongs into logs and traces",
        )
    if lacking := [name for name in ("outcome", "size") if name not in labels]:
        raise FinalFail(
            f"no label `{lacking[0]}`", "both questions answered",
            "how many failed, and whether large or small ones, can't be asked without it",
        )  # fmt: skip
    if unknown := [name for name in labels if name not in VALUES]:
        raise FinalFail(
            f"the label `{unknown[0]}`", f"labels of {', '.join(VALUES)}", "the clients know no label of that name, and end"
        )  # fmt: skip
    series = 1
    for name in labels:
        series *= VALUES[name]
    if series > MOST_SERIES:
        raise FinalFail(
            f"up to {series} series", f"{MOST_SERIES} at most", "labels multiply: 4 outcomes, 2 sizes, 40 authors"
        )
    return f"Up to {series} series, and both questions are answered."


@exercises.refute(
    "5",
    "While neither the page nor the ticket fires, the service keeps its objective of 99 % over 30 days",
    case="a share of bad answers from 0 to 1, the same in every minute of 30 days",
    hints=(
        "The ticket fires above a burn rate of 3. What does a burn rate of 2 do to the budget in 30 days?",
        "Budget: 1 %. A burn rate between 1 and 3 is a share between 1 % and 3 %.",
        "0.02.",
    ),
    minutes=4,
)
def silent_is_kept(case: Any) -> Measured:
    """Play 30 days at this share and look whether one of the alarms fires and what is left of the budget."""
    if isinstance(case, bool) or not isinstance(case, int | float) or not 0 <= case <= 1:
        raise OutsideRules("a case is one share, such as 0.005")
    minutes = 30 * 24 * 60
    fired = any(slo.firing([float(case)] * minutes, alarm).any() for alarm in (slo.PAGE, slo.TICKET))
    spent = slo.Objective().spent(float(case), hours=minutes / 60)
    words = f"{'an alarm fires' if fired else 'silence'}, and {spent:.0%} of the budget is spent after 30 days"
    return Measured(fired or spent <= 1 + 1e-9, words)


def _told(words: str) -> str:
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    return " ".join(lines[-2:])[-240:] or "nothing"


exercises.guess("g1", "The page comes later than 5 seconds after the first bad answers are counted")
exercises.guess("g2", "In the median of the eight, most of the server's time is the model's")
exercises.guess("g3", "Series that 100 questions leave in the clients' counter, with these four labels", unit="series")
exercises.quiz(
    "a",
    "A typical tutorial's metrics are a counter of predictions, a histogram of their latency and a gauge `model_accuracy`, set to 0.95 at the start. All three look well. Which failure would show in one of them?",
    ("A library update makes each call take three times as long.", True, "The histogram times each call that succeeds, and so its quantiles move."),
    ("The world changes, and the model is wrong twice as often as in training.", False, "The gauge keeps what somebody set. Nobody compares answers with what happened later."),
    ("Each tenth prediction raises an exception before it is counted.", False, "Only successes are counted: the rate falls by a tenth, which looks like a little less traffic."),
    ("The scaler is lost in an export: answers come as fast as ever, and are nonsense.", False, "Neither count nor time knows what an answer says."),
)  # fmt: skip
exercises.quiz(
    "b",
    "Your predictor has 12 replicas behind one Service. Prometheus scrapes the Service's address every 30 seconds, each time over a new connection. What will `rate(model_predictions_total[5m])` show?",
    ("A twelfth of the traffic: each scrape sees one replica.", False, "If each scrape met the *same* replica, as over one connection that is kept alive. Here each opens its own."),
    ("The right rate, for the Service adds its replicas up.", False, "A Service passes a connection on. It knows nothing of metrics."),
    ("Nonsense: one series of many counters, whose falls it takes for restarts.", True, "A counter that falls was reset, says `rate`, and adds the new value as a whole. Scrape pods, each under its own `instance` (`kubernetes_sd_configs`), and add up in PromQL."),
    ("Nothing: a Service must not be scraped.", False, "It answers like anybody else, and nobody warns you."),
)  # fmt: skip
exercises.quiz(
    "c",
    "A customer complains of one request at 14:03 and sends its trace id. Traces are sampled at 1 in 50, logs have a line for each request, metrics have labels outcome and model. Where do you look first, and what will you find?",
    ("In the traces: the id leads straight to its spans.", False, "In one of 50 cases. The id is in the header and in the log whether or not spans were kept."),
    ("In the logs: the line with that id has status and duration.", True, "And if such complaints matter, keep the spans of *failed* and slow requests: a tail sampler decides when the trace is over."),
    ("In the metrics at 14:03, under the outcome of that request.", False, "They count many requests. None of them has a name."),
    ("Nowhere: without spans, the id was never written.", False, "The client makes the id, the header carries it, the server logs it. Sampling decides only on spans."),
)  # fmt: skip
exercises.quiz(
    "d",
    "Night shift: `BudgetBurnsFast` pages each Sunday at 03:00 for 4 minutes, while a backup runs. The month's budget has never been spent by more than 40 %. What do you do?",
    ("Silence the alert on Sundays from 02:50 to 03:10.", False, "Then a real outage in that window is nobody's. A silence is for what somebody works on now."),
    ("Raise the factor from 14.4 to 40.", False, "It would sleep through outages on all days, for the sake of one."),
    ("Nothing: the budget is kept.", False, "A page that needs no action teaches people to ignore pages."),
    ("Find out whom it hurts, and make the backup cheaper or slower.", True, "The alert is right: at this speed the budget goes. That it stops after 4 minutes is luck, and there is money in the budget for a planned repair, not for a habit."),
)  # fmt: skip
