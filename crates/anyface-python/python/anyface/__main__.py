"""The command ``anyface``, also as ``python -m anyface``."""

import signal
import sys

from anyface._anyface import run_command


def main() -> None:
    """Run the command with the arguments of this process and exit with its status."""
    # Python's own handler runs only between Python instructions, i.e. after the command has ended.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run_command(["anyface", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
