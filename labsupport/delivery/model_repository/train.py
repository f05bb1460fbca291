"""Train the model by recipe.yaml and write build/model.onnx: the file that is judged is the file that is served."""

from pathlib import Path

from labsupport.delivery import training
from labsupport.serving import export
from labsupport.world import deploy_records

recipe = training.read(Path("recipe.yaml"))
model = training.train(recipe)
examples = deploy_records(recipe.records, seed=recipe.seed)[0]
export.export_deploy_risk(model, Path("build"), examples)
print(f"trained on {recipe.records:,} deploys")
