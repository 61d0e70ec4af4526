"""Write the reference of one network: what a public implementation computes.

    python3 oracle.py resnet50 [--res 224] [--classes 1000] [--batch 1] --out resnet50.json
    python3 oracle.py --lib timm legacy_xception --res 299 --as-name xception --out xception.json
    python3 oracle.py --lib local lenet5 --res 32 --channels 1 --classes 10 --out lenet5.json

Wants torch and torchvision, and timm for --lib timm.  docs/reference.md describes
the file and the seeded tensors; --safetensors FILE and --pth FILE also write
those as a checkpoint.
"""
import argparse, json, math, struct, sys
import numpy as np
import torch
from torch import nn

MASK = (1 << 64) - 1


def fnv1a64(name):
    h = 0xCBF29CE484222325
    for b in name.encode():
        h = ((h ^ b) * 0x100000001B3) & MASK
    return h


def uniform(name, count):
    """count float64 values in [0,1): splitmix64 keyed by the FNV-1a hash of name."""
    with np.errstate(over="ignore"):
        i = np.arange(1, count + 1, dtype=np.uint64)
        z = np.uint64(fnv1a64(name)) + i * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) * 2.0 ** -53


def seeded(name, shape, lo, hi):
    n = int(np.prod(shape)) if len(shape) else 1
    return (lo + (hi - lo) * uniform(name, n)).astype(np.float32).reshape(shape)


def image(name, shape):
    """A seeded picture: 7x7 coarse patches a channel (3/4 of the range) under fine noise (1/4)."""
    n, c, h, w = shape
    coarse = uniform(name + ":coarse", n * c * 49).reshape(n, c, 7, 7)
    fine = uniform(name + ":fine", n * c * h * w).reshape(shape)
    rows, cols = np.arange(h) * 7 // h, np.arange(w) * 7 // w
    u = 0.75 * coarse[:, :, rows][:, :, :, cols] + 0.25 * fine
    return (-2.0 + 4.5 * u).astype(np.float32)


def bounds(key, t, owner):
    """First-guess range of a tensor, before calibration rescales conv/linear weights."""
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "running_mean":
        return -0.1, 0.1
    if leaf == "running_var":
        return 0.7, 1.4
    if "layer_scale" in leaf or leaf == "gamma":
        return 0.2, 0.6
    if t.dim() >= 2 and isinstance(owner, (nn.Conv2d, nn.Linear)):
        a = math.sqrt(6.0 / float(np.prod(t.shape[1:])))
        return -a, a
    if leaf == "weight":  # norm scale
        return 0.8, 1.2
    return -0.1, 0.1


class LeNet5(nn.Module):
    """LeCun et al. 1998, Fig. 2 and Table I: sub-sampling with a trainable
    coefficient and bias per map, C3's partial connections, scaled tanh or sigmoid."""

    C3 = [(0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
          (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5),
          (0, 1, 2, 5), (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5)]

    def __init__(self, num_classes=10):
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, 5)
        self.s2 = nn.Conv2d(6, 6, 1, groups=6)   # coefficient and bias of each map
        self.c3 = nn.ModuleList(nn.Conv2d(len(m), 1, 5) for m in self.C3)
        self.s4 = nn.Conv2d(16, 16, 1, groups=16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, num_classes)  # in place of the RBF units

    def forward(self, x):
        pool = nn.functional.avg_pool2d
        x = torch.sigmoid(self.c1(x))
        x = torch.sigmoid(self.s2(pool(x, 2)))
        x = torch.cat([c(x[:, list(m)]) for c, m in zip(self.c3, self.C3)], 1)
        x = torch.sigmoid(self.s4(pool(torch.sigmoid(x), 2)))
        x = torch.sigmoid(self.c5(x)).flatten(1)
        return self.output(torch.sigmoid(self.f6(x)))


class AlexNet2012(nn.Module):
    """Krizhevsky et al. 2012: LRN, overlapping pooling, two groups in conv2, 4, 5."""

    def __init__(self, num_classes=1000):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, 4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.fc6, self.fc7, self.fc8 = nn.Linear(9216, 4096), nn.Linear(4096, 4096), nn.Linear(4096, num_classes)
        # torch divides alpha by size; the paper's alpha multiplies the plain sum.
        self.lrn = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)

    def forward(self, x):
        relu, pool = torch.relu, lambda t: nn.functional.max_pool2d(t, 3, 2)
        x = pool(self.lrn(relu(self.conv1(x))))
        x = pool(self.lrn(relu(self.conv2(x))))
        x = relu(self.conv4(relu(self.conv3(x))))
        x = pool(relu(self.conv5(x))).flatten(1)
        return self.fc8(relu(self.fc7(relu(self.fc6(x)))))


