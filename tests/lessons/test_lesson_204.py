"""Lesson 204: usual mistakes, each with words of its own diagnosis, and right answers (see test_every_lesson)."""

TRUSTED = 'skops_trusted_types=["sklearn.tree._tree.Tree"]'


def cut(cost: str, pick: str = "min(candidates, key=cost)") -> str:
    return (
        "def best_threshold(values, failed):\n"
        "    known = np.unique(values)\n"
        "    candidates = (known[1:] + known[:-1]) / 2\n"
        "    def gini(part):\n"
        "        p = part.mean()\n"
        "        return 2 * p * (1 - p)\n"
        "    def cost(t):\n"
        "        yes = values <= t\n"
        f"        return {cost}\n"
        f"    return {pick}"
    )


WEIGHTED = "yes.mean() * gini(failed[yes]) + (~yes).mean() * gini(failed[~yes])"


def query(filters: str, order: str = '["metrics.skill_validation DESC"]', pick: str = "[0]") -> str:
    return (
        "def best_run(client, experiment_id, data_sha256):\n"
        f'    return client.search_runs([experiment_id], filter_string=f"{filters}", order_by={order}){pick}'
    )


FINISHED, SAME_DATA = "attributes.status = 'FINISHED'", "params.data_sha256 = '{data_sha256}'"


def back(*lines: str) -> str:
    body = ["def rollback(client, name):", '    v = client.get_model_version_by_alias(name, "previous").version']
    return "\n".join([*body, *(f"    {line}" for line in lines)])


SET = 'client.set_registered_model_alias(name, "champion", v)'


HASHED = "X.to_numpy().tobytes() + np.asarray(y).tobytes()"
HEAD = [
    "import hashlib",
    "def train_and_record(mlflow, X_train, y_train, X_new, y_new):",
    "    from sklearn.tree import DecisionTreeClassifier",
]


def recorded(*lines: str, end: str = "return run.info.run_id", of: str = HASHED) -> str:
    head = [
        *HEAD,
        f"    sha256 = lambda X, y: hashlib.sha256({of}).hexdigest()",
        "    with mlflow.start_run() as run:",
    ]
    return "\n".join([*head, *(f"        {line}" for line in lines), f"    {end}"])


PARAMS = 'mlflow.log_params({"max_depth": 5, "seed": 0, "data_sha256": sha256(X_train, y_train)})'
FIT = "model = DecisionTreeClassifier(max_depth=5, random_state=0).fit(X_train, y_train)"
METRIC = 'mlflow.log_metric("accuracy", model.score(X_new, y_new))'


def stored(*options: str, name: str = 'name="decision_tree"', example: str = "input_example=X_train[:2]") -> str:
    return f"mlflow.sklearn.log_model({', '.join(x for x in ('model', name, example, *options) if x)})"


MODEL = stored(TRUSTED)

