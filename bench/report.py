"""Write what compare.py found as a page and a chart."""

from io import StringIO

import matplotlib
import numpy as np

from common import FAMILIES, digits, threads_text, title
from compare import ENGINES, LESSER, LESSER_SETTING, NAMES, ORT, OURS, PEERS, TOLERANCE


def write(results, folder):
    text = page(results)
    print(text)
    (folder / "benchmarks.md").write_text(text)
    chart(results, folder / "benchmarks.svg")


def page(results):
    out = StringIO()

    def say(line=""):
        print(line, file=out)

    m = results.machine
    say("# Benchmarks")
    say()
    say("cnnc, ONNX Runtime and OpenVINO on the same networks, weights, pictures and machine, in float32. This page is written by `make bench`;")
    say("[bench/README.md](../bench/README.md) says how everything is measured, and how to repeat it.")
    say()
    say("## In short")
    say()
    short(results, say)
    say()
    say("![Time of a call in units of cnnc's, by network](benchmarks.svg)")
    say()
    say("## How it was measured")
    say()
    say("| | |")
    say("| --- | --- |")
    for key in ("date", "processor", "system", "cnnc", "peers"):
        say(f"| {key} | {m[key]} |")
    peaks = {n: results.peaks[OURS, n] for n in results.threads}
    say(f"| multiply-add peak at the clock that our calls leave: 100% below | {medians(peaks)} |")
    say(f"| multiply-add peak without calls, when the clock is higher | {medians(results.alone)} |")
    most = max(results.errors.values())
    say(f"| largest difference between outputs | {most:.1g} of the largest output; more than {TOLERANCE:g} would have stopped the run |")
    say()
    say("## Every setting")
    say()
    settings(results, say)
    say()
    say("## Cold start")
    say()
    cold(results, say)
    if LESSER_SETTING[0] in results.batches and LESSER_SETTING[1] in results.threads:
        say()
        say("## With lesser instruction sets")
        say()
        lesser(results, say)
    for batch in results.batches:
        say()
        say(f"## Batch {batch}")
        say()
        details(results, batch, say)
    return out.getvalue()


def medians(peaks):
    return ", ".join(f"{np.median(each):.0f} GFLOP/s on {threads_text(n)}" for n, each in peaks.items())


def row(say, *cells):
    say(f"| {' | '.join(cells)} |")


def mean(ratios):
    """Returns the geometric mean over one network a family, of those that were measured."""
    some = [ratio for net, ratio in ratios.items() if net in FAMILIES]
    return np.exp(np.mean(np.log(some))) if some else np.nan


def short(results, say):
    """Prints a row for each network: ours and ONNX Runtime's."""
    batch = results.batches[0]
    say(f"Batch {batch}, medians in milliseconds. Ratio: how many times as long ONNX Runtime takes.")
    say()
    row(say, "network", *(f"{threads_text(n)}: cnnc | {NAMES[ORT]} | ratio" for n in results.threads))
    row(say, "---", *["--:"] * 3 * len(results.threads))
    ratios = {n: {net: results.runs[net, batch, n, ORT].ratio for net in results.nets} for n in results.threads}
    for net in results.nets:
        cells = []
        for n in results.threads:
            ours, theirs = (digits(results.runs[net, batch, n, engine].ms[1]) for engine in (OURS, ORT))
            cells += [f"**{ours}**", theirs, f"{ratios[n][net]:.2f}"]
        row(say, title(net), *cells)
    blank = ["", ""]
    row(say, "geometric mean, one network a family", *(c for n in results.threads for c in (*blank, f"**{mean(ratios[n]):.2f}**")))
    row(say, "smallest", *(c for n in results.threads for c in (*blank, f"{min(ratios[n].values()):.2f}")))


def settings(results, say):
    """Prints a row for each setting and peer: the ratios' mean and extremes."""
    some = [title(net) for net in FAMILIES if net in results.nets]
    say(f"Ratios of medians, a peer's by cnnc's. The mean is the geometric one over one network of each family ({', '.join(some)});")
    say("smallest and largest are of all networks.")
    say()
    row(say, "batch", "threads", "peer", "mean", "smallest", "largest")
    row(say, "--:", "--:", "---", "--:", "---", "---")
    for batch in results.batches:
        for threads in results.threads:
            for peer in PEERS:
                ratios = {net: results.runs[net, batch, threads, peer].ratio for net in results.nets}
                extremes = (f"{ratios[net]:.2f} ({title(net)})" for net in (min(ratios, key=ratios.get), max(ratios, key=ratios.get)))
                row(say, str(batch), str(threads), NAMES[peer], f"{mean(ratios):.2f}", *extremes)


