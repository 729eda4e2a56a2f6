"""Runs a module as `python -m` does, and ends, with all that it has started, when the process that started it does.

    attended.py MODULE ARGUMENT...

It has to be the first of a process group of its own.
"""

import os
import runpy
import signal
import sys
import threading
import time


def end_with(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os.killpg(0, signal.SIGKILL)


threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
sys.path.pop(0)  # this folder, which `python -m` has not there
sys.argv.pop(0)
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
