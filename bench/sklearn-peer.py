# The peer of the decoding and prediction benches: scikit-learn, asked for one round at a time so that rounds can be
# interleaved. First line in: a pickle in base64, or nothing to train one. First line out: what there is to compare.
# Then one job per line in, `loads` or `predict ROWS TIMES`, and its nanoseconds out; each time predicts other rows.
import base64, json, pickle, sys, time, warnings

import numpy as np
import sklearn
from sklearn.ensemble import RandomForestRegressor

warnings.simplefilter("ignore")
rng = np.random.RandomState(0)
rows = rng.rand(20000, 6) * [10, 64, 60, 32, 4, 100]
given = sys.stdin.readline().strip()
if given:
    data = base64.b64decode(given)
else:
    # As many trees, rows and nodes as the model that AGILAB ships.
    X = rows[:235]
    y = X[:, 0] * 2 + np.sin(X[:, 1]) + rng.rand(235)
    data = pickle.dumps(RandomForestRegressor(100, random_state=0).fit(X, y), protocol=5)
model = pickle.loads(data)
model.n_jobs = None
trees = [e.tree_ for e in model.estimators_]
fields = ["children_left", "children_right", "feature", "threshold", "impurity", "n_node_samples", "weighted_n_node_samples"]
forest = [{**{f: getattr(t, f).tolist() for f in fields}, "value": t.value[:, 0, 0].tolist()} for t in trees]
dicts = [{"id": i, "name": f"worker-{i % 50}", "load": i / 7, "cores": i % 64, "up": i % 3 == 0} for i in range(20000)]
floats = rng.rand(100000).tolist()
hello = {
    "sklearn": sklearn.__version__,
    "nodes": sum(t.node_count for t in trees),
    "pickle": base64.b64encode(data).decode(),
    "forest": json.dumps(forest),
    "rows": base64.b64encode(rows.astype("<f8").tobytes()).decode(),
    "dense": {
        "20,000 dicts, protocol 2": base64.b64encode(pickle.dumps(dicts, 2)).decode(),
        "100,000 floats, protocol 4": base64.b64encode(pickle.dumps(floats, 4)).decode(),
    },
}
print(json.dumps(hello), flush=True)
for line in sys.stdin:
    job, *numbers = line.split()
    count, times = map(int, numbers or (0, 0))
    asked = [rows[i : i + count] for i in range(times)]
    start = time.perf_counter_ns()
    if job == "loads":
        pickle.loads(data)
    else:
        for some in asked:
            model.predict(some)
    print(time.perf_counter_ns() - start, flush=True)
