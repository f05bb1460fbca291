"""Run the node agent: `python -m labsupport.cluster.pocket.node FOLDER`."""

import sys

from labsupport.cluster.pocket.node.agent import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
