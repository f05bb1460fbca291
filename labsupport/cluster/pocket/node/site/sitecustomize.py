"""What namespaces give every program in a container, given to Python in a pod; Python runs this before a program.

Programs in other languages see the machine as it is.
"""

import os

if os.environ.get("LABS_POCKET_ADDRESS"):
    import labs_pocket_network
    import labs_pocket_paths

    labs_pocket_network.install()
    labs_pocket_paths.install()
