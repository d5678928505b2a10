# Models as people save them: every supported ensemble and wrapper, made by the scikit-learn that runs this, in every
# container, beside what it predicts from them. One JSON document on stdout; numbers travel as little-endian float64 in
# base64, files as base64. A model that has to be refused says so with a pattern that the refusal must match.
import base64, io, json, pickle, sys, warnings

import joblib
import numpy as np
import sklearn
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostRegressor, BaggingRegressor, ExtraTreesRegressor, GradientBoostingRegressor,
    HistGradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor, VotingRegressor,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor

warnings.simplefilter("ignore")
minor = tuple(map(int, sklearn.__version__.split(".")[:2]))
rng = np.random.RandomState(11)
X = rng.rand(80, 4) * [10, 64, 4, 100]
X[:, 0] = np.floor(X[:, 0])
y = X[:, 0] * 2 + np.sin(X[:, 1]) + rng.rand(80)
Y2 = np.column_stack([y, -y * X[:, 2]])
holes = np.where(rng.rand(*X.shape) < 0.15, np.nan, X)
RF, ET, GB, DT = RandomForestRegressor, ExtraTreesRegressor, GradientBoostingRegressor, DecisionTreeRegressor
HG = HistGradientBoostingRegressor


def votes(count, weights=None):
    trees = [(f"t{i}", DT(max_depth=3, random_state=i, max_features=2)) for i in range(count)]
    return VotingRegressor(trees, weights=weights)


def double(values):
    return np.asarray(values) * 2.0


