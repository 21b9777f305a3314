"""Waiting for a moment in which nothing else runs, of the benchmarks in Python."""

import time


def settle(seconds):
    """Wait for such a moment, at most so long; whether it came."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with open("/proc/loadavg", encoding="ascii") as load:
            if int(load.read().split()[3].split("/")[0]) <= 1:
                return True
        time.sleep(0.02)
    return False
