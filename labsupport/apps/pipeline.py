"""One step of the training pipeline as a process: `python -m labsupport.apps.pipeline train --folder=FOLDER ...`.

What the step returns is written to the file `--value`, from which a workflow's controller takes it.
"""

import argparse
import sys
from pathlib import Path

from labsupport.tracking.recipe import Recipe
from labsupport.workflows import pipeline


def main(arguments: list[str] | None = None) -> int:
    """Do one step; returns 1, with a sentence on the standard error, when it can't be done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=("prepare", "train", "evaluate", "register"))
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--model", choices=("logistic", "tree"), default="logistic")
    parser.add_argument("--seed", type=int, default=0, help="of the deploy records")
    parser.add_argument("--data", default="", help="the hash of the records that prepare made")
    parser.add_argument("--least", type=float, default=0.0, help="the least skill on unseen deploys")
    parser.add_argument("--server", default="http://mlflow:5000")
    parser.add_argument("--pipeline", default="", help="the identity of this run of the pipeline")
    parser.add_argument("--value", type=Path, help="where to write what the step returns")
    given = parser.parse_args(arguments)
    recipe = Recipe(given.model, data_seed=given.seed)
    try:
        if given.step == "prepare":
            said = pipeline.prepare(given.folder, recipe)
        elif given.step == "train":
            pipeline.train(given.folder, recipe, given.data)
            said = ""
        elif given.step == "evaluate":
            said = pipeline.evaluate(given.folder, given.least)
        else:
            said = pipeline.register(given.folder, recipe, given.server, given.pipeline)
    except pipeline.StepError as error:
        print(f"{given.step}: {error}", file=sys.stderr)
        return 1
    print(f"{given.step}: done {said}".rstrip())
    if given.value:
        given.value.write_text(said)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
