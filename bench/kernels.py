"""Measure the layers of all networks against their bounds, for docs/kernels.md.

Only cnnc is measured, and only Python's standard library is needed.
"""

import json
import sys
from dataclasses import dataclass
from io import StringIO

from common import digits, threads_text, title
from system import REPO, describe_machine, go, run

PAGE = REPO / "docs/kernels.md"
MARK = "<!-- What follows is written by make kernels; what precedes it, by hand. -->\n"

THREADS = [1, 2]
SECONDS = 4  # for each network and thread count
ALGORITHMS = ["direct", "tiles", "winograd4x4", "winograd2x2", "rowtaps", "grouped", "depthwise", "chain", "linear"]  # in the summary, before the others
WORST = 2  # of each network, in the table of those that lose most
STANDS_OUT = 0.02  # of a network's time, from which a layer's distance from its bound stands out


@dataclass
class Layers:
    """Equal layers of a network: one operation, shape and algorithm. Times are of all, in microseconds, by threads."""

    name: str  # of the first
    op: str
    algorithm: str
    shapes: str
    by: str  # what bounds one, on one thread
    count: int
    us: list
    bound: list

    def distance(self):
        """Returns the time between the layers and their bound, on one thread."""
        return max(0.0, self.us[0] - self.bound[0])


def write(nets, cache, path):
    """Measures networks, and writes the page."""
    machine = describe_machine()
    cnnc = cache / "cnnc"
    go("build", "-o", cnnc, "./cmd/cnnc")
    reports = {}
    for net in nets:
        print(f"measuring {title(net)}", file=sys.stderr)
        reports[net] = measure(cnnc, net)
    path.write_text(PAGE.read_text().partition(MARK)[0] + MARK + tables(machine, reports))


def measure(cnnc, net):
    """Returns what cnnc bench --json says of a network: a run for each of THREADS."""
    threads = ",".join(map(str, THREADS))
    return json.loads(run(cnnc, "bench", net, "--layers", "--json", "--threads", threads, "--time", f"{SECONDS}s"))["runs"]


def group(runs):
    """Returns the Layers of a network, in the order of the first of each."""
    groups = {}
    for each in zip(*(r["layers"] for r in runs), strict=True):
        one = each[0]
        shapes = f"{shape(one['in'])} -> {shape(one['out'])}"
        key = (one["op"], one.get("algorithm", ""), shapes)
        if key not in groups:
            groups[key] = Layers(one["name"], *key, one["bound_by"], 0, [0.0] * len(each), [0.0] * len(each))
        g = groups[key]
        g.count += 1
        for i, layer in enumerate(each):
            g.us[i] += layer["median_us"]
            g.bound[i] += layer["bound_us"]
    return list(groups.values())


def tables(machine, reports):
    out = StringIO()

    def say(line=""):
        print(line, file=out)

    nets = {net: group(runs) for net, runs in reports.items()}
    say()
    say("## How it was measured")
    say()
    say("| | |")
    say("| --- | --- |")
    for key, value in machine.items():
        say(f"| {key} | {value} |")
    say(f"| multiply-add peak at the clock that calls leave | {peaks(reports, 'peak_gflops')} |")
    if has_tiles(reports):
        say(f"| the same of tiles | {peaks(reports, 'tile_peak_gflops')} |")
    say()
    say("## Summary")
    say()
    summary(nets, reports, say)
    say()
    say("## Farthest from the bound")
    say()
    worst(nets, say)
    for net, groups in nets.items():
        say()
        say(f"## {title(net)}")
        say()
        r = reports[net][0]
        tiles = f" ({r['tile_peak_gflops']:.0f} with tiles)" if has_tiles(reports) else ""
        say(f"{digits(r['median_ms'])} ms on one thread; at most {r['peak_gflops']:.0f} GFLOP/s{tiles}, {r['memory_gb_s']:.0f} GB/s from memory of this")
        say(f"network's size, {r['cache_gb_s']:.0f} GB/s from caches.")
        say()
        table(groups, say)
    return out.getvalue()


