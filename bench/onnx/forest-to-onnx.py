# Writes a forest as ONNX, for the prediction bench. In: the forest as JSON. Out: two models in base64, with the numbers
# of the trees in float32 and in float64; what comes out of both is float32, since the operator has nothing else.
import base64, json, sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

trees, width = json.load(sys.stdin), int(sys.argv[1])
nodes = [(t, n, tree) for t, tree in enumerate(trees) for n in range(len(tree["feature"]))]
leaves = [(t, n, tree) for t, n, tree in nodes if tree["children_left"][n] < 0]
shape = {
    "nodes_treeids": [t for t, _, _ in nodes],
    "nodes_nodeids": [n for _, n, _ in nodes],
    "nodes_featureids": [max(tree["feature"][n], 0) for _, n, tree in nodes],
    "nodes_modes": ["LEAF" if tree["children_left"][n] < 0 else "BRANCH_LEQ" for _, n, tree in nodes],
    "nodes_truenodeids": [max(tree["children_left"][n], 0) for _, n, tree in nodes],
    "nodes_falsenodeids": [max(tree["children_right"][n], 0) for _, n, tree in nodes],
    "target_treeids": [t for t, _, _ in leaves],
    "target_nodeids": [n for _, n, _ in leaves],
    "target_ids": [0] * len(leaves),
    "n_targets": 1,
    "aggregate_function": "AVERAGE",
}
thresholds = np.array([tree["threshold"][n] for _, n, tree in nodes])
weights = np.array([tree["value"][n] for _, n, tree in leaves])
# A float32 is at most a threshold exactly when it is at most the next lower float32: so rows go the same way in both.
near = thresholds.astype("f4")
lower = np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)


def model(number, **numbers):
    node = helper.make_node("TreeEnsembleRegressor", ["rows"], ["answers"], domain="ai.onnx.ml", **shape, **numbers)
    rows = helper.make_tensor_value_info("rows", number, [None, width])
    answers = helper.make_tensor_value_info("answers", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph([node], "forest", [rows], [answers])
    versions = [helper.make_opsetid("ai.onnx.ml", 3), helper.make_opsetid("", 15)]
    made = helper.make_model(graph, opset_imports=versions, ir_version=8)
    return base64.b64encode(made.SerializeToString()).decode()


tensor = numpy_helper.from_array
json.dump(
    {
        "float32": model(TensorProto.FLOAT, nodes_values=lower, target_weights=weights),
        "float64": model(
            TensorProto.DOUBLE, nodes_values_as_tensor=tensor(thresholds), target_weights_as_tensor=tensor(weights)
        ),
    },
    sys.stdout,
)
