# What python-dotenv makes of an environment file: one JSON text a line, answered by its names and values.
import io
import json
import logging
import os
import sys

from dotenv import dotenv_values

logging.disable()
os.environ.clear()
for line in sys.stdin:
    text = json.loads(line)
    print(json.dumps(dotenv_values(stream=io.StringIO(text, newline=None))), flush=True)