WRONG = {
    "204.1": {
        "forgets the sizes": (cut("gini(failed[yes]) + gini(failed[~yes])"), "weight each by the size"),
        "takes the worst": (cut(WEIGHTED, "max(candidates, key=cost)"), "the worst cut"),
        "looks at one part": (cut("gini(failed[yes])"), "only the impurity of the yes part"),
        "looks at the other part": (cut("gini(failed[~yes])"), "only the impurity of the no part"),
        "counts errors": (
            cut("sum(min(part.sum(), (~part).sum()) for part in (failed[yes], failed[~yes]))"),
            "counted errors",
        ),
        "takes neighbours in the column": (
            cut(WEIGHTED)
            .replace("known = np.unique(values)", "known = np.asarray(values)")
            .replace(
                "(known[1:] + known[:-1]) / 2",
                "[t for t in (known[1:] + known[:-1]) / 2 if 0 < (values <= t).sum() < len(values)]",
            ),
            "which is in no order",
        ),
        "keeps the cost of an empty part": (
            "def best_threshold(values, failed):\n"
            "    def gini(part):\n"
            "        return 2 * part.mean() * (1 - part.mean())\n"
            "    best = None\n"
            "    for t in values:\n"
            "        yes = values <= t\n"
            "        with np.errstate(all='ignore'):\n"
            "            cost = yes.mean() * gini(failed[yes]) + (~yes).mean() * gini(failed[~yes])\n"
            "        if best is None or cost <= best:\n"
            "            best, at = cost, t\n"
            "    return at",
            "a threshold of 5",
        ),
        "cuts between equal values": (
            "def best_threshold(values, failed):\n"
            "    order = np.argsort(values, kind='stable')\n"
            "    v, f = values[order], failed[order].astype(float)\n"
            "    n = np.arange(1, len(v))\n"
            "    k, rest = np.cumsum(f)[:-1], f.sum() - np.cumsum(f)[:-1]\n"
            "    at = (k * (1 - k / n) + rest * (1 - rest / (len(v) - n))).argmin()\n"
            "    return (v[at] + v[at + 1]) / 2",
            "a cut between equal values",
        ),
        "takes entropy": (
            cut(WEIGHTED).replace("return 2 * p * (1 - p)", "return -sum(q * np.log2(q) for q in (p, 1 - p) if q > 0)"),
            "by entropy",
        ),
        "exchanges the weights": (
            cut("(~yes).mean() * gini(failed[yes]) + yes.mean() * gini(failed[~yes])"),
            "the weights are exchanged",
        ),
        "takes the middle of the column": (
            cut("abs(np.quantile(values, 0.3) - t)"),
            "when you weigh both parts by hand",
        ),
        "leaves a part empty": (cut(WEIGHTED, "values.max()"), "one part is empty"),
        "returns the cost": (cut(WEIGHTED, "min(cost(t) for t in candidates)"), "the smallest cost itself"),
        "returns the position": (
            cut(WEIGHTED, "int(np.argmin([cost(t) for t in candidates]))"),
            "the position of the best candidate",
        ),
        "takes the upper edge of the gap": (
            cut(WEIGHTED, "known[known > min(candidates, key=cost)].min()"),
            "fall into the yes part",
        ),
        "returns the cost, too": (cut(WEIGHTED, "min((cost(t), t) for t in candidates)"), "the threshold alone"),
    },
    "204.2": {
        "forgets the status": (query(SAME_DATA), "a run that FAILED"),
        "forgets the data": (query(FINISHED), "ask for `params.data_sha256`"),
        "forgets both": (query(""), "neither the status nor the data"),
        "orders by the past": (
            query(f"{FINISHED} and {SAME_DATA}", '["metrics.skill_learnt DESC"]'),
            "deploys it learnt from",
        ),
        "orders by the past those that are any good": (
            query(f"{FINISHED} and {SAME_DATA} and metrics.skill_validation > 0", '["metrics.skill_learnt DESC"]'),
            "take `metrics.skill_validation`",
        ),
        "orders upwards": (query(f"{FINISHED} and {SAME_DATA}", '["metrics.skill_validation"]'), "add `DESC`"),
        "does not order": (query(f"{FINISHED} and {SAME_DATA}", "None"), "the newest run comes first"),
        "asks for a list": (
            "def best_run(client, experiment_id, data_sha256):\n"
            "    return client.search_runs([experiment_id], output_format='list')[0]",
            "an option of `mlflow.search_runs`",
        ),
        "asks another server": (
            "def best_run(client, experiment_id, data_sha256):\n"
            "    import types\n"
            "    mlflow = types.SimpleNamespace(search_runs=lambda ids: [])\n"
            "    return mlflow.search_runs([experiment_id])[0]",
            "the client that was handed over was not asked",
        ),
        "asks for trees": (query(f"{FINISHED} and {SAME_DATA} and params.model = 'tree'"), "of any model"),
        "returns the run's id": (query(f"{FINISHED} and {SAME_DATA}", pick="[0].info.run_id"), "not a part of it"),
        "returns the list": (query(f"{FINISHED} and {SAME_DATA}", pick=""), "the first of the list"),
        "quotes the wrong thing": (query(f"{FINISHED} and params.data_sha256 = {{data_sha256}}"), "MlflowException"),
        "fixes the hash": (query(f"{FINISHED} and params.data_sha256 = 'aa11'"), "a hash stands fixed"),
    },
    "204.3": {
        "turns it round": (
            'def rollback(client, name):\n    v = client.get_model_version_by_alias(name, "champion").version\n'
            '    client.set_registered_model_alias(name, "previous", v)\n    return v',
            "the wrong alias was moved",
        ),
        "only reads": (back("return v"), "no alias was moved"),
        "fixes a version": (
            'def rollback(client, name):\n    client.set_registered_model_alias(name, "champion", "1")\n    return "1"',
            "a fixed number",
        ),
        "deletes the bad version": (
            back(
                'client.delete_model_version(name, client.get_model_version_by_alias(name, "champion").version)',
                SET,
                "return v",
            ),
            "evidence for the post-mortem",
        ),
        "swaps the two": (
            back(
                'bad = client.get_model_version_by_alias(name, "champion").version',
                SET,
                'client.set_registered_model_alias(name, "previous", bad)',
                "return v",
            ),
            "previous was moved too",
        ),
        "returns the bad version": (
            back('bad = client.get_model_version_by_alias(name, "champion").version', SET, "return bad"),
            "champion pointed to before",
        ),
        # What `tracking.promote` says of a model that the lesson's own server does not have.
        "promotes": (
            "from labsupport.tracking import TrackingError\n"
            "def rollback(client, name):\n"
            "    raise TrackingError(f'{name} has no version 4: nothing was promoted.')",
            "by the `client` that is handed over",
        ),
        "takes the challenger": (
            'def rollback(client, name):\n    v = client.get_model_version_by_alias(name, "challenger").version\n'
            f"    {SET}\n    return v",
            "went to the challenger",
        ),
        "returns nothing": (back(SET), "no `return`"),
        "hands over the whole version": (
            'def rollback(client, name):\n    v = client.get_model_version_by_alias(name, "previous")\n'
            '    client.set_registered_model_alias(name, "champion", v)\n    return v.version',
            "take its .version",
        ),
    },
    "204.4": {
        "keeps the handout's order": (recorded(FIT, MODEL, PARAMS, METRIC), "max_depth after the model"),
        "logs only the metric late": (recorded(PARAMS, FIT, MODEL, METRIC), "accuracy after the model"),
        "takes the quick way out": (
            recorded(PARAMS, FIT, METRIC, stored('serialization_format="cloudpickle"')),
            "can run code when it is loaded",
        ),
        "trusts nothing": (recorded(PARAMS, FIT, METRIC, stored()), "untrusted types"),
        "hides the refusal": (
            recorded(PARAMS, FIT, METRIC, "try:", f"    {stored()}", "except Exception:", "    pass"),
            "must not look FINISHED",
        ),
        "keeps the old position": (
            recorded(PARAMS, FIT, METRIC, stored(TRUSTED, name='"decision_tree"')),
            "write `name=`",
        ),
        "forgets the example": (recorded(PARAMS, FIT, METRIC, stored(TRUSTED, example="")), "without an example"),
        "forgets the seed": (
            recorded('mlflow.log_param("max_depth", 5)', FIT, METRIC, MODEL),
            "without the parameter seed",
        ),
        "forgets the hash": (
            recorded('mlflow.log_params({"max_depth": 5, "seed": 0})', FIT, METRIC, MODEL),
            "without the parameter data_sha256",
        ),
        "hashes the columns only": (
            recorded(PARAMS, FIT, METRIC, MODEL, of="X.to_numpy().tobytes()"),
            "a tree learns from `y_train`",
        ),
        "hashes the text of the frame": (
            recorded(PARAMS, FIT, METRIC, MODEL, of="(str(X) + str(list(y))).encode()"),
            "leaves out its middle",
        ),
        "hashes a sum": (
            recorded(PARAMS, FIT, METRIC, MODEL, of="(repr(X.sum().tolist()) + repr(list(y))).encode()"),
            "the order is not in it",
        ),
        "hashes one column by its sum": (
            recorded(
                PARAMS,
                FIT,
                METRIC,
                MODEL,
                of="X.iloc[:, 1:].to_numpy().tobytes() + repr(X.iloc[:, 0].sum()).encode() + np.asarray(y).tobytes()",
            ),
            "which values stand in one row",
        ),
        "hashes the new deploys as well": (
            recorded(
                PARAMS.replace("(X_train, y_train)", "(pd.concat([X_train, X_new]), y_train)"), FIT, METRIC, MODEL
            ),
            "nothing was learnt from them",
        ),
        "takes Python's hash": (
            recorded(
                PARAMS.replace("sha256(X_train, y_train)", "hash(X_train.to_numpy().tobytes())"), FIT, METRIC, MODEL
            ),
            "Python's own `hash`",
        ),
        "hashes the time": (
            recorded(
                PARAMS.replace("(X_train, y_train)", "(X_train, y_train * __import__('time').perf_counter())"),
                FIT,
                METRIC,
                MODEL,
            ),
            "what beside values and outcomes",
        ),
        "records another seed than it used": (
            recorded(PARAMS, FIT.replace("random_state=0", "random_state=1"), METRIC, MODEL),
            "does not say what was done",
        ),
        "scores the past": (recorded(PARAMS, FIT, METRIC.replace("X_new, y_new", "X_train, y_train"), MODEL), "X_new"),
        "returns nothing": (recorded(PARAMS, FIT, METRIC, MODEL, end="pass"), "return run.info.run_id"),
        "never ends the run": (
            "\n".join(HEAD) + f"\n    sha256 = lambda X, y: hashlib.sha256({HASHED}).hexdigest()\n"
            "    run = mlflow.start_run()\n"
            f"    {PARAMS}\n    {FIT}\n    {METRIC}\n    {MODEL}\n    return run.info.run_id",
            "stays RUNNING for ever",
        ),
        "opens no run": (
            "def train_and_record(mlflow, X_train, y_train, X_new, y_new):\n"
            '    mlflow.log_params({"max_depth": 5, "seed": 0})',
            "no run is open",
        ),
    },
    "204.5": {
        "limits the depth": ('recipe = Recipe("tree", max_depth=3)', "3, 3, 3, 3 questions deep"),
        "takes another deep one": ('recipe = Recipe("tree", max_depth=None)', "the sentence held"),
        "takes no tree": ('recipe = Recipe("logistic")', "a recipe of a tree"),
        "takes more deploys": ('recipe = Recipe("tree", max_depth=8, rows=400_000)', "20,000 deploys here"),
        "forbids every leaf": ('recipe = Recipe("tree", max_depth=8, min_samples_leaf=0)', "grows no such tree"),
    },
}

