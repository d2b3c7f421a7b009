"""Where the threads of TensorFlow spend a step: the kit's own, under TensorFlow's profiler."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path

from . import kit

KINDS = {
    "matrix products": ("MatMul", "FusedMatMul", "_FusedMatMul"),
    "tanh and its gradient": ("Tanh", "TanhGrad"),
    "other element-wise work": ("Mul", "AddV2", "Add", "Sub", "AddN", "Neg", "RealDiv", "Square", "Sqrt", "Rsqrt", "Maximum", "BiasAdd", "BiasAddGrad", "_FusedMul"),
    "cutting, joining, moving": ("Split", "ConcatV2", "Pack", "Unpack", "Transpose", "Reshape", "Slice", "StridedSlice", "Tile", "ZerosLike", "Fill", "Identity", "BroadcastTo", "ExpandDims", "GatherV2"),
    "update of the weights": ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp", "ReadVariableOp", "ResourceApplyAdam"),
}  # fmt: skip


class Training(kit.Training):
    """The kit's step."""

    def profile(self, count: int) -> dict[str, float]:
        """Milliseconds of thread time a step by kind of operation; "operations" of a step, and its "wall" time under the profiler."""
        import tensorflow as tf

        self.go(20)
        with tempfile.TemporaryDirectory() as folder:
            tf.profiler.experimental.start(folder, options=tf.profiler.experimental.ProfilerOptions(host_tracer_level=3, python_tracer_level=0))
            begun = time.perf_counter()
            for _ in range(count):
                loss, _ = self.step(*self.loader.next_batch(self.batch))
                float(loss)
            wall = time.perf_counter() - begun
            tf.profiler.experimental.stop()
            return {"wall": wall / count * 1e3, **by_kind(next(Path(folder).rglob("*.xplane.pb")), count)}


def by_kind(path: Path, count: int) -> dict[str, float]:
    """Sums over the host's threads; an operation's event is named "name:Kind"."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    space.ParseFromString(path.read_bytes())
    host = next(plane for plane in space.planes if plane.name == "/host:CPU")
    spent, calls = Counter(), 0
    words = {kind: group for group, kinds in KINDS.items() for kind in kinds}
    for line in host.lines:
        for event in line.events:
            name = host.event_metadata[event.metadata_id].name
            kind = name.rpartition(":")[2].removeprefix("_MklNative").removeprefix("_Mkl") if ":" in name and "::" not in name else None
            if kind and "__inference" not in kind:  # the call of the whole graph; its operations count
                spent[words.get(kind, f"other: {kind}")] += event.duration_ps / 1e9
                calls += 1
    return {"operations": calls / count, **{kind: total / count for kind, total in spent.most_common()}}
