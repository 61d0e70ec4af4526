"""Write what compare.py found as a page and a chart."""

from io import StringIO

import matplotlib
import numpy as np

from compare import ENGINES, OURS, TOLERANCE

NETS = {
    "lenet5": "LeNet-5",
    "alexnet": "AlexNet",
    "vgg16": "VGG-16",
    "googlenet": "GoogLeNet",
    "inception_v3": "Inception v3",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "resnext50_32x4d": "ResNeXt-50 32x4d",
    "xception": "Xception",
    "mobilenetv1_100": "MobileNet v1",
    "mobilenet_v2": "MobileNet v2",
    "mobilenet_v3_large": "MobileNet v3 large",
    "densenet121": "DenseNet-121",
    "efficientnet_b0": "EfficientNet-B0",
    "efficientnet_b4": "EfficientNet-B4",
    "convnext_tiny": "ConvNeXt-T",
}

# One of each family, for the mean.
FAMILIES = [
    "lenet5",
    "alexnet",
    "vgg16",
    "googlenet",
    "resnet50",
    "resnext50_32x4d",
    "xception",
    "mobilenet_v2",
    "densenet121",
    "efficientnet_b0",
    "convnext_tiny",
]

PEERS = [engine for engine in ENGINES if engine != OURS]


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
    say("![Time of a call in units of cnnc's, by network](benchmarks.svg)")
    say()
    say("| | |")
    say("| --- | --- |")
    for key in ("date", "processor", "system", "cnnc", "peers"):
        say(f"| {key} | {m[key]} |")
    peaks = ", ".join(f"{np.median(p):.0f} GFLOP/s on {threads_text(n)}" for n, p in results.peaks.items())
    say(f"| multiply-add peak, measured between the calls | {peaks} |")
    say(f"| largest difference between outputs | {max(results.errors.values()):.1g} of the largest output; more than {TOLERANCE:g} would have stopped the run |")
    say()
    say("## How many times as long as cnnc a peer takes")
    say()
    summary(results, say)
    for batch in results.batches:
        say()
        say(f"## Batch {batch}")
        say()
        table(results, batch, say)
    say()
    parts = [np.median([results.cold[net, peer].interpreter_bytes for net in results.nets]) for peer in PEERS]
    parts = " and ".join(f"{megabytes(part)} MB of {ENGINES[peer]}'s" for part, peer in zip(parts, PEERS, strict=True))
    say(f"Of the memory, {parts} are Python's and were taken before the model was loaded.")
    return out.getvalue()


def summary(results, say):
    """Prints a line for each setting and peer: the ratios' mean and extremes."""
    some = [net for net in FAMILIES if net in results.nets]
    say(f"Ratios of medians. The mean is the geometric one over {len(some)} networks, one a family; lowest and highest are of all.")
    say()
    say("| batch | threads | peer | mean | lowest | highest |")
    say("| --: | --: | --- | --: | --- | --- |")
    for batch in results.batches:
        for threads in results.threads:
            for peer in PEERS:
                ratios = {net: results.runs[net, batch, threads, peer].ratio for net in results.nets}
                mean = f"{np.exp(np.mean([np.log(ratios[net]) for net in some])):.2f}" if some else ""
                low, high = min(ratios, key=ratios.get), max(ratios, key=ratios.get)
                extremes = " | ".join(f"{ratios[net]:.2f} ({title(net)})" for net in (low, high))
                say(f"| {batch} | {threads} | {ENGINES[peer]} | {mean} | {extremes} |")


def table(results, batch, say):
    """Prints a row for each network and engine."""
    cold = batch == results.batches[0]
    head, rule = ["network", "engine"], ["---", "---"]
    for n in results.threads:
        head += [f"{threads_text(n)}: ms", "GFLOP/s", "of peak", "ratio"]
        rule += ["--:"] * 4
    speedup = len(results.threads) == 2
    if speedup:
        head.append("speed-up")
        rule.append("--:")
    if cold:
        head += ["first answer, ms", "of that loading", "memory, MB", "binary, MB"]
        rule += ["--:"] * 4
    say(f"| {' | '.join(head)} |")
    say(f"| {' | '.join(rule)} |")
    for net in results.nets:
        for engine in ENGINES:
            row = [title(net) if engine == OURS else "", ENGINES[engine]]
            runs = [results.runs[net, batch, n, engine] for n in results.threads]
            for r in runs:
                low, median, high = (digits(v) for v in r.ms)
                ratio = "1" if engine == OURS else f"{r.ratio:.2f}"
                row += [f"{median} ({low} to {high})", digits(r.gflops), f"{r.share:.0%}", ratio]
            if speedup:
                row.append(f"{runs[0].ms[1] / runs[1].ms[1]:.2f}")
            if cold:
                c = results.cold[net, engine]
                row += [digits(c.start_ms), digits(c.load_ms), megabytes(c.peak_bytes), megabytes(c.binary_bytes)]
            say(f"| {' | '.join(row)} |")


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
        figsize=(5.2 * across, (0.9 + 0.3 * len(results.nets)) * len(results.batches)),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    colors = dict(zip(PEERS, ("#4878a8", "#a8a8b0"), strict=True))
    thickness = 0.8 / len(PEERS)
    at = np.arange(len(results.nets))
    for (batch, threads), panel in zip(settings, panels.flat, strict=True):
        for i, peer in enumerate(PEERS):
            runs = [results.runs[net, batch, threads, peer] for net in results.nets]
            values = np.array([r.ratio for r in runs])
            low, high = np.array([r.ratios[0] for r in runs]), np.array([r.ratios[2] for r in runs])
            spread = np.maximum([values - low, high - values], 0)
            panel.barh(
                at + (i - (len(PEERS) - 1) / 2) * thickness,
                values,
                thickness,
                color=colors[peer],
                label=ENGINES[peer],
                xerr=spread,
                error_kw={"elinewidth": 0.8, "ecolor": "#303030"},
            )
        panel.axvline(1, color="#c04020", linewidth=1.2, label="cnnc")
        panel.set_yticks(at, [title(net) for net in results.nets])
        panel.set_title(f"batch {batch}, {threads_text(threads)}", fontsize=10)
        panel.set_xlim(left=0)
        panel.grid(axis="x", color="#e0e0e0", linewidth=0.6)
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0, 0].invert_yaxis()
    for panel in panels[-1]:
        panel.set_xlabel("time of a call in units of cnnc's (longer is slower); lines: quartiles")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=len(ENGINES), frameon=False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def title(net):
    return NETS.get(net, net)


def threads_text(n):
    return "1 thread" if n == 1 else f"{n} threads"


def digits(value):
    """Returns a number with three digits that count."""
    return f"{value:.{max(0, 2 - int(np.floor(np.log10(max(value, 1e-9)))))}f}"


def megabytes(count):
    return digits(count / 1e6)
