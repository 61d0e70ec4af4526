"""The checkout, its commands, and the machine they run on."""

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parent.parent


def run(*command, cwd=REPO):
    return subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout


def go(*args, cwd=REPO):
    return run("go", *args, cwd=cwd)


def has_amx():
    return " amx_bf16 " in Path("/proc/cpuinfo").read_text()


def describe_machine():
    """Returns when and where this is measured, and warns if that is a bad place."""
    load = os.getloadavg()[0]
    if load > 0.3:
        print(f"other programs are running (load {load:.1f}): the figures will not be good ones", file=sys.stderr)
    info = Path("/proc/cpuinfo").read_text()
    model = next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), platform.machine())
    commit = run("git", "describe", "--always", "--dirty").strip()
    isa = os.environ.get("CNNC_CPU")
    return {
        "date": datetime.date.today().isoformat(),
        "processor": f"{model}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}, load {load:.1f} at the start",
        "cnnc": f"{commit}, {go('env', 'GOVERSION').strip()}" + (f", CNNC_CPU={isa}" if isa else ""),
    }
