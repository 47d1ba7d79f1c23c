import subprocess
import sys

from backend.core import memory

SETTLED = """
import gc
from backend.core import memory
before = gc.get_freeze_count()
memory.settle()
print(gc.get_threshold() == memory.THRESHOLDS, gc.get_freeze_count() > before)
"""


def test_a_settled_process_searches_seldom_and_leaves_out_what_it_is_made_of() -> None:
    # In a process of its own: the suite's must go on finding what is never closed.
    done = subprocess.run([sys.executable, "-c", SETTLED], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.split() == ["True", "True"]


def test_searches_are_never_switched_off() -> None:
    assert all(memory.THRESHOLDS)
