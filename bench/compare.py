"""Run the engines in turns, and keep what they say."""

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import models

OURS = "cnnc"
ENGINES = {OURS: "cnnc", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}

TURN = 0.2  # seconds of calls before the others have their turn
PAUSE = 0.05  # between turns: a peer's threads spin for some milliseconds after a call
PEAK = 0.01  # seconds of bare multiply-adds a round
MIN_ROUNDS = 5
COLD_STARTS = 5
# How far apart outputs may be, in units of the largest of them: all add up
# float32, in different orders. Sums of bfloat16 are a hundred times as far off.
TOLERANCE = 2e-5


@dataclass
class Run:
    """What one engine did in one setting."""

    ms: tuple  # quartiles of a call's time
    gflops: float  # at the median, two a multiply-accumulate
    share: float  # of the peak
    ratio: float  # of the median to ours
    ratios: tuple  # quartiles of the rounds' ratios


@dataclass
class Cold:
    """What it took one engine to give a first answer: medians."""

    start_ms: float  # from the process's start
    load_ms: float  # of that, from the model's file to a session
    peak_bytes: float
    interpreter_bytes: float  # of that, before the model was loaded
    binary_bytes: float


@dataclass
class Results:
    nets: list
    threads: list
    batches: list
    machine: dict
    runs: dict = field(default_factory=dict)  # by net, batch, threads, engine
    cold: dict = field(default_factory=dict)  # by net, engine
    errors: dict = field(default_factory=dict)  # by net, engine: the largest, in units of the largest output
    peaks: dict = field(default_factory=dict)  # by threads: GFLOP/s, one a round


class Worker:
    """A process that runs one engine."""

    def __init__(self, engine, case, threads):
        self.output = case.images.with_name(engine)
        command = [case.worker, case.weights]
        if engine != OURS:
            command = [sys.executable, models.REPO / "bench/peers.py", engine, case.model]
        command += [str(threads), str(case.batch), case.images, self.output]
        start = time.perf_counter()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.started = self.answer()
        self.started["start_ms"] = (time.perf_counter() - start) * 1e3

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[0]} ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, command, seconds):
        self.process.stdin.write(f"{command} {seconds}\n")
        self.process.stdin.flush()
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()  # which ends it
        self.process.wait()


def run(builder, nets, threads, batches, seconds):
    results = Results(nets, threads, batches, describe_machine())
    for net in nets:
        cases = builder.cases(net, batches)
        measure_cold(results, cases[0])
        for case in cases:
            for n in threads:
                measure(results, case, n, seconds)
        builder.remove(net)
    return results


def measure_cold(results, case):
    starts = {engine: [] for engine in ENGINES}
    for _ in range(COLD_STARTS):
        for engine in ENGINES:
            with Worker(engine, case, threads=1) as worker:
                starts[engine].append(worker.started)
            time.sleep(PAUSE)
    for engine, each in starts.items():
        median = {key: float(np.median([s[key] for s in each])) for key in each[0]}
        results.cold[case.net, engine] = Cold(**{"interpreter_bytes": 0.0, **median})


def measure(results, case, threads, seconds):
    peaks, times = [], {engine: [] for engine in ENGINES}
    with contextlib.ExitStack() as stack:
        workers = {engine: stack.enter_context(Worker(engine, case, threads)) for engine in ENGINES}
        check_agreement(results, case, workers)
        order = list(ENGINES)
        for _ in range(max(MIN_ROUNDS, round(seconds / TURN))):
            for engine in order:
                time.sleep(PAUSE)
                if engine == OURS:
                    peaks.append(workers[engine].ask("peak", PEAK))
                times[engine].append(workers[engine].ask("run", TURN))
            order.reverse()  # so that nobody always comes after the same

    peak = np.median(peaks)
    results.peaks.setdefault(threads, []).extend(peaks)
    rounds = {engine: np.array([np.median(turn) for turn in turns]) for engine, turns in times.items()}
    medians = {engine: np.median(np.concatenate(turns)) for engine, turns in times.items()}
    for engine in ENGINES:
        gflops = 2 * case.macs * case.batch / medians[engine] / 1e3  # from microseconds
        r = Run(
            ms=quartiles(np.concatenate(times[engine]) / 1e3),
            gflops=gflops,
            share=gflops / peak,
            ratio=medians[engine] / medians[OURS],
            ratios=quartiles(rounds[engine] / rounds[OURS]),
        )
        results.runs[case.net, case.batch, threads, engine] = r
        print(
            f"{case.net:20} batch {case.batch} threads {threads} {engine:12} {r.ms[1]:9.3f} ms"
            f"  {r.gflops:6.1f} GFLOP/s  {r.share:5.1%} of peak  x {r.ratio:.3f} ({r.ratios[0]:.2f} to {r.ratios[2]:.2f})",
            file=sys.stderr,
        )


def quartiles(values):
    return tuple(float(q) for q in np.quantile(values, [0.25, 0.5, 0.75]))


def check_agreement(results, case, workers):
    for worker in workers.values():
        worker.ask("run", 0)  # by then the output is written
    ours = np.fromfile(workers[OURS].output, "<f4")
    for engine, worker in workers.items():
        theirs = np.fromfile(worker.output, "<f4")
        error = float(np.abs(theirs - ours).max() / np.abs(ours).max())
        if not error <= TOLERANCE:  # which holds of what is no number, too
            raise SystemExit(f"{case.net}, batch {case.batch}: the outputs of cnnc and {ENGINES[engine]} differ by {error:.2g}")
        results.errors[case.net, engine] = max(error, results.errors.get((case.net, engine), 0))


def describe_machine():
    load = os.getloadavg()[0]
    if load > 0.3:
        print(f"other programs are running (load {load:.1f}): the figures will not be good ones", file=sys.stderr)
    info = Path("/proc/cpuinfo").read_text()
    model = next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), platform.machine())
    commit = models.run("git", "describe", "--always", "--dirty", cwd=models.REPO).strip()
    machine = {
        "date": datetime.date.today().isoformat(),
        "processor": f"{model}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}, load {load:.1f} at the start",
        "cnnc": f"{commit}, {models.go('env', 'GOVERSION', cwd=models.REPO).strip()}",
        "peers": ", ".join(f"{ENGINES[p]} {importlib.metadata.version(p)}" for p in ENGINES if p != OURS)
        + f", from Python {platform.python_version()}",
    }
    if isa := os.environ.get("CNNC_CPU"):
        machine["cnnc"] += f", CNNC_CPU={isa}"
    return machine