def build(lib, name, classes, extra):
    if lib == "local":
        return {"lenet5": LeNet5, "alexnet_2012": AlexNet2012}[name](num_classes=classes)
    if lib == "timm":
        import timm
        return timm.create_model(name, pretrained=False, num_classes=classes, **extra)
    import torchvision
    if name in ("googlenet", "inception_v3"):
        extra = dict(dict(aux_logits=False, init_weights=False, transform_input=False), **extra)
    return torchvision.models.get_model(name, weights=None, num_classes=classes, **extra)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("name")
    p.add_argument("--lib", default="torchvision")
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--res", type=int, default=224)
    p.add_argument("--channels", type=int, default=3)
    p.add_argument("--classes", type=int, default=1000)
    p.add_argument("--extra", default="{}", help="keyword arguments of the constructor, as JSON")
    p.add_argument("--as-name", default="")
    p.add_argument("--out", required=True)
    p.add_argument("--safetensors", default="", help="also write the seeded checkpoint")
    p.add_argument("--pth", default="", help="likewise, with torch.save")
    a = p.parse_args()

    torch.manual_seed(0)
    extra = json.loads(a.extra)
    model = build(a.lib, a.name, a.classes, extra).eval()
    owners = {}
    for mname, mod in model.named_modules():
        for pname, _ in list(mod.named_parameters(recurse=False)) + list(mod.named_buffers(recurse=False)):
            owners[(mname + "." if mname else "") + pname] = mod
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    rng = {k: bounds(k, v, owners[k]) for k, v in state.items()}

    shape = (a.batch, a.channels, a.res, a.res)
    x = torch.from_numpy(image("input", shape))

    def assign():
        with torch.no_grad():
            for k, v in state.items():
                v.copy_(torch.from_numpy(seeded(k, tuple(v.shape), *rng[k])))

    # Calibrate: one pass, each conv/linear rescaled so that its output has unit spread.
    assign()
    names = {m: n for n, m in model.named_modules()}
    macs = [0]

    def calibrate(mod, inputs, out):
        key = names[mod] + ".weight"
        w = mod.weight
        macs[0] += out.numel() // a.batch * int(np.prod(w.shape[1:]))
        b = mod.bias
        raw = out if b is None else out - (b.view(1, -1, 1, 1) if isinstance(mod, nn.Conv2d) else b)
        s = float(raw.double().pow(2).mean().sqrt())
        f = float(np.float32(1.0 / s)) if s > 0 else 1.0
        lo, hi = rng[key]
        rng[key] = (lo * f, hi * f)
        raw = raw * f
        return raw if b is None else raw + (b.view(1, -1, 1, 1) if isinstance(mod, nn.Conv2d) else b)

    hooks = [m.register_forward_hook(calibrate) for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    with torch.no_grad():
        model(x)
    for h in hooks:
        h.remove()
    assign()

    trace = []

    def record(mod, inputs, out):
        if not torch.is_tensor(out) or names[mod] == "":
            return
        o = out.double()
        flat = o.flatten()
        at = (uniform("probe:" + names[mod], 4) * flat.numel()).astype(int).tolist()
        trace.append(dict(name=names[mod], type=type(mod).__name__, shape=list(o.shape[1:]),
                          mean=float("%.9g" % o.mean()), rms=float("%.9g" % o.pow(2).mean().sqrt()),
                          at=at, value=[float("%.9g" % flat[i]) for i in at]))

    with torch.no_grad():
        y32 = model(x)
        model.double()
        hooks = [m.register_forward_hook(record) for m in model.modules()]
        y = model(x.double())
    noise = float((y - y32.double()).abs().max())
    spread = float((y - y.mean()).pow(2).mean().sqrt())
    # Does the input matter?  A second input must move the output.
    for h in hooks:
        h.remove()
    with torch.no_grad():
        y2 = model(torch.from_numpy(image("input2", shape)).double())
    moved = float((y - y2).pow(2).mean().sqrt()) / spread

    out = dict(
        name=a.as_name or a.name, source=a.lib, source_name=a.name, extra=extra,
        versions=dict(torch=torch.__version__),
        input=dict(image="input", shape=list(shape)), classes=a.classes,
        params=sum(p.numel() for p in model.parameters()), macs=macs[0],
        output=[float("%.9g" % v) for v in y.flatten().tolist()],
        output_spread=spread, torch_f32_max_abs_error=noise, input_sensitivity=moved,
        tensors=[dict(key=k, shape=list(v.shape), lo=rng[k][0], hi=rng[k][1]) for k, v in state.items()],
        trace=trace)
    rows = {k: v for k, v in out.items() if k not in ("tensors", "trace")}
    with open(a.out, "w") as f:
        f.write("{\n")
        for k, v in rows.items():
            f.write(' %s: %s,\n' % (json.dumps(k), json.dumps(v)))
        for last, k in ((False, "tensors"), (True, "trace")):
            f.write(' %s: [\n' % json.dumps(k))
            f.write(",\n".join("  " + json.dumps(r) for r in out[k]))
            f.write("\n ]%s\n" % ("" if last else ","))
        f.write("}\n")
    print("%-20s params %11d macs %14d spread %.4g noise %.3g moved %.3g" %
          (out["name"], out["params"], out["macs"], spread, noise, moved))

    if a.pth:
        torch.save({k: torch.from_numpy(seeded(k, tuple(v.shape), *rng[k])) for k, v in state.items()}, a.pth)
    if a.safetensors:
        header, blobs, off = {}, [], 0
        for k, v in state.items():
            t = seeded(k, tuple(v.shape), *rng[k])
            header[k] = dict(dtype="F32", shape=list(t.shape), data_offsets=[off, off + t.nbytes])
            blobs.append(t.tobytes())
            off += t.nbytes
        h = json.dumps(header).encode()
        h += b" " * (-len(h) % 8)
        with open(a.safetensors, "wb") as f:
            f.write(struct.pack("<Q", len(h)) + h)
            for b in blobs:
                f.write(b)


if __name__ == "__main__":
    main()