fitted = lambda model, x=X, target=y: model.fit(x, target)
grid = lambda model, by: GridSearchCV(model, by, cv=2)
# kind: (model, rows it takes, pattern of its refusal or None)
cases = {
    "tree": (fitted(DT(max_depth=5, random_state=0)), X, None),
    "extra tree": (fitted(ExtraTreeRegressor(max_depth=5, random_state=0)), X, None),
    "forest": (fitted(RF(5, random_state=1)), X, None),
    "extra trees": (fitted(ET(5, random_state=1)), X, None),
    "boosting": (fitted(GB(n_estimators=6, random_state=1)), X, None),
    "boosting, Huber's loss": (fitted(GB(n_estimators=4, loss="huber", random_state=1)), X, None),
    "tree, two targets": (fitted(DT(max_depth=4, random_state=0), X, Y2), X, None),
    "extra tree, two targets": (fitted(ExtraTreeRegressor(max_depth=4, random_state=0), X, Y2), X, None),
    "forest, two targets": (fitted(RF(4, random_state=1, max_depth=5), X, Y2), X, None),
    "extra trees, two targets": (fitted(ET(4, random_state=1, max_depth=5), X, Y2), X, None),
    "forest, numpy settings": (fitted(RF(np.int32(3), max_depth=np.int64(4), warm_start=np.bool_(False), ccp_alpha=np.float32(0.01))), X, None),
    "boosting by float32": (fitted(GB(n_estimators=5, learning_rate=np.float32(0.1), max_depth=2)), X, None),
    "boosting from a tree": (fitted(GB(n_estimators=3, init=DT(max_depth=1))), X, "DecisionTreeRegressor"),
    "histogram boosting": (fitted(HG(max_iter=5, max_leaf_nodes=6, min_samples_leaf=5)), X, None),
    "histogram boosting, holes": (fitted(HG(max_iter=5, min_samples_leaf=5), holes), holes, None),
    "histogram boosting, absolute": (fitted(HG(max_iter=4, loss="absolute_error", min_samples_leaf=5)), X, None),
    "histogram boosting, poisson": (fitted(HG(max_iter=3, loss="poisson"), X, np.abs(y)), X, "log link"),
    "histogram boosting, categories": (fitted(HG(max_iter=3, categorical_features=[0])), X, "categor"),
    "AdaBoost": (fitted(AdaBoostRegressor(DT(max_depth=3), n_estimators=20, random_state=1)), X, None),
    "AdaBoost, exponential": (fitted(AdaBoostRegressor(n_estimators=6, loss="exponential", random_state=1)), X, None),
    "bag of trees": (fitted(BaggingRegressor(DT(max_depth=4), n_estimators=5, max_features=0.5, random_state=1)), X, None),
    "bag of forests, columns drawn again": (fitted(BaggingRegressor(RF(2, max_depth=3), n_estimators=3, bootstrap_features=True, oob_score=True, random_state=1)), X, None),
    "bag of trees, two targets": (fitted(BaggingRegressor(DT(max_depth=3), n_estimators=3, random_state=1), X, Y2), X, None),
    "vote": (fitted(VotingRegressor([("rf", RF(3, max_depth=3)), ("gb", GB(n_estimators=3)), ("dt", DT(max_depth=3))])), X, None),
    "vote by weights": (fitted(votes(3, [1, 2.5, np.float64(0.1)])), X, None),
    "vote without a dropped member": (fitted(VotingRegressor([("a", DT(max_depth=2)), ("b", "drop"), ("c", RF(2, max_depth=3))], weights=[1, 5, 3])), X, None),
    "vote of nine": (fitted(votes(9)), X, None),
    "vote of nineteen by weights": (fitted(votes(19, list(rng.rand(19)))), X, None),
    "vote of 150": (fitted(votes(150)), X, None),
    "vote with a linear model": (fitted(VotingRegressor([("a", DT(max_depth=2)), ("b", LinearRegression())])), X, "LinearRegression"),
    "pipeline, StandardScaler": (fitted(make_pipeline(StandardScaler(), RF(3, max_depth=4))), X, None),
    "pipeline, scaler without mean": (fitted(make_pipeline(StandardScaler(with_mean=False), DT(max_depth=4))), X, None),
    "pipeline, scaler without scale": (fitted(make_pipeline(StandardScaler(with_std=False), DT(max_depth=4))), X, None),
    "pipeline, MinMaxScaler": (fitted(make_pipeline(MinMaxScaler(clip=True), GB(n_estimators=4))), X, None),
    "pipeline, imputer by median": (fitted(make_pipeline(SimpleImputer(strategy="median"), RF(3, max_depth=4)), holes), holes, None),
    "pipeline, imputer by a constant": (fitted(make_pipeline(SimpleImputer(strategy="constant", fill_value=-1.5), ET(3, max_depth=4)), holes), holes, None),
    "pipeline, imputer that says what was missing": (fitted(make_pipeline(SimpleImputer(add_indicator=True), DT(max_depth=6)), holes), holes, None),
    "pipeline, imputer and scaler before a histogram": (fitted(make_pipeline(SimpleImputer(), StandardScaler(), HG(max_iter=4)), holes), holes, None),
    "pipeline, a step passed through": (fitted(Pipeline([("no", "passthrough"), ("m", DT(max_depth=4))])), X, None),
    "pipeline in a pipeline": (fitted(make_pipeline(make_pipeline(SimpleImputer(), MinMaxScaler()), DT(max_depth=4)), holes), holes, None),
    "pipeline, a function": (fitted(make_pipeline(FunctionTransformer(np.log1p), DT(max_depth=4))), X, "FunctionTransformer"),
    "target, scaled": (fitted(TransformedTargetRegressor(DT(max_depth=4), transformer=StandardScaler())), X, None),
    "target, through a logarithm": (fitted(TransformedTargetRegressor(DT(max_depth=4), func=np.log1p, inverse_func=np.expm1), X, np.abs(y)), X, "log1p|expm1|_umath"),
    "grid search": (fitted(grid(RF(3, random_state=1), {"max_depth": [2, 3]})), X, None),
    "grid search over a pipeline": (fitted(grid(make_pipeline(StandardScaler(), DT()), {"decisiontreeregressor__max_depth": [2, None]})), X, None),
    "randomized search": (fitted(RandomizedSearchCV(GB(n_estimators=3), {"max_depth": [2, 3], "subsample": [0.5, 1.0]}, n_iter=2, cv=2, random_state=0)), X, None),
    "halving search": (fitted(HalvingGridSearchCV(DT(), {"max_depth": [2, 3]}, cv=2, random_state=0)), X, None),
    "grid search in a pipeline": (fitted(make_pipeline(SimpleImputer(), grid(RF(2, random_state=1), {"max_depth": [2, 3]})), holes), holes, None),
    "grid search in a pipeline in a grid search": (fitted(grid(make_pipeline(StandardScaler(), grid(DT(), {"max_depth": [2, 3]})), {"standardscaler__with_mean": [True, False]})), X, None),
    "pipeline in a grid search in a pipeline": (fitted(make_pipeline(SimpleImputer(), grid(make_pipeline(StandardScaler(), DT()), {"decisiontreeregressor__max_depth": [2, 3]})), holes), holes, None),
    "grid search of grid searches": (fitted(grid(grid(DT(), {"max_depth": [2, 3]}), {"cv": [2, 3]})), X, None),
    "grid search in a vote, a bag, a boost": (fitted(VotingRegressor([("v", grid(DT(), {"max_depth": [2]})), ("b", BaggingRegressor(grid(DT(), {"max_depth": [2]}), n_estimators=2)), ("a", AdaBoostRegressor(grid(DT(), {"max_depth": [2]}), n_estimators=2))])), X, None),
    "target, scaled, of a grid search": (fitted(TransformedTargetRegressor(grid(DT(), {"max_depth": [2, 3]}), transformer=StandardScaler())), X, None),
    "search by a scorer of one's own": (fitted(GridSearchCV(DT(), {"max_depth": [2]}, cv=2, scoring="r2")), X, "best_estimator_"),
    "dict": ({"model": fitted(RF(3, max_depth=3)), "features": list("abcd"), "score": 0.5}, X, None),
    "dict with a scaler": ({"scaler": StandardScaler().fit(X), "model": fitted(RF(3, max_depth=3))}, X, None),
    "list": ([fitted(GB(n_estimators=3)), "0.1"], X, None),
    "tuple": ((fitted(DT(max_depth=3)), {"trained": True}), X, None),
    "two models": ([fitted(DT(max_depth=2)), fitted(DT(max_depth=3))], X, "several models"),
    "unfitted": (RF(3), X, "before fit"),
    "classifier": (RandomForestClassifier(2, max_depth=2).fit(X, y > 10), X, "lassifier"),
    "linear": (fitted(LinearRegression()), X, "LinearRegression"),
}
model_of = lambda value: value if hasattr(value, "predict") else next(
    part for part in (value.values() if isinstance(value, dict) else value) if hasattr(part, "predict"))
