# The oracle for the pickle machine: CPython writes random plain data in every protocol, with its C pickler, its Python
# pickler and pickletools.optimize, and says what each stream stands for. One JSON document on stdout.
import base64, json, pickle, pickletools, random, struct, sys
from io import BytesIO

random.seed(20)
WORDS = ["", "a", "criterion", "caf\u00e9", "\u7f51\u7edc", "\U0001f600", "a\\b\nc\r\0\x1a", "x" * 255, "y" * 256, "\ufeff", "\u2028"]
SHARED = ("shared", 1.5)


def number():
    return random.choice(
        [
            lambda: random.randint(-5, 300),
            lambda: random.choice([-1, 1]) * random.getrandbits(random.choice([8, 16, 31, 32, 33, 53, 64, 200])),
            lambda: struct.unpack("<d", struct.pack("<Q", random.getrandbits(64)))[0],
            lambda: random.choice([0.0, -0.0, 0.1, 1e-7, 1e16, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf"), float("nan")]),
            lambda: random.random(),
        ]
    )()


def value(depth):
    kind = random.choice(["number", "number", "word", "word", "plain", "bytes"] + ["tuple", "list", "dict", "shared"] * (depth > 0))
    if kind == "number":
        return number()
    if kind == "word":
        return random.choice(WORDS)
    if kind == "plain":
        return random.choice([None, True, False])
    if kind == "bytes":
        return bytes(random.getrandbits(8) for _ in range(random.choice([1, 2, 255, 256, 300])))
    if kind == "shared":
        return SHARED
    inside = [value(depth - 1) for _ in range(random.choice([0, 1, 2, 3, 4, 9]))]
    if kind == "tuple":
        return tuple(inside)
    if kind == "list":
        return inside
    return {random.choice(WORDS) + str(i): item for i, item in enumerate(inside)}


def describe(v):
    if isinstance(v, bool) or v is None:
        return v
    if isinstance(v, int):
        return ["integer", str(v)]
    if isinstance(v, float):
        return ["float", "nan" if v != v else struct.pack(">d", v).hex()]
    if isinstance(v, str):
        return ["text", v]
    if isinstance(v, (bytes, bytearray)):
        return [type(v).__name__, v.hex()]
    if isinstance(v, dict):
        return ["dict", [describe(x) for pair in v.items() for x in pair]]
    return [type(v).__name__, [describe(x) for x in v]]


def by_python(v, protocol):
    out = BytesIO()
    pickle._Pickler(out, protocol).dump(v)
    return out.getvalue()


values = [value(4) for _ in range(150)]
values += [list(range(2500)), {str(i): i for i in range(2500)}, tuple(range(300)), [0.1 * i for i in range(1001)], "z" * 70000, b"q" * 70000]
values += [[bytearray(b"\0" * 9), bytearray(b"w" * 70000)]]
cases = []
for v in values:
    for protocol in range(6):
        if protocol < 5 and isinstance(v, list) and v and isinstance(v[0], bytearray):
            continue
        made = pickle.dumps(v, protocol)
        streams = {made, by_python(v, protocol)} | ({pickletools.optimize(made)} if len(made) < 20000 else set())
        cases += [[base64.b64encode(s).decode(), describe(v)] for s in streams]
json.dump(cases, sys.stdout)
