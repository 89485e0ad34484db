"""Ends the processes of a supervisor that died without ending them (kill -9, out of memory).

`config.supervise` runs this file as a process of its own and writes ``+pid`` and ``-pid`` lines,
the process groups alive, to its standard input. The kernel closes that pipe when the supervisor
dies, however it dies, on Linux as on macOS (PR_SET_PDEATHSIG is Linux alone).
"""

import os
import signal
import sys
import time

GRACE = 8.0  # seconds between SIGTERM and SIGKILL


def signal_group(group: int, number: int) -> bool:
    """Send a signal (0: none) to a process group; False when nothing of it is left."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS refuses groups of zombies
        return False
    return True


def end_groups(groups: set[int]) -> None:
    """SIGTERM, up to `GRACE` seconds of patience, SIGKILL."""
    deadline = time.monotonic() + GRACE
    left = {group for group in groups if signal_group(group, signal.SIGTERM)}
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {group for group in left if signal_group(group, 0)}
    for group in left:
        signal_group(group, signal.SIGKILL)


def watch() -> None:
    """Keep the list of groups until standard input ends, then end those still on it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # whoever stops everything stops the others first
    groups: set[int] = set()
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    end_groups(groups)


if __name__ == "__main__":
    watch()
