"""Execute one notebook by papermill, in a process of its own: `python -m labsupport.course.worker IN OUT [--seed N]`.

Exit codes: 0 executed, 3 a cell raised, 4 the kernel died, 5 a cell took too long. What happened stands on stderr.
"""

import argparse
import logging
import sys
from pathlib import Path

RAISED, DIED, TOO_LONG = 3, 4, 5


def main() -> int:
    """Execute the notebook named on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("notebook", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--cwd", type=Path, required=True)
    parser.add_argument("--cell-seconds", type=int, required=True)
    options = parser.parse_args()

    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    # What it logs about a failed cell is said below, once.
    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    parameters = None if options.seed is None else {"SEED": options.seed}
    try:
        papermill.execute_notebook(
            options.notebook,
            options.output,
            parameters=parameters,
            kernel_name="python3",
            cwd=options.cwd,
            progress_bar=False,
            execution_timeout=options.cell_seconds,
        )
    except papermill.PapermillExecutionError as error:
        last = "\n".join(line for line in error.traceback[-6:])
        print(f"cell {error.exec_count} raised {error.ename}: {error.evalue}\n{last}", file=sys.stderr)
        return RAISED
    except DeadKernelError:
        print("the kernel died (out of memory, or killed from outside)", file=sys.stderr)
        return DIED
    except CellTimeoutError as error:
        print(f"a cell took longer than {options.cell_seconds} s: {str(error).splitlines()[0]}", file=sys.stderr)
        return TOO_LONG
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