RIGHT = {
    "204.1": {
        "at the value itself": cut(WEIGHTED, "known[known <= min(candidates, key=cost)].max()"),
        "by a running sum": (
            "def best_threshold(values, failed):\n"
            "    order = np.argsort(values)\n"
            "    v, f = values[order], failed[order].astype(float)\n"
            "    n = np.arange(1, len(v))\n"
            "    k, rest = np.cumsum(f)[:-1], f.sum() - np.cumsum(f)[:-1]\n"
            "    cost = k * (1 - k / n) + rest * (1 - rest / (len(v) - n))\n"
            "    cost[v[1:] == v[:-1]] = np.inf\n"
            "    at = cost.argmin()\n"
            "    return (v[at] + v[at + 1]) / 2"
        ),
        "by scikit-learn": (
            "from sklearn.tree import DecisionTreeClassifier\n"
            "def best_threshold(values, failed):\n"
            "    tree = DecisionTreeClassifier(max_depth=1).fit(np.reshape(values, (-1, 1)), failed)\n"
            "    return tree.tree_.threshold[0]"
        ),
    },
    "204.2": {
        "page by page": (
            "def best_run(client, experiment_id, data_sha256):\n"
            "    runs, token = [], None\n"
            "    while True:\n"
            "        page = client.search_runs([experiment_id], \"attributes.status = 'FINISHED'\", max_results=2, page_token=token)\n"
            "        runs += [run for run in page if run.data.params['data_sha256'] == data_sha256]\n"
            "        token = page.token\n"
            "        if not token:\n"
            "            return max(runs, key=lambda run: run.data.metrics['skill_validation'])"
        ),
        "in Python": (
            "def best_run(client, experiment_id, data_sha256):\n"
            "    runs = client.search_runs(experiment_ids=[experiment_id])\n"
            "    runs = [r for r in runs if r.info.status == 'FINISHED' and r.data.params['data_sha256'] == data_sha256]\n"
            "    return max(runs, key=lambda r: r.data.metrics['skill_validation'])"
        ),
        "with other words": query("status = 'FINISHED' and parameters.data_sha256 = '{data_sha256}'"),
    },
    "204.3": {
        "by the model's aliases": (
            "def rollback(client, name):\n"
            '    version = client.get_registered_model(name).aliases["previous"]\n'
            '    client.set_registered_model_alias(name=name, alias="champion", version=version)\n'
            "    return int(version)"
        ),
        "clearing first": back('client.delete_registered_model_alias(name, "champion")', SET, "return v"),
    },
    "204.4": {
        "with start and end, and the active run": (
            "\n".join(HEAD) + f"\n    sha256 = lambda X, y: hashlib.sha256({HASHED}).hexdigest()\n"
            "    mlflow.start_run()\n"
            f"    {PARAMS}\n    {FIT}\n    {METRIC}\n    {MODEL}\n"
            "    run = mlflow.active_run().info.run_id\n    mlflow.end_run()\n    return run"
        ),
        "one by one, with a signature": recorded(
            FIT,
            'mlflow.log_param("seed", 0)',
            'mlflow.log_param("data_sha256", hashlib.sha256(X_train.assign(y=y_train).to_csv().encode()).hexdigest())',
            'mlflow.log_param("max_depth", model.max_depth)',
            'mlflow.log_metrics({"accuracy": float(np.mean(model.predict(X_new) == y_new))})',
            stored(
                TRUSTED,
                "signature=mlflow.models.infer_signature(X_train, model.predict(X_train))",
                example="input_example=X_new.head(2)",
            ),
        ),
    },
    "204.5": {
        "both limits": 'recipe = Recipe("tree", max_depth=9, min_samples_leaf=100, seed=3)',
        "larger leaves": 'recipe = Recipe("tree", min_samples_leaf=200)',
    },
}
