"""The command ``anyface`` as a child: it stops when its standard input ends.

The input ends when the parent closes it or dies in any way, so no server outlives its parent.
"""

import os
import signal
import sys
import threading

from anyface.__main__ import main


def _stop_after_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_stop_after_input, daemon=True).start()
    main()
