"""What a model's file says of itself: columns with units and ranges, who may ask in which words, and its parity test.

The card is stored as metadata inside the ONNX file, so the two can't be parted.
"""

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from labsupport.serving.artefact import Column

CARD_KEY = "labsupport.card"
# The name of every model file: in a folder, and among the artifacts of a registered version.
MODEL = "model.onnx"


class CardError(ValueError):
    """A card can't be read; the text says what is wrong with it."""


class Parity(BaseModel):
    """How the exported model was compared with the one it came from: on how many rows, and how far they were apart."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    rows: int = Field(ge=1)
    largest_difference: FiniteFloat
    tolerance: FiniteFloat


class ServingCard(BaseModel):
    """`columns`: those of the model's only input, in order; empty when they have no names, as pixels. `front`: by which
    questions people may ask it (a name in `labsupport.serving.front`), or None. `threshold`: the probability from which
    it says yes, for a model that decides."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
    columns: list[Column]
    front: str | None = None
    threshold: FiniteFloat | None = None
    parity: Parity
    versions: dict[str, str]

    @classmethod
    def read(cls, stored: str) -> "ServingCard":
        """Return the card that a file holds; raises CardError for another text."""
        try:
            return cls.model_validate_json(stored)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the whole card"
            raise CardError(
                f"the card in the model's file is damaged: {where}: {first['msg']}; export it again"
            ) from None
