"""Let the registry's alias `champion` point to the version that serves now; the one before becomes `previous`."""

import os

from labsupport.tracking import registry

registry.promote("deploy-risk", os.environ["VERSION"])
print(f"champion: version {os.environ['VERSION']}")
