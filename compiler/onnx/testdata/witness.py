"""Check models with ONNX's checker and run them in ONNX Runtime.

Reads a JSON list of cases from standard input:

    {"model": "FILE.onnx",
     "inputs":  [{"name": ..., "shape": [n, ...], "file": "float32, little-endian"}],
     "outputs": [{"name": ..., "shape": [n, ...], "file": "what is expected"}]}

and prints a JSON list of answers, one a case: {"error": "what was refused"}, or
{"outputs": [{"name": ..., "max_error": largest absolute difference,
"max_value": largest absolute value expected}]}.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime


def read(tensor):
    return np.fromfile(tensor["file"], "<f4").reshape(tensor["shape"])


def answer(case):
    onnx.checker.check_model(case["model"], full_check=True)
    session = onnxruntime.InferenceSession(case["model"], providers=["CPUExecutionProvider"])
    names = [t["name"] for t in case["outputs"]]
    results = session.run(names, {t["name"]: read(t) for t in case["inputs"]})
    outputs = []
    for tensor, got in zip(case["outputs"], results, strict=True):
        want = read(tensor)
        if got.shape != want.shape:
            raise ValueError(f"{tensor['name']} has shape {got.shape}, not {want.shape}")
        error = np.abs(got.astype(np.float64) - want).max()
        if not np.isfinite(error):
            raise ValueError(f"{tensor['name']} has values that are no numbers")
        outputs.append({"name": tensor["name"], "max_error": float(error), "max_value": float(np.abs(want).max())})
    return {"outputs": outputs}


def main():
    onnxruntime.set_default_logger_severity(3)
    answers = []
    for case in json.load(sys.stdin):
        try:
            answers.append(answer(case))
        except Exception as e:  # whatever it is, it is about this model
            answers.append({"error": f"{type(e).__name__}: {e}"})
    json.dump(answers, sys.stdout)


main()
