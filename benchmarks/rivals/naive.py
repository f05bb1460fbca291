"""The handout's FastAPI service, with what it lacked to answer at all: a checked body, `def`, plain numbers.

    MODEL=model.joblib uvicorn naive:app        (or model.keras)

It is measured, not served: joblib runs whatever a file says.
"""

import os
from typing import Annotated

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

app = FastAPI()
path = os.environ["MODEL"]

if path.endswith(".joblib"):
    import joblib

    model = joblib.load(path)

    def answer(features: list[float]) -> int | list[float]:
        return model.predict([features])[0].item()
else:
    import keras
    import numpy as np

    model = keras.models.load_model(path)

    def answer(features: list[float]) -> int | list[float]:
        return model.predict(np.array([features], dtype="float32"), verbose=0)[0].tolist()


class Question(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    features: Annotated[list[FiniteFloat], Field(min_length=64, max_length=784)]


@app.post("/predict")
def predict(question: Question) -> dict:
    return {"prediction": answer(question.features)}
