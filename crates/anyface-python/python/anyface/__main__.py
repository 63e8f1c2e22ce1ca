"""The command ``anyface``, also as ``python -m anyface``."""

import signal
import sys

from anyface._anyface import run_command


def main() -> None:
    """Run the command with the arguments of this process and exit with its status."""
    # Python's own handler waits for Python code to run, and there is none until the command ends.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run_command(["anyface", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
