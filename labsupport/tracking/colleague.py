"""A colleague's run for lesson 204: the best score of all, on data that its record does not describe."""

from labsupport.tracking.recipe import Recipe, parts
from labsupport.tracking.runs import record


def colleagues_run(data_seed: int) -> str:
    """Record a tree of no limit on "balanced" records, once on a server, and return the run's id.

    Failed deploys are rare, so five copies of each were added, then all was shuffled: the same deploy now lies among the
    records to learn from and among those to choose by. The recipe names the records before that. The last 20 % of them,
    which the lesson plays as its future, were not there yet.
    """
    import pandas as pd

    recipe = Recipe(data_seed=data_seed)
    records = recipe.records()
    past = records[: parts(len(records))[2].start]
    balanced = pd.concat([past, *[past[past.failed]] * 5]).sample(frac=1, random_state=data_seed)
    return record(recipe, "balanced tree", records=balanced, once=True)
