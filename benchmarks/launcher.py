"""Runs one command and reports what it cost; the parent of every measured process, kept as small as Python gets.

A process inherits the peak memory of the one that started it, so the big program that runs the benchmark must not
start the measured ones itself. What is below this program's own size (about 9 MiB) is reported as that.

Usage: launcher.py REPORT_FD COMMAND…; one line `wall user system peak_kib written exit_status` goes to REPORT_FD.
"""

import os
import sys
import time


def main() -> int:
    report = int(sys.argv[1])
    os.set_inheritable(report, False)
    command = sys.argv[2:]
    began = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    wall = time.monotonic() - began
    written = _bytes_written(pid)
    _, status, used = os.wait4(pid, 0)
    if written is None:
        written = used.ru_oublock * 512
    code = os.waitstatus_to_exitcode(status)
    line = f"{wall} {used.ru_utime} {used.ru_stime} {used.ru_maxrss} {written} {code}\n"
    os.write(report, line.encode())
    return 0


def _bytes_written(pid: int) -> "int | None":
    """What the process and the children it waited for caused to be written to a disk; a zombie still tells."""
    try:
        with open(f"/proc/{pid}/io") as lines:  # noqa: PTH123 - pathlib would double this program's size
            for line in lines:
                name, _, value = line.partition(": ")
                if name == "write_bytes":
                    return int(value)
    except OSError:
        pass
    return None


sys.exit(main())
