"""Jobs in processes of their own, so that the operating system's account of time and memory is that job's alone."""

import importlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a job.

    `seconds` is the work itself, timed inside; `whole` the process from its start to its end; `cpu` what it took from
    all cores; `peak` the most memory it held (resident set, MB of 1e6 bytes); `found` what the job returned.
    """

    seconds: float
    whole: float
    cpu: float
    peak: float
    found: dict[str, Any]


def run(job: str, /, *, python: str = sys.executable, **arguments: Any) -> Sample:
    """Run `module.function` of this package in a new process; raises RuntimeError with its last words if it fails.

    `python` is another interpreter, for peers that have an environment of their own.
    """
    command = [python, "-m", "benchmarks.job", job, json.dumps(arguments)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        with process.stdout:
            told = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        raise
    whole = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{job} failed: {told.strip()[-2000:]}")
    answer = json.loads(told.splitlines()[-1])
    return Sample(
        answer["seconds"], whole, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, answer["found"]
    )


def main() -> None:
    """The other side: run the function and say how long it took. A job may time its own part of the work."""
    module, function = sys.argv[1].split(".")
    work = getattr(importlib.import_module(f"benchmarks.{module}"), function)
    began = time.perf_counter()
    found = work(**json.loads(sys.argv[2])) or {}
    seconds = found.pop("seconds", time.perf_counter() - began)
    sys.stdout.write("\n" + json.dumps({"seconds": seconds, "found": found}) + "\n")


if __name__ == "__main__":
    main()
