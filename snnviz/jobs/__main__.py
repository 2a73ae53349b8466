"""The process of a launched job: `python -m snnviz.jobs RUN_ID`, started by `snnviz.jobs.launch` and `resume`.

It holds the run's lock from before it begins until after it ends, waits for its turn, does the work and says how it ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from snnviz._processes import terminated_as_interrupted
from snnviz.errors import InputError
from snnviz.runs import Folder, Store, queue


def main(arguments: list[str]) -> int:
    """Wait, work; 0 if it finished, 1 if it failed, 130 if it was cancelled, by SIGINT or SIGTERM."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes ignore it
    with terminated_as_interrupted():
        return _main(arguments)


def _main(arguments: list[str]) -> int:
    from snnviz.jobs.control import LOCK, STORE

    handle = int(os.environ.pop(LOCK))
    os.set_inheritable(handle, False)  # the lock is this process's alone, so that it ends with it
    os.register_at_fork(after_in_child=lambda: os.close(handle))
    store = Store(os.environ.pop(STORE))
    run_id, again = arguments[0], "--resume" in arguments[1:]
    folder = Folder(store.home, run_id)
    folder.put("state", {"pid": os.getpid(), "own": True})
    try:
        with queue.turn(store.home, run_id):
            from snnviz.jobs.job import Job
            from snnviz.jobs.spec import Spec

            spec = Spec.of(folder.get("spec"))
            with Job(spec, store, run_id, resume=again, own=True) as job, spec.alone():
                job.answer(spec.work(spec.options, job))
    except KeyboardInterrupt:
        with contextlib.suppress(InputError):  # the store is away: whoever reads it next sets the status right
            # whoever cancels it says so himself; otherwise nobody has where Job had not begun
            if not folder.asked_to_stop and store.get(run_id).active:
                store.set_status(run_id, "KILLED", "cancelled before it began")
        return 130
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception:  # told by Job, with its traceback
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
