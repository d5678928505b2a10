"""Asks the guards of a running `guardrails serve`. Standard library only.

Every call returns what was granted or raises: `Refused` when a guard said no, `Unreachable` when nobody can be asked. Neither
is a reason to go on without an answer.
"""

from __future__ import annotations

import json
import socket
import threading
from typing import Any, Mapping, Sequence

MAX_LINE_BYTES = 1_048_576


class Refused(Exception):
    """A guard refused. `codes` tells why, the headline first; `remedy` what to do next; `evidence` names the record."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        super().__init__(f"{', '.join(answer['codes'])}: {answer['reason']}. {answer['remedy']}")
        self.codes: tuple[str, ...] = tuple(answer["codes"])
        self.reason: str = answer["reason"]
        self.remedy: str = answer["remedy"]
        self.evidence: str | None = answer["evidence"]


class Unreachable(Exception):
    """No server answers on the socket, or its answer cannot be read: nothing was granted."""


class Guardrails:
    """One connection to the guards. May be shared by threads; calls wait for each other."""

    def __init__(self, path: str, timeout: float = 60.0) -> None:
        self._path = path
        self._timeout = timeout
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._rest = b""
        self._next_id = 0

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""

    def __enter__(self) -> Guardrails:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def ask(self, guard: str, request: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Returns the whole answer to a request that was allowed. A server that was restarted is asked once more."""
        with self._lock:
            self._next_id += 1
            asked = {"id": self._next_id, "guard": guard, "request": request, **more}
            line = json.dumps(asked, allow_nan=False).encode() + b"\n"
            if len(line) > MAX_LINE_BYTES:  # the server would hang up while it is sent, which looks like its death
                remedy = "Ask in less, for example with fewer rows."
                reason = f"the request is over {MAX_LINE_BYTES} bytes"
                raise Refused({"codes": ["serve.too-long"], "reason": reason, "remedy": remedy, "evidence": None})
            try:
                answer = self._exchange(line)
            except (OSError, ValueError):
                self.close()
                try:
                    answer = self._exchange(line)
                except (OSError, ValueError) as error:
                    self.close()
                    raise Unreachable(f"no answer on {self._path}: {error}") from error
        if answer.get("decision") != "allow" or answer.get("grant") is None:
            raise Refused(answer)
        return answer

    def _exchange(self, line: bytes) -> dict[str, Any]:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(self._timeout)
            self._socket.connect(self._path)
        self._socket.sendall(line)
        while b"\n" not in self._rest:
            chunk = self._socket.recv(65_536)
            if not chunk or len(self._rest) > MAX_LINE_BYTES:
                raise ConnectionError("the connection ended before the answer")
            self._rest += chunk
        text, _, self._rest = self._rest.partition(b"\n")
        answer = json.loads(text)
        if not isinstance(answer, dict) or answer.get("id") not in (self._next_id, None):
            raise ValueError("the answer is to another request")
        return answer

    def worker_command(self, **request: Any) -> str:
        """The shell script that starts a Dask worker: `tool`, `worker`, `scheduler`, `host`, `pidFile`."""
        return str(self.ask("remote-command", {**request, "recipe": "dask-worker"})["grant"]["script"])

    def scheduler_command(self, **request: Any) -> str:
        """The shell script that starts a Dask scheduler: `tool`, `project`, `host`, `port`, `pidFile`."""
        return str(self.ask("remote-command", {**request, "recipe": "dask-scheduler"})["grant"]["script"])

    def predict_capacity(self, root: str, model: str, rows: Sequence[Sequence[float]]) -> list[Any]:
        """What a verified capacity model predicts, one value or list for each row; no pickle is loaded in this process."""
        return list(self.ask("capacity-model", {"root": root, "model": model}, predict=rows)["predictions"])

    def bind(self, sources: Mapping[str, str | None], port: int) -> tuple[str, int]:
        """The literal address to listen on, when every setting means loopback."""
        listed = [{"from": name, "value": value} for name, value in sources.items()]
        grant = self.ask("bind", {"sources": listed, "port": port})["grant"]
        return str(grant["host"]), int(grant["port"])

    def manifest(self, root: str, manifest: str = "run_manifest.json", **more: Any) -> dict[str, Any]:
        """A run that is as it was sealed: its manifest, and the digest of each of its files."""
        return dict(self.ask("run-manifest", {"root": root, "manifest": manifest, **more})["grant"])
