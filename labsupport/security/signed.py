"""A folder as a source of models for the server, of which only what a trusted key has signed is ever loaded."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from labsupport.security import signatures
from labsupport.security.signatures import SignatureError
from labsupport.serving.card import MODEL
from labsupport.serving.session import ModelError


@dataclass(frozen=True)
class SignedFolder:
    """A folder with model.onnx and signature.json. `keys`: the folder of the trusted public keys; `name`: the model's.

    A `Source` of labsupport.serving.models.
    """

    path: Path
    keys: Path
    name: str

    def newest(self) -> str:
        try:
            return signatures.version_in(self.path)
        except SignatureError as error:
            raise ModelError(str(error)) from None

    def content(self, version: str) -> str:
        """Return what changes with the files, and with whom we trust."""
        try:
            looked = [self.path / MODEL, self.path / signatures.SIGNATURE, *sorted(self.keys.glob("*.pem"))]
            found = [(path.name, path.stat()) for path in looked]
        except OSError as error:
            raise ModelError(f"the signed model can't be looked at: {error}") from None
        return " ".join(f"{name} {one.st_ino} {one.st_size} {one.st_mtime_ns}" for name, one in found)

    def fetch(self, version: str, folder: Path) -> Path:
        # Copied first: what is verified must be what is loaded, whoever writes into the folder meanwhile.
        try:
            for path in self.path.iterdir():
                if path.is_file() and not path.name.startswith(".."):
                    shutil.copyfile(path, folder / path.name)
            signed = signatures.verify(folder, signatures.trusted_in(self.keys), name=self.name)
        except SignatureError as error:
            raise ModelError(str(error)) from None
        except OSError as error:
            raise ModelError(f"the signed model can't be read: {error}") from None
        if signed.version != version:
            raise ModelError(f"the version changed while it was looked at: {version}, then {signed.version}")
        return folder / MODEL
