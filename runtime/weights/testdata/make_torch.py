"""Writes the .pth files beside it: pip install torch==1.13.1 'numpy<2', python make_torch.py."""

import argparse
import collections
import os

import torch

here = os.path.dirname(os.path.abspath(__file__))


def save(name, thing, **how):
    torch.save(thing, os.path.join(here, name), **how)


shared = torch.arange(6.0)
state = collections.OrderedDict(
    matrix=torch.tensor([[1.5, -2, 3], [4, 5, float("inf")]]),
    view=shared[2:5],  # a part of a storage
    all=shared,
    half=torch.tensor([1, -5, 0.25], dtype=torch.float16),
    bfloat=torch.tensor([1, -5], dtype=torch.bfloat16),
    double=torch.tensor([0.1], dtype=torch.float64),
    scalar=torch.tensor(7.0),
    none=torch.zeros(0, 5),
    column=torch.arange(4.0).reshape(4, 1).t().contiguous().t(),  # strides of an axis of 1 do not count
    steps=torch.tensor(9),
    columns=torch.zeros(5, 0),
)
save("state.pth", state)
save("state_1.5.pth", state, _use_new_zipfile_serialization=False)

# What trainings save beside a state dict, whose tensors may be parameters.
layer = torch.nn.Linear(2, 2)
with torch.no_grad():
    layer.weight.copy_(torch.tensor([[1.0, 2], [3, 4]]))
    layer.bias.copy_(torch.tensor([5.0, 6]))
adam = torch.optim.Adam(layer.parameters())
layer(torch.ones(1, 2)).sum().backward()
adam.step()
with torch.no_grad():
    layer.weight.copy_(torch.tensor([[1.0, 2], [3, 4]]))
    layer.bias.copy_(torch.tensor([5.0, 6]))
training = {
    "epoch": 300,
    "loss": 0.125,
    "seed": 1 << 80,
    "best": -(1 << 40),
    "args": argparse.Namespace(lr=0.1, amp=True),
    "optimizer": adam.state_dict(),
    "model": dict(layer.named_parameters()),
}
save("training.pth", training)
save("training_1.5.pth", training, _use_new_zipfile_serialization=False)
save("two.pth", {"state_dict": layer.state_dict(), "state_dict_ema": layer.state_dict()})
save("module.pth", layer)
save("list.pth", [torch.ones(1)])
save("transposed.pth", {"t": torch.arange(6.0).reshape(2, 3).t()})
save("sparse.pth", {"s": torch.eye(2).to_sparse()})
torch.jit.script(layer).save(os.path.join(here, "script.pth"))
