"""Build what is compared: one network as an emitted package and as an ONNX model, with the same weights."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from system import REPO, go, run


@dataclass
class Case:
    """A network ready to be measured at one batch size."""

    net: str
    batch: int
    macs: int  # of one image
    weights: Path
    model: Path
    images: Path
    worker: Path


class Builder:
    """Builds cases in a folder outside of the repository."""

    def __init__(self, folder):
        self.folder = folder
        self.cnnc, self.weights = folder / "cnnc", folder / "weights"
        self.packages = folder / "go"
        folder.mkdir(parents=True, exist_ok=True)
        go("build", "-o", self.cnnc, "./cmd/cnnc")
        go("build", "-o", self.weights, "./bench/weights")
        # A module that takes the runtime from this checkout.
        self.packages.mkdir(exist_ok=True)
        version = json.loads(go("mod", "edit", "-json"))["Go"]
        (self.packages / "go.mod").write_text(f"module bench\n\ngo {version}\n")
        (self.packages / "go.work").write_text(f"go {version}\n\nuse (\n\t.\n\t{json.dumps(str(REPO))}\n)\n")

    def run(self, *args):
        return run(self.cnnc, *args)

    def cases(self, net, batches):
        """Returns a case for each batch size."""
        folder = self.folder / "models" / net
        folder.mkdir(parents=True, exist_ok=True)
        summary = json.loads(self.run("summary", net, "--json"))
        weights, model = folder / "weights.safetensors", folder / "model.onnx"
        run(self.weights, net, weights)
        # With batch normalisation folded, as PyTorch's exporter does it.
        self.run("export", "onnx", net, "--weights", weights, "--fold", "-o", model)
        merge_partial_convolutions(model)
        cases = []
        for batch in batches:
            images = folder / f"images{batch}"
            shape = (batch, *summary["inputs"][0]["shape"])
            np.random.default_rng(1).uniform(-1, 1, shape).astype("<f4").tofile(images)
            cases.append(Case(net, batch, summary["macs"], weights, model, images, self.worker(net, batch)))
        return cases

    def worker(self, net, batch):
        """Builds the program that runs a network's emitted package."""
        name = f"{net}_{batch}"
        folder = self.packages / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.run("build", net, "--batch", str(batch), "--pkg", "net", "-o", folder / "net")
        source = (REPO / "bench/worker/main.go").read_text()
        lenet = '"github.com/cnnc-dev/cnnc/generated/lenet5"'
        assert lenet in source
        (folder / "main.go").write_text(source.replace(lenet, f'"bench/{name}/net"'))
        go("build", "-o", "worker", cwd=folder)
        return folder / "worker"

    def remove(self, net):
        """Removes what cases made."""
        for folder in [self.folder / "models" / net, *self.packages.glob(f"{net}_[0-9]*")]:
            shutil.rmtree(folder)


def merge_partial_convolutions(path):
    """Makes one convolution of LeNet-5's sixteen that read some channels each.

    Peers run the form with zeros for the missing connections several times
    faster, and whoever exports such a network to them would write it so.
    """
    model = onnx.load(path)
    graph = model.graph
    constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    for concat in [n for n in graph.node if n.op_type == "Concat"]:
        convs = [makers.get(name) for name in concat.input]
        picks = [makers.get(c.input[0]) if c is not None and c.op_type == "Conv" else None for c in convs]
        if not any(p is not None and p.op_type == "Gather" for p in picks):
            continue
        source = next(p.input[0] for p in picks if p.op_type == "Gather")
        channels = 1 + max(constants[p.input[1]].max() for p in picks if p.op_type == "Gather")
        weights, biases = [], []
        for conv, pick in zip(convs, picks, strict=True):
            some = constants[conv.input[1]]
            every = np.zeros((some.shape[0], channels, *some.shape[2:]), np.float32)
            every[:, constants[pick.input[1]] if pick.op_type == "Gather" else slice(None)] = some
            weights.append(every)
            biases.append(constants[conv.input[2]])
        at = list(graph.node).index(concat)
        merged = helper.make_node("Conv", [source, concat.name + "/w", concat.name + "/b"], concat.output, concat.name)
        merged.attribute.extend(convs[0].attribute)
        graph.node.remove(concat)
        graph.node.insert(at, merged)
        for node in [*convs, *(p for p in picks if p.op_type == "Gather")]:
            graph.node.remove(node)
        for name, parts in (("/w", weights), ("/b", biases)):
            graph.initializer.append(numpy_helper.from_array(np.concatenate(parts), concat.name + name))
        onnx.save(model, path)
