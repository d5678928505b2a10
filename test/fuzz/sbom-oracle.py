# Judges SBOMs by CycloneDX's own schemas, as python3-jsonschema reads them. Each line is a JSON string that holds a document; the
# answer is null where the schema refuses it, else what each component is: type, name, version and SHA-512, or null.
import json
import os
import re
import sys
from urllib.parse import unquote, urlsplit

import jsonschema

SCHEMAS = os.environ["SCHEMAS"]


def load(name):
    with open(os.path.join(SCHEMAS, f"{name}.SNAPSHOT.schema.json"), encoding="utf-8") as file:
        return json.load(file)


BASE = "http://cyclonedx.org/schema/"  # of all their ids; nothing is fetched
STORE = {f"{BASE}{name}.SNAPSHOT.schema.json": load(name) for name in ("spdx", "jsf-0.82", "cryptography-defs")}
VALIDATORS = {}


def validator(version):
    if version not in VALIDATORS:
        schema = load(f"bom-{version}")
        resolver = jsonschema.RefResolver.from_schema(schema, store=STORE)
        VALIDATORS[version] = jsonschema.Draft7Validator(schema, resolver=resolver)
    return VALIDATORS[version]


def package(component):
    """The parts of a package URL (purl-spec), and the first SHA-512."""
    url = urlsplit(component.get("purl", ""))
    kind, _, rest = url.path.partition("/")
    path, _, version = rest.rpartition("@")
    if url.scheme != "pkg" or kind not in ("npm", "pypi") or not path or not version or component.get("components"):
        return None
    name = unquote(path, errors="strict")
    if kind == "pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()  # PEP 503
    hashes = [entry["content"].lower() for entry in component.get("hashes", []) if entry["alg"] == "SHA-512"]
    return [kind, name, unquote(version, errors="strict"), hashes[0] if hashes else None]


def judged(document):
    version = document.get("specVersion") if isinstance(document, dict) else None
    if version not in ("1.4", "1.5", "1.6", "1.7") or not validator(version).is_valid(document):
        return None
    try:
        return [package(component) for component in document.get("components", [])]
    except ValueError:
        return [None]


for line in sys.stdin:
    print(json.dumps(judged(json.loads(json.loads(line)))), flush=True)
