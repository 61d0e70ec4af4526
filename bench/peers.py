"""Let bench.py measure a peer: what worker/main.go does, with an ONNX model.

    peers.py onnxruntime|openvino MODEL THREADS BATCH INPUT OUTPUT

Both peers compute in float32. ONNX Runtime always does for a float32 model on
x86; OpenVINO would use bfloat16 where the processor has it, and is told not to.
"""

import gc
import json
import os
import sys
import time

import numpy as np


class ONNXRuntime:
    def __init__(self, path, threads, batch):
        import onnxruntime

        self.package = os.path.dirname(onnxruntime.__file__)
        self.api = onnxruntime
        self.path, self.batch = path, batch
        onnxruntime.set_default_logger_severity(3)
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads
        self.options.inter_op_num_threads = 1
        self.options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.options.add_free_dimension_override_by_name("N", batch)

    def load(self):
        self.session = self.api.InferenceSession(self.path, self.options, providers=["CPUExecutionProvider"])
        source, result = self.session.get_inputs()[0], self.session.get_outputs()[0]
        self.src, self.dst = np.empty(source.shape, np.float32), np.empty(result.shape, np.float32)
        self.binding = self.session.io_binding()
        self.binding.bind_input(source.name, "cpu", 0, np.float32, self.src.shape, self.src.ctypes.data)
        self.binding.bind_output(result.name, "cpu", 0, np.float32, self.dst.shape, self.dst.ctypes.data)

    def run(self):
        self.session.run_with_iobinding(self.binding)


class OpenVINO:
    def __init__(self, path, threads, batch):
        import openvino

        self.package = os.path.dirname(openvino.__file__)
        self.api = openvino
        self.path, self.batch = path, batch
        self.config = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }

    def load(self):
        core = self.api.Core()
        model = core.read_model(self.path)
        model.reshape([self.batch, *(d.get_length() for d in list(model.input(0).partial_shape)[1:])])
        compiled = core.compile_model(model, "CPU", self.config)
        if (precision := compiled.get_property("INFERENCE_PRECISION_HINT")) != self.api.Type.f32:
            raise SystemExit(f"OpenVINO computes in {precision}")
        self.request = compiled.create_infer_request()
        self.src = self.request.get_input_tensor(0).data
        self.dst = self.request.get_output_tensor(0).data

    def run(self):
        self.request.infer(share_outputs=True)


PEERS = {"onnxruntime": ONNXRuntime, "openvino": OpenVINO}


def peak_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM:"))


def binary_size(package):
    """Returns the size of the package's libraries that this process has loaded."""
    with open("/proc/self/maps") as maps:
        libraries = {fields[5] for line in maps if len(fields := line.split(maxsplit=5)) == 6 and ".so" in fields[5]}
    libraries = {path.strip() for path in libraries if path.startswith(package + os.sep)}
    return sum(os.path.getsize(path) for path in libraries)


def times(call, seconds):
    """Times calls for so long.

    The first finds the caches as another program left them; it counts only if it
    takes so long that it is the only one.
    """
    clock = time.perf_counter_ns
    taken, end = [], clock() + seconds * 1e9
    while True:
        start = clock()
        call()
        now = clock()
        taken.append((now - start) / 1e3)
        if now > end:
            return taken[1:] or taken


def main():
    peer, model, threads, batch, source, result = sys.argv[1:]
    peer = PEERS[peer](model, int(threads), int(batch))
    interpreter = peak_memory()
    image = np.fromfile(source, "<f4")

    start = time.perf_counter()
    peer.load()
    load = time.perf_counter() - start
    peer.src.reshape(-1)[:] = image
    peer.run()
    started = {
        "load_ms": load * 1e3,
        "peak_bytes": peak_memory(),
        "interpreter_bytes": interpreter,
        "binary_bytes": binary_size(peer.package),
    }
    print(json.dumps(started), flush=True)
    peer.dst.astype("<f4").tofile(result)

    gc.disable()
    for line in sys.stdin:
        command, seconds = line.split()
        if command != "run":
            raise SystemExit(f"unknown command {command!r}")
        print(json.dumps({"us": times(peer.run, float(seconds))}), flush=True)


if __name__ == "__main__":
    main()
