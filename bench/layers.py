"""Compare cnnc with ONNX Runtime layer by layer, by ONNX Runtime's profile."""

import json
import re
import tempfile
import time

import numpy as np
import onnxruntime

from peers import ONNXRuntime

TURNS = 3
SECONDS = 1  # a turn
WARM_UPS = 2  # calls


def compare(builder, net, threads, batch):
    """Prints a row for each layer of ours, the one that loses most time first."""
    case = builder.cases(net, [batch])[0]
    plan = json.loads(builder.run("summary", net, "--json"))["layers"]
    covers = {name: layer["name"] for layer in plan for name in layer["covers"]}
    ours, theirs = [], []
    for _ in range(TURNS):  # in turns, so that whatever else the machine does meets both
        ours.append(our_profile(builder, net, threads, batch))
        theirs.append(their_profile(case, threads, covers))
    builder.remove(net)

    print_table(ours, theirs)


def our_profile(builder, net, threads, batch):
    """Returns {layer: what cnnc bench --json says of it}, in order."""
    setting = ["--threads", str(threads), "--batch", str(batch), "--time", f"{SECONDS}s"]
    report = json.loads(builder.run("bench", net, "--layers", "--json", *setting))
    return {layer["name"]: layer for layer in report["runs"][0]["layers"]}


def their_profile(case, threads, covers):
    """Returns {layer of ours: microseconds of ONNX Runtime's nodes there}."""
    with tempfile.TemporaryDirectory() as folder:
        peer = ONNXRuntime(str(case.model), threads, case.batch)
        peer.options.enable_profiling = True
        peer.options.profile_file_prefix = folder + "/profile"
        peer.load()
        peer.src.reshape(-1)[:] = np.fromfile(case.images, "<f4")
        end = time.monotonic() + SECONDS
        for call in range(1000):  # a profile has so many entries
            if call >= WARM_UPS + 3 and time.monotonic() > end:
                break
            peer.run()
        with open(peer.session.end_profiling()) as f:
            events = json.load(f)
    nodes = {}  # by index, in the order of execution
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            nodes.setdefault(event["args"]["node_index"], []).append(event)
    return attribute(nodes, covers)


def attribute(nodes, covers):
    """Adds up the nodes of each layer of ours.

    Nodes are named after layers of the spec (see compiler/onnx), with additions
    of ONNX Runtime's; those without a name are what it adds, or fused: they go with
    the layer before, but changes of layout into the next one.
    """
    times, last, waiting = {}, None, 0.0
    for events in nodes.values():
        took = float(np.median([e["dur"] for e in events[WARM_UPS:]]))
        name = re.sub(r"^fused |_kernel_time$|/.*", "", events[0]["name"])
        while name not in covers and (shorter := re.sub(r"(_bn|_nchwc|_token_\d+)$", "", name)) != name:
            name = shorter
        layer = covers.get(name)
        if layer is None and name.startswith("ReorderInput"):
            waiting += took
            continue
        last = layer or last or name
        times[last] = times.get(last, 0.0) + took + waiting
        waiting = 0.0
    return times


def print_table(ours, theirs):
    rows = []
    for name, layer in ours[0].items():
        a = np.median([o[name]["median_us"] for o in ours])
        b = np.median([t.get(name, 0.0) for t in theirs])
        of_bound = np.median([o[name]["of_bound"] for o in ours])
        rows.append((a - b, name, layer["op"], layer.get("algorithm", ""), a, b, of_bound))
    elsewhere = np.median([sum(took for name, took in turn.items() if name not in ours[0]) for turn in theirs])
    if elsewhere:
        rows.append((-elsewhere, "(no layer of ours)", "", "", 0.0, elsewhere, 0.0))
    total = [sum(row[i] for row in rows) for i in (4, 5)]
    print(f"in microseconds; peer: ONNX Runtime {onnxruntime.__version__}; behind: cnnc's time less the peer's")
    print(f"{'layer':40} {'op':44} {'algorithm':9} {'cnnc':>9} {'of bound':>8} {'peer':>9} {'ratio':>6} {'behind':>9}")
    for behind, name, op, algorithm, a, b, of_bound in sorted(rows, reverse=True):
        print(f"{name:40} {op:44} {algorithm:9} {a:9.1f} {of_bound:8.1%} {b:9.1f} {b / a if a else 0:6.2f} {behind:9.1f}")
    print(f"{'total':40} {'':54} {total[0]:9.1f} {'':8} {total[1]:9.1f} {total[1] / total[0]:6.2f} {total[0] - total[1]:9.1f}")
