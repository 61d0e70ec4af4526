"""Write pytorch.json: what PyTorch computes in float64 for small cases of every primitive.

    python3 pytorch.py > pytorch.json

Inputs are tensor(seed, n), so that only the results need to be stored.
"""
import json
import torch
import torch.nn.functional as F


def tensor(seed, *dims):
    """Numbers in [-2, 2] that follow from seed and index; ref_test.go has the same."""
    n = 1
    for d in dims:
        n *= d
    i = torch.arange(n, dtype=torch.int64)
    return (((i * 7919 + seed * 104729) % 1009).double() / 252 - 2).reshape(dims)


cases = []


def case(op, dims, want, **params):
    cases.append(dict(op=op, dims=list(dims), params=params, out=list(want.shape),
                      want=[float(f"{v:.14g}") for v in want.flatten().tolist()]))


for dims, out, k, s, d, p, g, bias in [
    ((2, 3, 5, 6), 4, (3, 3), (1, 1), (1, 1), (1, 1), 1, True),
    ((1, 4, 6, 5), 6, (3, 2), (2, 1), (1, 2), (1, 2), 2, False),
    ((1, 3, 7, 7), 3, (3, 3), (2, 2), (2, 2), (2, 2), 3, True),
    ((1, 2, 4, 4), 3, (1, 1), (3, 3), (1, 1), (0, 0), 1, True),
    ((2, 2, 2, 3), 2, (4, 5), (1, 1), (1, 1), (3, 4), 1, True),
]:
    w = tensor(2, out, dims[1] // g, *k)
    b = tensor(3, out) if bias else None
    case("conv", dims, F.conv2d(tensor(1, *dims), w, b, s, p, d, g), k=k, s=s, d=d, p=p, g=g, bias=bias)

case("linear", (3, 5, 1, 1), F.linear(tensor(1, 3, 5), tensor(2, 4, 5), tensor(3, 4)), bias=True)

for dims, k, s, d, p, ceil in [
    ((1, 2, 6, 7), (3, 2), (2, 1), (1, 1), (1, 0), False),
    ((1, 2, 6, 7), (2, 2), (2, 2), (1, 1), (1, 1), True),
    ((1, 1, 8, 9), (3, 3), (2, 2), (2, 2), (1, 1), True),
    ((1, 1, 2, 2), (3, 3), (2, 2), (1, 1), (0, 0), True),
]:
    case("maxpool", dims, F.max_pool2d(tensor(1, *dims), k, s, p, d, ceil), k=k, s=s, d=d, p=p)

for dims, k, s, p, ceil, count in [
    ((1, 2, 6, 7), (3, 2), (2, 1), (1, 1), False, True),
    ((1, 2, 6, 7), (3, 3), (2, 2), (1, 1), False, False),
    ((1, 2, 6, 7), (3, 3), (2, 2), (1, 1), True, True),
    ((1, 2, 6, 7), (3, 3), (2, 2), (1, 1), True, False),
    ((1, 1, 5, 5), (2, 2), (3, 3), (1, 1), True, True),
]:
    case("avgpool", dims, F.avg_pool2d(tensor(1, *dims), k, s, p, ceil, count), k=k, s=s, d=(1, 1), p=p, count=count)

for dims, out in [((1, 2, 7, 5), (3, 2)), ((2, 2, 2, 3), (4, 7)), ((1, 3, 4, 4), (1, 1))]:
    case("adaptiveavgpool", dims, F.adaptive_avg_pool2d(tensor(1, *dims), out))
    case("adaptivemaxpool", dims, F.adaptive_max_pool2d(tensor(1, *dims), out))

dims = (2, 6, 2, 3)
x = tensor(1, *dims)
case("batchnorm", dims, F.batch_norm(x, tensor(2, 6), tensor(3, 6).abs(), tensor(4, 6), tensor(5, 6), eps=1e-3), eps=1e-3)
case("layernorm", dims,
     F.layer_norm(x.permute(0, 2, 3, 1), (6,), tensor(4, 6), tensor(5, 6), eps=1e-6).permute(0, 3, 1, 2), eps=1e-6)
norm = x.norm(dim=(2, 3), keepdim=True)
case("grn", dims,
     x + tensor(4, 6).view(1, 6, 1, 1) * (x * norm / (norm.mean(1, keepdim=True) + 1e-2)) + tensor(5, 6).view(1, 6, 1, 1), eps=1e-2)
for size in 1, 2, 5, 6:
    case("lrn", dims, F.local_response_norm(x, size, alpha=0.3, beta=0.75, k=2.0), size=size, alpha=0.3, beta=0.75)
case("softmax", dims, F.softmax(5 * x, 1))
case("shuffle", dims, x.reshape(2, 3, 2, 2, 3).transpose(1, 2).reshape(dims), g=3)
case("pad", dims, F.pad(x, (1, 0, 2, 3)), left=1, right=0, top=2, bottom=3)
case("upsample", dims, F.interpolate(x, scale_factor=(3, 2), mode="nearest"))

dims = (1, 1, 1, 40)
x = 3 * tensor(1, *dims)
for name, f in [
    ("relu", F.relu), ("relu6", F.relu6), ("leakyrelu", lambda t: F.leaky_relu(t, 0.2)), ("sigmoid", torch.sigmoid),
    ("tanh", torch.tanh), ("silu", F.silu), ("hardsigmoid", F.hardsigmoid), ("hardswish", F.hardswish),
    ("gelu", F.gelu), ("gelutanh", lambda t: F.gelu(t, approximate="tanh")),
]:
    case(name, dims, f(x))

print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")