def cold(results, say):
    """Prints a row for each network: what it takes to get a first answer."""
    say("Milliseconds, with files in the page cache. First answer: from the start of the process. Loading: of that, from the weights' file to")
    say("a session that can run; for ONNX Runtime, the creation of its session; for OpenVINO, reading and compiling the model. The rest of a peer's first")
    say("answer is mostly Python and its imports, so the ratios are of ONNX Runtime's loading to ours, and to our whole first answer, one inference")
    say("included. File: reading that of the weights. We load on all cores, whatever the number of threads.")
    for n in results.threads:
        say()
        say(f"On {threads_text(n)}:")
        say()
        peers = (f"{NAMES[p]}: first answer | loading" for p in PEERS)
        row(say, "network", "cnnc: first answer", "loading", "file", *peers, "ratio: loading", "first answer")
        row(say, "---", *["--:"] * 9)
        for net in results.nets:
            starts = {engine: results.cold[net, n, engine] for engine in ENGINES}
            times = {engine: [digits(c.start_ms), digits(c.load_ms)] for engine, c in starts.items()}
            ratios = (f"{starts[ORT].load_ms / ms:.1f}" for ms in (starts[OURS].load_ms, starts[OURS].start_ms))
            row(say, title(net), *times[OURS], digits(results.read_ms[net]), *(c for p in PEERS for c in times[p]), *ratios)
    starts = {(net, engine): results.cold[net, results.threads[0], engine] for net in results.nets for engine in ENGINES}
    parts = [np.median([starts[net, peer].interpreter_bytes for net in results.nets]) for peer in PEERS]
    parts = " and ".join(f"{megabytes(part)} MB of {NAMES[peer]}'s" for part, peer in zip(parts, PEERS, strict=True))
    say()
    say(f"Memory is the most that was resident until the first answer, on {threads_text(results.threads[0])}; of it, {parts} are Python's and were taken before the")
    say("model was loaded. Binary: our program; of the peers' packages, the libraries that were loaded. Both in MB.")
    say()
    row(say, "network", *(f"{NAMES[e]}: memory | binary" for e in ENGINES))
    row(say, "---", *["--:"] * 6)
    for net in results.nets:
        row(say, title(net), *(megabytes(b) for e in ENGINES for b in (starts[net, e].peak_bytes, starts[net, e].binary_bytes)))


def lesser(results, say):
    """Prints a row for each network: our kernels by instruction set beside ONNX Runtime, which keeps its own."""
    batch, threads = LESSER_SETTING
    sets = " or ".join(f"`CNNC_CPU={isa}`" for isa in LESSER.values())
    peaks = " and ".join(f"{np.median(results.peaks[engine, threads]):.0f} GFLOP/s with {isa}" for engine, isa in LESSER.items())
    say(f"cnnc with {sets}, batch {batch}, {threads_text(threads)}, in the same turns; ONNX Runtime keeps its kernels.")
    say(f"The peak is that of the vectors: {peaks}. Ratios are ONNX Runtime's time by ours.")
    say()
    row(say, "network", f"{NAMES[ORT]}: ms", *(f"{LESSER[e]}: ms | of peak | ratio" for e in LESSER), "our best: ms", "ratio")
    row(say, "---", "--:", *["--:"] * (3 * len(LESSER)), "--:", "--:")
    ratios = {engine: {} for engine in (*LESSER, OURS)}
    for net in results.nets:
        runs = {engine: results.runs[net, batch, threads, engine] for engine in (ORT, *ratios)}
        for engine, by_net in ratios.items():
            by_net[net] = runs[ORT].ratio / runs[engine].ratio
        cells = [cell for e in LESSER for cell in (digits(runs[e].ms[1]), f"{runs[e].share:.0%}", f"{ratios[e][net]:.2f}")]
        row(say, title(net), digits(runs[ORT].ms[1]), *cells, digits(runs[OURS].ms[1]), f"{ratios[OURS][net]:.2f}")
    means = [cell for engine in LESSER for cell in ("", "", f"{mean(ratios[engine]):.2f}")]
    row(say, "geometric mean, one network a family", "", *means, "", f"{mean(ratios[OURS]):.2f}")


