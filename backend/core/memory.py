"""How often Python looks for garbage in a process that serves: seldom, for what it is made of stays until the end."""

import gc

# Python's own are 700, 10 and 10: the whole heap is then walked in the middle of answers. One month of 100 people under
# the rules: p95 155 to 255 ms with those, 108 ms with these, for a median of 104.
THRESHOLDS = 10_000, 20, 20


def settle() -> None:
    """Take what is alive now out of every search for garbage, and search less often; once, when a process is built."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
