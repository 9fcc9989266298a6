"""`python bench/usage.py COMMAND...`: runs a command and says on the last line what it took, as JSON.

A process of its own between whoever measures and what is measured: Linux counts the memory of whoever starts a process as
that of what it starts, and this one has almost none.
"""

import json
import resource
import subprocess
import sys
import time

if __name__ == "__main__":
    began = time.perf_counter()
    status = subprocess.call(sys.argv[1:])
    seconds, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {
        "status": status,
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
    }
    sys.stdout.write(json.dumps(found) + "\n")
