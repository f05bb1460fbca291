"""Hold the candidate's file against the champion's; exit 1 closes the way to the cluster."""

import os
import sys
from pathlib import Path

from labsupport.delivery import judging, store

if not os.environ["CHAMPION"]:
    sys.exit(print("there is no champion yet: nothing to be compared with"))
place = Path(os.environ["STORE"])
champion, candidate = (store.fetch(place, os.environ[who], Path("build") / who) for who in ("CHAMPION", "DIGEST"))
gates = judging.judge(champion, candidate, seed=int(os.environ["JUDGED_BY"]))
print(*gates, sep="\n")
sys.exit(not all(gate.passed for gate in gates))
