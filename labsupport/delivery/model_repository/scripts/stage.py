"""Put a released file and its version into an overlay: `stage.py staging`. Its ConfigMap is named by content."""

import os
import sys
from pathlib import Path

from labsupport.delivery import release, store

overlay = Path("k8s") / "overlays" / sys.argv[1]
store.fetch(Path(os.environ["STORE"]), os.environ["DIGEST"], overlay)
release.write(overlay, os.environ["VERSION"], os.environ["DIGEST"])
