"""A model card: what a version is, said in Markdown made from its record alone."""

import tempfile

from labsupport.tracking.registry import find
from labsupport.tracking.runs import DATA, LIBRARIES, METRIC, TrackingError, get_run


def model_card(name: str, alias: str, limits: tuple[str, ...] = ()) -> str:
    """Return the card of the version behind an alias.

    `limits`: sentences on what it is not for, which no record knows. Raises TrackingError for an alias that points nowhere.
    Source: Mitchell et al. 2019, Model Cards for Model Reporting.
    """
    import mlflow

    found = find(name, alias)
    if found is None:
        raise TrackingError(f"{name} has no alias {alias!r}, so there is no card to write.")
    version = mlflow.MlflowClient().get_model_version(name, found.version)
    run = get_run(str(version.run_id))
    said, tags = run.data.params, run.data.tags
    with tempfile.TemporaryDirectory(prefix="labs-model-") as folder:
        stored = mlflow.artifacts.download_artifacts(f"models:/{name}/{version.version}/MLmodel", dst_path=folder)
        signature = mlflow.models.Model.load(stored).signature
    inputs = ", ".join(signature.inputs.input_names()) if signature else "not recorded"
    kind = said.get("model", "unknown")
    depth = said.get("max_depth")
    shape = (
        (f", at most {depth} questions deep" if depth != "None" else ", as deep as it grew") if kind == "tree" else ""
    )
    where = ", ".join(f"{library} {tags.get(f'version.{library}', '?')}" for library in ("python", *LIBRARIES))
    lines = [
        f"# {name}, version {version.version}",
        "",
        f"- **What it is**: {kind}{shape}; run {run.info.run_name!r}; alias {', '.join(sorted(version.aliases)) or 'none'}",
        f"- **Asks for**: {inputs}",
        f"- **Learnt from**: the first 60 % of {said.get('rows')} deploy records, seed {said.get('data_seed')}, SHA-256 {said.get(DATA, 'not recorded')[:12]}...",
        f"- **Skill on the next 20 %**: {run.data.metrics.get(METRIC, float('nan')):.3f} (1 is perfect, 0 is the base rate)",
        f"- **Made with**: {where}",
        *(f"- **Limit**: {limit}" for limit in limits),
    ]
    return "\n".join(lines)
