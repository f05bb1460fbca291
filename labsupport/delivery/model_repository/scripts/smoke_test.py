"""Ask a released service from outside: `smoke_test.py staging-deploy-risk`; exit 1 with what is wrong."""

import os
import sys
from pathlib import Path

from labsupport.delivery import judging, smoke, store

file = store.fetch(Path(os.environ["STORE"]), os.environ["DIGEST"], Path("build"))
question, expected = judging.known_answer(file)
with smoke.forwarded(sys.argv[1], 8080, "lab-613") as url:
    wrong = smoke.smoke_test(smoke.asking(url), os.environ["VERSION"], question, expected, {**question, "coverage": 80})
print(*wrong or ["smoke test: passed"], sep="\n")
sys.exit(bool(wrong))
