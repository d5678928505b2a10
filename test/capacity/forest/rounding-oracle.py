# The oracle for AGILAB's relative capacity: numpy's own round() of a ratio of predictions, as the manager computes it.
# One JSON document on stdout; numbers travel as little-endian float64 in base64.
import base64, json, random, sys

import numpy as np

random.seed(3)
ties = [k / 20 for k in range(20, 4000)] + [k / 20 + d for k in range(20, 400) for d in (-1e-15, 1e-15, 4e-16)]
drawn = [random.random() * random.choice([2, 20, 2000, 1e15, 1e17, 1e300]) for _ in range(20000)]
values = [np.float64(v) for v in ties + drawn]
labels = {f"10.0.0.{i}:{i}": np.float64(random.random() * 3 + 0.2) for i in range(200)}
least = min(labels.values())
relative = {k: round(v / least, 1) for k, v in labels.items()}
ordered = dict(sorted(relative.items(), key=lambda item: item[1], reverse=True))


def doubles(numbers):
    return base64.b64encode(np.array(numbers, dtype="<f8").tobytes()).decode()


json.dump(
    {
        "values": doubles(values),
        "rounded": doubles([round(v, 1) for v in values]),
        "workers": list(labels),
        "labels": doubles(list(labels.values())),
        "ordered": list(ordered),
        "capacities": doubles(list(ordered.values())),
    },
    sys.stdout,
)