text = lambda array: base64.b64encode(np.ascontiguousarray(array, "<f8").tobytes()).decode()


def dumped(value, compress):
    buffer = io.BytesIO()
    joblib.dump(value, buffer, compress=compress)
    return buffer.getvalue()


def files(value):
    for protocol in (2, 3, 4, 5):
        yield f"pickle protocol {protocol}", pickle.dumps(value, protocol)
    yield "joblib", dumped(value, 0)
    yield "joblib, zlib", dumped(value, ("zlib", 3))
    yield "joblib, gzip", dumped(value, ("gzip", 3))


def rows_for(rows):
    """Rows of the training data and around them: float neighbours, rounding, subnormal and huge numbers."""
    picked = rows[rng.choice(len(rows), 12)]
    near = np.nextafter(picked[:4], np.inf)
    odd = np.tile([5e-324, -0.0, 1e30, -1e30], (1, 1)) * np.ones((1, rows.shape[1]))
    return np.vstack([picked, near, np.float64(np.float32(picked[4:8])), odd, np.zeros((1, rows.shape[1]))])


models = []
for kind, (value, rows, refused) in cases.items():
    rows = rows_for(rows)
    made = [{"container": container, "bytes": base64.b64encode(data).decode()} for container, data in files(value)]
    model = {"kind": kind, "refused": refused, "files": made, "holder": type(value).__name__}
    if refused is None:
        predictor = model_of(value)
        together = np.asarray(predictor.predict(rows), "f8")
        alone = np.vstack([np.asarray(predictor.predict(row[None]), "f8").reshape(1, -1) for row in rows])
        missing = rows[:1].copy()
        missing[0, 1] = np.nan
        huge = rows[:1].copy()
        huge[0, 2] = np.inf
        takes = {}
        for name, row in (("missing", missing), ("infinite", huge)):
            try:
                predictor.predict(row)
                takes[name] = True
            except ValueError:
                takes[name] = False
        model |= {
            "width": rows.shape[1], "outputs": 1 if together.ndim == 1 else together.shape[1], "rows": text(rows),
            "together": text(together), "alone": text(alone), "takes": takes,
        }
    models.append(model)
json.dump({"sklearn": sklearn.__version__, "numpy": np.__version__, "joblib": joblib.__version__, "models": models}, sys.stdout)