def has_tiles(reports):
    return all("tile_peak_gflops" in run for runs in reports.values() for run in runs)


def peaks(reports, rate):
    """Returns the medians over all networks, for each of THREADS."""
    medians = (middle([runs[i][rate] for runs in reports.values()]) for i in range(len(THREADS)))
    return ", ".join(f"{m:.0f} GFLOP/s on {threads_text(n)}" for m, n in zip(medians, THREADS, strict=True))


def summary(nets, reports, say):
    """Prints a row for each network."""
    say("Batch 1. Of bound is the sum of all layers' bounds by the sum of their times. On the right, for each algorithm: its share of the time on one")
    say("thread, and how much of that its layers' bounds are.")
    say()
    used = {g.algorithm for groups in nets.values() for g in groups}
    algorithms = [a for a in ALGORITHMS if a in used] + sorted(used - set(ALGORITHMS), reverse=True)
    head = [f"{threads_text(n)}: ms | of bound" for n in THREADS] + [a or "others" for a in algorithms]
    say(f"| network | {' | '.join(head)} |")
    say(f"| --- |{' --: |' * (2 * len(THREADS) + len(algorithms))}")
    for net, groups in nets.items():
        row = [f"[{title(net)}](#{anchor(net)})"]
        for i, r in enumerate(reports[net]):
            row += [digits(r["median_ms"]), percent(sum(g.bound[i] for g in groups) / sum(g.us[i] for g in groups))]
        total = sum(g.us[0] for g in groups)
        for algorithm in algorithms:
            some = [g for g in groups if g.algorithm == algorithm]
            us = sum(g.us[0] for g in some)
            row.append(f"{percent(us / total)} at {percent(sum(g.bound[0] for g in some) / us)}" if some else "")
        say(f"| {' | '.join(row)} |")


def worst(nets, say):
    """Prints the layers of each network that lose most of its time."""
    rows = []
    for net, groups in nets.items():
        total = sum(g.us[0] for g in groups)
        rows += sorted(((g.distance() / total, net, g) for g in groups), key=lost, reverse=True)[:WORST]
    say(f"The {WORST} kinds of layers of each network that lose most: lost is the part of the network's time by which they take longer than their bound.")
    say()
    say("| network | layers | operation | algorithm | of bound | lost |")
    say("| --- | --- | --- | --- | --: | --: |")
    for part, net, g in sorted(rows, key=lost, reverse=True):
        say(f"| {title(net)} | {several(g)} | {g.op}, {g.shapes} | {g.algorithm} | {percent(g.bound[0] / g.us[0])} | {percent(part)} |")


def lost(row):
    return row[0]


def table(groups, say):
    """Prints a row for each group; those that lose much stand out."""
    total = sum(g.us[0] for g in groups)
    say("| layers | operation | shapes | algorithm | us each | share | bound | by | of bound | on 2 threads |")
    say("| --- | --- | --- | --- | --: | --: | --: | --- | --: | --: |")
    for g in groups:
        of = percent(g.bound[0] / g.us[0])
        if g.distance() >= STANDS_OUT * total:
            of = f"**{of}**"
        us, bound = digits(g.us[0] / g.count), digits(g.bound[0] / g.count)
        say(
            f"| {several(g)} | {g.op} | {g.shapes} | {g.algorithm} | {us} | {g.us[0] / total:.1%} | {bound} | {g.by} | {of} |"
            f" {percent(g.bound[1] / g.us[1])} |"
        )


def several(g):
    return g.name if g.count == 1 else f"{g.name} x {g.count}"


def shape(dims):
    return "x".join(map(str, dims))


def anchor(net):
    """Returns the link that a heading gets."""
    return "".join(c for c in title(net).lower().replace(" ", "-") if c.isalnum() or c == "-")


def middle(values):
    return sorted(values)[len(values) // 2]


def percent(value):
    return f"{value:.0%}"