def details(results, batch, say):
    """Prints a row for each network and engine."""
    head, rule = ["network", "engine"], ["---", "---"]
    for n in results.threads:
        head += [f"{threads_text(n)}: ms (quartiles)", "GFLOP/s", "of peak", "ratio"]
        rule += ["--:"] * 4
    speedup = len(results.threads) == 2
    if speedup:
        head.append("speed-up")
        rule.append("--:")
    row(say, *head)
    row(say, *rule)
    for net in results.nets:
        for engine in ENGINES:
            cells = [title(net) if engine == OURS else "", NAMES[engine]]
            runs = [results.runs[net, batch, n, engine] for n in results.threads]
            for r in runs:
                low, median, high = (digits(v) for v in r.ms)
                ratio = "1" if engine == OURS else f"{r.ratio:.2f}"
                cells += [f"{median} ({low} to {high})", digits(r.gflops), f"{r.share:.0%}", ratio]
            if speedup:
                cells.append(f"{runs[0].ms[1] / runs[1].ms[1]:.2f}")
            row(say, *cells)


def chart(results, path):
    """Draws a panel for each setting: the peers' times in units of ours."""
    matplotlib.use("svg")
    from matplotlib import pyplot

    matplotlib.rcParams.update({"svg.hashsalt": "cnnc", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9})
    settings = [(batch, threads) for batch in results.batches for threads in results.threads]
    across = len(results.threads)
    figure, panels = pyplot.subplots(
        len(results.batches),
        across,
        figsize=(5.2 * across, (1.2 + 0.32 * len(results.nets)) * len(results.batches)),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for setting, panel in zip(settings, panels.flat, strict=True):
        draw(results, *setting, panel)
    # The same scale everywhere, with room for the figures at the bars' ends.
    longest = max(results.runs[net, *setting, peer].ratios[2] for net in results.nets for setting in settings for peer in PEERS)
    for panel in panels.flat:
        panel.set_xlim(0, 1.12 * longest)
    panels[0, 0].invert_yaxis()
    for panel in panels[-1]:
        panel.set_xlabel("time of a call in units of cnnc's (longer is slower); lines: quartiles")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(ENGINES), frameon=False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def draw(results, batch, threads, panel):
    """Draws a bar for each network and peer, and below them the means."""
    thickness = 0.8 / len(PEERS)
    at = np.append(np.arange(len(results.nets)), len(results.nets) + 0.5)
    for i, (peer, color) in enumerate(zip(PEERS, ("#4878a8", "#a8a8b0"), strict=True)):
        runs = {net: results.runs[net, batch, threads, peer] for net in results.nets}
        average = mean({net: r.ratio for net, r in runs.items()})
        values = np.array([r.ratio for r in runs.values()] + [average])
        low = np.array([r.ratios[0] for r in runs.values()] + [average])
        high = np.array([r.ratios[2] for r in runs.values()] + [average])
        spread = np.maximum([values - low, high - values], 0)
        bars = panel.barh(
            at + (i - (len(PEERS) - 1) / 2) * thickness,
            values,
            thickness,
            color=color,
            label=NAMES[peer],
            xerr=spread,
            error_kw={"elinewidth": 0.8, "ecolor": "#303030"},
        )
        panel.bar_label(bars, [f"{v:.2f}" for v in values], padding=3, fontsize=6.5, color="#404040")
    panel.axvline(1, color="#c04020", linewidth=1.2, label="cnnc")
    panel.set_yticks(at, [*map(title, results.nets), "geometric mean"])
    panel.set_ylim(at[0] - 0.6, at[-1] + 0.6)
    panel.set_title(f"batch {batch}, {threads_text(threads)}", fontsize=10)
    panel.grid(axis="x", color="#e0e0e0", linewidth=0.6)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def megabytes(count):
    return digits(count / 1e6)
