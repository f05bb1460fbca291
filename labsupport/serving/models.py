"""The model that is served: where its versions come from, and how one takes over from another without a lost request."""

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from labsupport.serving import front
from labsupport.serving.batching import Batcher
from labsupport.serving.card import MODEL
from labsupport.serving.metrics import ServerMetrics
from labsupport.serving.protocol import DATATYPES
from labsupport.serving.session import ModelError, Session

log = logging.getLogger(__name__)


class Source(Protocol):
    """Where versions of one model come from. All methods raise ModelError, with a sentence for the log."""

    def newest(self) -> str:
        """Return the version that should be served now."""

    def content(self, version: str) -> str:
        """Return what tells one content of the version from another that has taken its place."""

    def fetch(self, version: str, folder: Path) -> Path:
        """Return the path of the version's file; `folder` is there to download it into."""


@dataclass(frozen=True)
class Folder:
    """A folder with a model.onnx, which is version 1, or with numbered folders that hold one each: the highest is served.

    `007` and `7` are the same number, 7. A file that is replaced is loaded again, under its number.
    """

    path: Path

    def newest(self) -> str:
        with self._looked_at():
            return "1" if (self.path / MODEL).is_file() else str(max(self._numbered()))

    def content(self, version: str) -> str:
        with self._looked_at():
            status = self._file(version).stat()
        return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}"

    def fetch(self, version: str, folder: Path) -> Path:
        with self._looked_at():
            return self._file(version)

    @contextlib.contextmanager
    def _looked_at(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ModelError(f"the models in {self.path} can't be looked at: {error}") from None

    def _file(self, version: str) -> Path:
        plain = self.path / MODEL
        if plain.is_file():
            return plain
        found = self._numbered().get(int(version), [])
        if len(found) != 1:
            names = " and ".join(sorted(path.parent.name for path in found)) or "no folder"
            raise ModelError(f"version {version} is in {names} of {self.path}: leave one folder for a number")
        return found[0]

    def _numbered(self) -> dict[int, list[Path]]:
        """Return the models' files by the number of their folder, of which there is one at least."""
        found: dict[int, list[Path]] = {}
        for path in self.path.glob(f"*/{MODEL}"):
            name = path.parent.name
            if name.isascii() and name.isdigit():
                found.setdefault(int(name), []).append(path)
        if not found:
            raise ModelError(
                f"{self.path} holds no {MODEL} and no numbered folder with one: name the folder that "
                "`labsupport.serving.export` wrote"
            )
        return found


def source(model: str) -> Source:
    """Return the source that a text names: a folder, `models:/name@alias`, `s3://bucket/models/name@alias`; raises ModelError."""
    if model.startswith("s3:"):
        from labsupport.serving import shelf

        return shelf.parse(model)
    if model.startswith("models:"):
        from labsupport.serving.registry import Registry

        return Registry.parse(model)
    return Folder(Path(model))


@dataclass(frozen=True)
class Served:
    """A version at work: its session, the batcher that collects requests for it, and how people may ask it.

    `content`: what told this content of the version from another when it was loaded.
    """

    version: str
    content: str
    session: Session
    batcher: Batcher
    front: front.Front | None


class Model:
    """The name under which a model is served, and the version that answers now.

    `current`: that version; `problem`: why the version that should be served is not, or None. A version that can't be
    loaded changes nothing for clients: the one before goes on.
    """

    def __init__(self, name: str, source: Source, metrics: ServerMetrics, **limits: int) -> None:
        """Load the first version; raises ModelError. `limits`: those of `Batcher`."""
        self.name = name
        self.problem: str | None = None
        self._source = source
        self._metrics = metrics
        self._limits = limits
        self.current = self._load(source.newest())
        self._changed()
        metrics.waiting.set_function(lambda: len(self.current.batcher))

    async def refresh(self) -> None:
        """Look which version should be served, and load it beside the present one, which answers meanwhile."""
        try:
            version = await asyncio.to_thread(self._source.newest)
            content = await asyncio.to_thread(self._source.content, version)
            if (version, content) != (self.current.version, self.current.content):
                loaded = await asyncio.to_thread(self._load, version)
                # One assignment: who came before is answered by the old version, who comes now by the new one.
                self.current = loaded
                self._changed()
                log.info("%s: version %s serves now", self.name, version)
            elif self.problem:
                log.info("%s: version %s is the right one again", self.name, version)
            self.problem = None
        except Exception as error:
            expected = isinstance(error, ModelError)
            said = str(error) if expected else f"{type(error).__name__}: {error}"
            if said != self.problem:
                log.error("%s: version %s goes on, because %s", self.name, self.current.version, said)
            self.problem = said
            self._metrics.reloads.labels("failed").inc()
        self._metrics.reload_failing.set(self.problem is not None)

    async def follow(self, every_s: float) -> None:
        """Refresh for ever, after what the first question would have to wait for."""
        try:
            await asyncio.to_thread(front.prepare)
        except Exception:
            # The first question will say the same to who asks it; new versions come nevertheless.
            log.exception("%s: the contracts can't be imported", self.name)
        while True:
            await asyncio.sleep(every_s)
            await self.refresh()

    def _changed(self) -> None:
        self._metrics.serving(self.name, self.current.version)

    def _load(self, version: str) -> Served:
        # Looked at before it is read: what is replaced meanwhile is found to be new at the next look.
        content = self._source.content(version)
        with tempfile.TemporaryDirectory(prefix="labs-model-") as folder:
            session = Session(self._source.fetch(version, Path(folder)))
        batcher = Batcher(
            session.run, together=session.batches, observe=self._metrics.batch_rows.observe, **self._limits
        )
        return Served(version, content, session, batcher, _front(session))


def _front(session: Session) -> front.Front | None:
    """Return how people ask this model, after trying it; raises ModelError when the card promises what the model lacks."""
    card = session.card
    if card is None:
        return None
    try:
        asked = front.of(card)
        if asked is not None:
            (tensor,) = session.inputs.values()
            row = np.zeros((1, len(card.columns)), DATATYPES[tensor.datatype])
            asked.answer(card, session.run({tensor.name: row}))
        return asked
    except Exception as error:
        raise ModelError(f"the model does not fit its card: {type(error).__name__}: {error}; export it again") from None
