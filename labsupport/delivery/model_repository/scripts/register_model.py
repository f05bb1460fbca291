"""Put build/model.onnx into the store and register it as a version; the next jobs get its version and digest."""

import os
from pathlib import Path

from mlflow import MlflowClient

from labsupport.delivery import store
from labsupport.serving.card import MODEL
from labsupport.tracking import registry

NAME = "deploy-risk"
place = Path(os.environ["STORE"])
digest = store.put(place, Path("build") / MODEL)
client = MlflowClient()
if not client.search_registered_models(filter_string=f"name = '{NAME}'"):
    client.create_registered_model(NAME)
tags = {"digest": digest, "commit": os.environ["GITHUB_SHA"]}
made = client.create_model_version(NAME, source=(place / digest).as_uri(), tags=tags)
champion = registry.find(NAME, "champion")
with Path(os.environ["GITHUB_OUTPUT"]).open("a") as outputs:
    print(f"version={made.version}", file=outputs)
    print(f"digest={digest}", file=outputs)
    print(f"champion={champion.tags['digest'] if champion else ''}", file=outputs)
print(f"registered as version {made.version}")
