# The oracle: real scikit-learn trains regressors of every supported kind, pickles each in every protocol, and says
# what it predicts and what it refuses. One JSON document on stdout; numbers travel as little-endian float64 in base64.
import base64, json, pickle, sys, warnings

import numpy as np
import sklearn
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingRegressor, RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor

warnings.simplefilter("ignore")
takes_missing = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 4)
rng = np.random.RandomState(7)
seeded = np.random.RandomState
X = rng.rand(90, 6) * [10, 64, 60, 32, 4, 100]
X[:, 0] = np.floor(X[:, 0])
y = np.abs(X[:, 0] * 2 + np.sin(X[:, 1]) + rng.rand(90))
holes = np.where(rng.rand(*X.shape) < 0.2, np.nan, X)


class Named(np.ndarray):
    columns = ["nb_workers", "ram_total", "ram_available", "cpu_count", "cpu_frequency", "r\u00e9seau \u7f51"]


RF, ET, GB = RandomForestRegressor, ExtraTreesRegressor, GradientBoostingRegressor
cases = {
    "forest": (RF(7, random_state=1), X, y),
    "forest, generator as seed": (RF(3, random_state=seeded(3)), X, y),
    "forest, out of bag, pruned": (RF(6, random_state=1, oob_score=True, max_features="sqrt", max_samples=0.5, ccp_alpha=0.01), X, y),
    "forest, best first": (RF(5, random_state=1, max_leaf_nodes=12, criterion="friedman_mse"), X, y),
    "forest, numpy scalars as settings": (RF(np.int64(3), max_depth=np.int64(4), random_state=np.int64(4), min_samples_leaf=np.float64(0.1)), X, y),
    "forest, poisson": (RF(3, random_state=1, criterion="poisson", warm_start=True, bootstrap=False), X, y),
    "forest, poisson with zero targets": (RF(3, random_state=1, criterion="poisson"), X, np.where(X[:, 1] > 32, y, 0)),
    "forest, absolute error": (RF(2, random_state=1, criterion="absolute_error"), X, y),
    "forest, named features": (RF(2, random_state=1), X.view(Named), y),
    "forest, one feature": (RF(2, random_state=1), X[:, 1:2], y),
    "forest, weighted": (RF(3, random_state=1), X, y, np.where(X[:, 2] > 30, 2.5, 0)),
    "forest, huge and tiny targets": (RF(3, random_state=1), X, y * np.where(X[:, 0] > 5, 1e100, 1e-100)),
    "forest, hundreds of single leaves": (RF(300, random_state=1), X, np.full(90, 2.5)),
    "extra trees": (ET(5, random_state=2), X, y),
    "extra trees, bootstrapped, shallow": (ET(4, random_state=2, bootstrap=True, max_depth=3), X, y),
    "tree": (DecisionTreeRegressor(random_state=0), X, y),
    "tree, random splits": (DecisionTreeRegressor(max_depth=3, splitter="random", random_state=seeded(3)), X, y),
    "stump": (DecisionTreeRegressor(max_depth=1), X, y),
    "constant": (DecisionTreeRegressor(), X, np.full(90, -0.0)),
    "extra tree": (ExtraTreeRegressor(random_state=0), X, y),
    "extra tree, best splits": (ExtraTreeRegressor(max_depth=4, splitter="best", random_state=0), X, y),
    "boosting": (GB(n_estimators=9, random_state=0), X, y),
    "boosting from the global generator": (GB(n_estimators=3), X, y),
    "boosting from zero": (GB(n_estimators=5, init="zero", random_state=0), X, y),
    "boosting, huber": (GB(n_estimators=5, loss="huber", subsample=0.7, random_state=1), X, y),
    "boosting, quantile": (GB(n_estimators=5, loss="quantile", alpha=0.3, max_leaf_nodes=5), X, y),
    "boosting, absolute, stopped early": (GB(n_estimators=50, loss="absolute_error", n_iter_no_change=2, validation_fraction=0.2, learning_rate=1, random_state=1), X, y),
    "boosting from a constant": (GB(n_estimators=5, init=DummyRegressor(strategy="constant", constant=2), learning_rate=np.float64(0.3)), X, y),
}
if takes_missing:
    cases["forest, trained on holes"] = (RF(6, random_state=1), holes, y)
    cases["tree, trained on holes"] = (DecisionTreeRegressor(), holes, y)
    cases["extra trees, monotonic"] = (ET(3, monotonic_cst=[1, 0, 0, 0, 0, 0]), X, y)
    cases["forest, monotonic"] = (RF(3, monotonic_cst=[1, 0, -1, 0, 0, 0]), X, y)


def doubles(values):
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f8").tobytes()).decode()


def thresholds(model):
    members = getattr(model, "estimators_", [model])
    found = np.concatenate([m.tree_.threshold[m.tree_.feature >= 0] for m in np.ravel(np.array(members, dtype=object))] + [[0.5]])
    return found[np.isfinite(found)]


def rows_for(model, width):
    """Rows inside and far outside of the training data, and rows that sit exactly on thresholds or one bit beside."""
    local = np.random.RandomState(11)
    near = local.choice(thresholds(model), size=(60, width))
    nudged = np.where(local.rand(60, width) < 0.5, np.nextafter(near, np.inf), np.nextafter(near, -np.inf))
    inside = local.rand(60, width) * 64
    odd = local.choice([0.0, -0.0, 1e-45, -1e30, 3.4e38, 2**24 + 1, 0.1, 5e-324], size=(20, width))
    return np.concatenate([near, nudged, near * (1 + 3e-8), inside, odd])


def refuses(model, rows):
    try:
        model.predict(rows)
        return False
    except ValueError:
        return True


models = []
for name, (model, *data) in cases.items():
    model.fit(*data)
    width = model.n_features_in_
    rows = rows_for(model, width)
    one = np.full((1, width), 0.5)
    hole, infinite, huge, edge = one.copy(), one.copy(), one.copy(), one.copy()
    hole[0, -1], infinite[0, 0], huge[0, -1], edge[0, 0] = np.nan, -np.inf, 3.4028235677973366e38, 3.4028235677973362e38
    takes_hole = not refuses(model, hole)
    if takes_hole:
        gaps = rows.copy()
        gaps[np.random.RandomState(5).rand(*rows.shape) < 0.3] = np.nan
        rows = np.concatenate([rows, gaps, np.full((1, width), np.nan)])
    if hasattr(model, "n_jobs"):
        model.n_jobs = None
    models.append(
        {
            "name": name,
            "estimator": type(model).__name__,
            "width": width,
            "trees": len(getattr(model, "estimators_", [0])),
            "nodes": int(sum(m.tree_.node_count for m in np.ravel(np.array(getattr(model, "estimators_", [model]), dtype=object)))),
            "rows": doubles(rows),
            "predictions": doubles(model.predict(rows)),
            "refuses": {
                "missing": not takes_hole,
                "infinite": refuses(model, infinite),
                "huge": refuses(model, huge),
                "edge": refuses(model, edge),
                "narrow": refuses(model, np.ones((1, width + 1))),
                "none": refuses(model, np.ones((0, width))),
            },
            "pickles": [base64.b64encode(pickle.dumps(model, protocol=p)).decode() for p in range(6)],
        }
    )
json.dump({"sklearn": sklearn.__version__, "numpy": np.__version__, "models": models}, sys.stdout)
