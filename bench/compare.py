"""Run the engines in turns, and keep what they say."""

import contextlib
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field

import numpy as np

from system import REPO, describe_machine, has_amx

OURS, ORT, OPENVINO = "cnnc", "onnxruntime", "openvino"
PEERS = [ORT, OPENVINO]
ENGINES = [OURS, *PEERS]
LESSER = {"cnnc_avx512": "avx512", "cnnc_avx2": "avx2"}  # ours as CNNC_CPU says; measured beside the others in one setting
if not has_amx():
    del LESSER["cnnc_avx512"]  # those are our best
LESSER_SETTING = (1, 1)  # batch, threads
NAMES = {OURS: "cnnc", ORT: "ONNX Runtime", OPENVINO: "OpenVINO"}

TURN = 0.2  # seconds of calls before the others have their turn
PAUSE = 0.05  # between turns: a peer's threads spin for some milliseconds after a call
ALONE = 0.01  # seconds of bare multiply-adds a round: until the processor has raised its clock
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
    share: float  # of the peak, at the clock that our calls leave
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
    cold: dict = field(default_factory=dict)  # by net, threads, engine
    read_ms: dict = field(default_factory=dict)  # by net: reading the weights' file
    errors: dict = field(default_factory=dict)  # by net, engine: the largest, in units of the largest output
    peaks: dict = field(default_factory=dict)  # by engine, threads: GFLOP/s of bare multiply-adds after calls, one a round
    alone: dict = field(default_factory=dict)  # by threads: without calls


class Worker:
    """A process that runs one engine."""

    def __init__(self, engine, case, threads):
        self.output = case.images.with_name(engine)
        command = [case.worker, case.weights]
        if engine in PEERS:
            command = [sys.executable, REPO / "bench/peers.py", engine, case.model]
        command += [str(threads), str(case.batch), case.images, self.output]
        env = os.environ | ({"CNNC_CPU": LESSER[engine]} if engine in LESSER else {})
        start = time.perf_counter()
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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
    peers = ", ".join(f"{NAMES[p]} {importlib.metadata.version(p)}" for p in PEERS)
    machine = {**describe_machine(), "peers": f"{peers}, from Python {platform.python_version()}"}
    results = Results(nets, threads, batches, machine)
    for net in nets:
        cases = builder.cases(net, batches)
        for n in threads:
            measure_cold(results, cases[0], n)
        for case in cases:
            for n in threads:
                measure(results, case, n, seconds)
        builder.remove(net)
    return results


def measure_cold(results, case, threads):
    starts, reads = {engine: [] for engine in ENGINES}, []
    for _ in range(COLD_STARTS):
        claim_memory(case)
        start = time.perf_counter()
        case.weights.read_bytes()
        reads.append((time.perf_counter() - start) * 1e3)
        for engine in ENGINES:
            claim_memory(case)
            with Worker(engine, case, threads) as worker:
                starts[engine].append(worker.started)
            time.sleep(PAUSE)
    results.read_ms[case.net] = float(np.median(reads))
    for engine, each in starts.items():
        median = {key: float(np.median([s[key] for s in each])) for key in each[0]}
        results.cold[case.net, threads, engine] = Cold(**{"interpreter_bytes": 0.0, **median})


def claim_memory(case):
    """Touches, and frees, more memory than any engine takes to start.

    A virtual machine gives memory that has been free for seconds back to its host, and
    gets it again twenty times slower than the system can clear it.
    """
    np.ones(3 * case.weights.stat().st_size + (150 << 20), np.uint8)


def measure(results, case, threads, seconds):
    engines = [*ENGINES, *LESSER] if (case.batch, threads) == LESSER_SETTING else ENGINES
    peaks, times = {engine: [] for engine in (OURS, *LESSER)}, {engine: [] for engine in engines}
    alone = results.alone.setdefault(threads, [])
    with contextlib.ExitStack() as stack:
        workers = {engine: stack.enter_context(Worker(engine, case, threads)) for engine in engines}
        check_agreement(results, case, workers)
        order, end = list(engines), time.monotonic() + seconds * len(engines)
        while len(times[OURS]) < MIN_ROUNDS or time.monotonic() < end:
            for engine in order:
                time.sleep(PAUSE)
                if engine == OURS:
                    alone.append(workers[engine].ask("peak", ALONE))
                answer = workers[engine].ask("run", TURN)
                times[engine].append(answer["us"])
                if engine in peaks:
                    peaks[engine].append(answer["peak_gflops"])
            order.reverse()  # so that nobody always comes after the same

    for engine in peaks:
        results.peaks.setdefault((engine, threads), []).extend(peaks[engine])
    rounds = {engine: np.array([np.median(turn) for turn in turns]) for engine, turns in times.items()}
    medians = {engine: np.median(np.concatenate(turns)) for engine, turns in times.items()}
    for engine in engines:
        gflops = 2 * case.macs * case.batch / medians[engine] / 1e3  # from microseconds
        r = Run(
            ms=quartiles(np.concatenate(times[engine]) / 1e3),
            gflops=gflops,
            share=gflops / np.median(peaks[engine if engine in LESSER else OURS]),
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
            raise SystemExit(f"{case.net}, batch {case.batch}: the outputs of cnnc and {NAMES[engine]} differ by {error:.2g}")
        results.errors[case.net, engine] = max(error, results.errors.get((case.net, engine), 0))
