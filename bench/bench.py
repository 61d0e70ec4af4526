#!/usr/bin/env python3
"""Compare cnnc with ONNX Runtime and OpenVINO, in turns. README.md says how it is done.

Only the standard library is needed to start: the peers go into a virtual
environment in the cache folder.
"""

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

import kernels
from common import NETS
from system import REPO

HERE = Path(__file__).resolve().parent
# What a complete run measures.
THREADS, BATCHES, SECONDS = [1, 2], [1, 8], 2.5


def numbers(text):
    return [int(n) for n in text.split(",")]


def parse_arguments():
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nets", help="networks, separated by commas; by default all of the table")
    parser.add_argument("--threads", type=numbers, default=THREADS, help="thread counts (default: 1,2)")
    parser.add_argument("--batch", type=numbers, default=BATCHES, help="images of a call (default: 1,8)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long to run each engine in each setting (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="one thread, batch 1, one second")
    parser.add_argument("--layers", metavar="NET", help="compare NET with ONNX Runtime layer by layer, instead")
    parser.add_argument("--kernels", action="store_true", help="measure our layers against their bounds, instead")
    parser.add_argument("--cache", type=Path, default=caches / "cnnc-bench", help="where everything is kept (%(default)s)")
    args = parser.parse_args()
    if args.quick:
        args.threads, args.batch, args.seconds = [1], [1], 1
    return args


def enter_environment(folder):
    """Runs this program again, in a virtual environment that has requirements.txt."""
    if Path(sys.prefix) == folder:
        return
    wanted, installed = HERE / "requirements.txt", folder / "requirements.txt"
    python = folder / "bin" / "python"
    if not installed.exists() or installed.read_bytes() != wanted.read_bytes():
        print(f"installing the peers into {folder}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
        installed.write_bytes(wanted.read_bytes())
    os.execv(python, [python, *sys.argv])


def main():
    args = parse_arguments()
    cache = args.cache.resolve()
    nets = args.nets.split(",") if args.nets else list(NETS)
    # Only what is complete replaces the figures of the documentation.
    everything = nets == list(NETS) and "CNNC_CPU" not in os.environ
    if args.kernels:
        cache.mkdir(parents=True, exist_ok=True)
        page = (REPO / "docs" if everything else cache) / "kernels.md"
        kernels.write(nets, cache, page)
        print(f"wrote {page}", file=sys.stderr)
        return
    enter_environment(cache / "venv")

    import compare  # needs what the environment has
    import layers
    import report
    from models import Builder

    builder = Builder(cache)
    if args.layers:
        layers.compare(builder, args.layers, args.threads[0], args.batch[0])
        return
    results = compare.run(builder, nets, args.threads, args.batch, args.seconds)
    complete = everything and (args.threads, args.batch, args.seconds) == (THREADS, BATCHES, SECONDS)
    folder = REPO / "docs" if complete else cache
    report.write(results, folder)
    print(f"wrote {folder / 'benchmarks.md'} and {folder / 'benchmarks.svg'}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:  # which has said why
        sys.exit(f"{' '.join(map(str, error.cmd[:3]))} ... failed")
