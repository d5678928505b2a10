"""Asks the guards of a running `guardrails serve`. Standard library only.

Every call returns what was granted or raises: `Refused` when a guard said no, `Unreachable` when nobody can be asked. Neither
is a reason to go on without an answer.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import threading
import time
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


def _refused(code: str, reason: str, remedy: str) -> Refused:
    """What this client itself refuses to send."""
    return Refused({"codes": [code], "reason": reason, "remedy": remedy, "evidence": None})


def _line_of(asked: Mapping[str, Any]) -> bytes:
    try:
        line = json.dumps(asked, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:  # bytes, paths and sets; NaN; what contains itself
        remedy = "Ask in text, finite numbers, True, False, None, lists, and dictionaries with text as keys."
        raise _refused("serve.malformed", "the request cannot be written as JSON", remedy) from error
    if len(line) > MAX_LINE_BYTES:  # the server would hang up while it is sent, which looks like its death
        reason = f"the request is over {MAX_LINE_BYTES} bytes"
        raise _refused("serve.too-long", reason, "Ask in less, for example with fewer rows.")
    return line


def _answer_of(line: bytes, asked: int) -> dict[str, Any]:
    """What a line says. Only a line that could not be read as a request is answered without its id."""
    try:
        answer = json.loads(line)
        texts = [answer[name] for name in ("decision", "reason", "remedy")] + [answer["evidence"] or "", *answer["codes"]]
        is_mine = answer["id"] == asked or (answer["id"] is None and answer["decision"] == "error")
    except (LookupError, TypeError, RecursionError) as error:
        raise ValueError("the answer cannot be read") from error
    if not is_mine or not all(isinstance(text, str) for text in texts):
        raise ValueError("it is no answer to this request")
    return dict(answer)


class Unreachable(Exception):
    """No server answers on the socket, somebody else's does, or its answer cannot be read: nothing was granted."""


def _distrust(path: str, owners: "set[int]") -> str | None:
    """Why others could have put a socket of theirs at a path: the way to it is not closed to them, or leads through a link."""
    place, closed = os.path.dirname(os.path.abspath(path)), False
    while True:
        seen = os.lstat(place)
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid not in owners:
            return f"{place} is a link or no directory, or somebody else owns it"
        if seen.st_mode & 0o022 and not seen.st_mode & stat.S_ISVTX:
            return f"others can write to {place}"
        closed = closed or seen.st_mode & 0o077 == 0
        if place == "/":
            return None if closed else "no directory on the way is closed to others"
        place = os.path.dirname(place)


def _peer_uid(connected: socket.socket) -> int:
    """Who listens on the other end, as the kernel says (Linux)."""
    size = struct.calcsize("3i")
    return int(struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1])


class Guardrails:
    """One connection to the guards. May be shared by threads; calls wait for each other.

    Nothing is sent before directory and socket are seen to be this user's, root's, or `owner`'s (a uid), and nobody else's.
    """

    def __init__(self, path: str | os.PathLike[str], timeout: float = 60.0, owner: int | None = None) -> None:
        self._path = os.fspath(path)
        self._timeout = timeout
        self._owners = {0, os.geteuid()} | ({owner} if owner is not None else set())
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
            line = _line_of({**more, "id": self._next_id, "guard": guard, "request": request})
            for attempt in (1, 2):
                try:
                    answer = self._exchange(line)
                    break
                except (OSError, ValueError) as error:
                    self.close()
                    if attempt == 2 or isinstance(error, socket.timeout):
                        raise Unreachable(f"no answer on {self._path}: {error}") from error
        if answer["decision"] != "allow" or answer.get("grant") is None:
            raise Refused(answer)
        return answer

    def _exchange(self, line: bytes) -> dict[str, Any]:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.settimeout(self._timeout)
            why = _distrust(self._path, self._owners)
            if why is None:
                self._socket.connect(self._path)
                if _peer_uid(self._socket) not in self._owners:
                    why = "another user listens there"
            if why is not None:
                self.close()
                raise Unreachable(f"{self._path} is not to be believed: {why}")
        until = time.monotonic() + self._timeout
        self._socket.settimeout(self._timeout)
        self._socket.sendall(line)
        while b"\n" not in self._rest:
            self._socket.settimeout(max(until - time.monotonic(), 0.001))  # one that sends byte by byte has no more time
            chunk = self._socket.recv(65_536)
            if not chunk or len(self._rest) > MAX_LINE_BYTES:
                raise ConnectionError("the connection ended before the answer")
            self._rest += chunk
        text, _, self._rest = self._rest.partition(b"\n")
        return _answer_of(text, self._next_id)

    def worker_command(self, **request: Any) -> str:
        """The shell script that starts a Dask worker: `tool`, `worker`, `scheduler`, `host`, `pidFile`."""
        return str(self.ask("remote-command", {**request, "recipe": "dask-worker"})["grant"]["script"])

    def scheduler_command(self, **request: Any) -> str:
        """The shell script that starts a Dask scheduler: `tool`, `project`, `host`, `port`, `pidFile`."""
        return str(self.ask("remote-command", {**request, "recipe": "dask-scheduler"})["grant"]["script"])

    def predict_capacity(self, root: str, model: str, rows: Sequence[Sequence[float]]) -> list[Any]:
        """What a verified capacity model predicts, one value or list for each row; no pickle is loaded in this process."""
        return list(self.ask("capacity-model", {"root": root, "model": model}, predict=rows)["predictions"])

    def bind(self, sources: Mapping[str, str | None], port: int, **more: Any) -> tuple[str, int]:
        """The literal address to listen on, when every setting means loopback. Of a `program` that is known, one may be unset."""
        listed = [{"from": name, "value": value} for name, value in sources.items()]
        grant = self.ask("bind", {"sources": listed, "port": port, **more})["grant"]
        return str(grant["host"]), int(grant["port"])

    def manifest(self, root: str, manifest: str = "run_manifest.json", **more: Any) -> dict[str, Any]:
        """A run that is as it was sealed: its manifest, and the digest of each of its files."""
        return dict(self.ask("run-manifest", {"root": root, "manifest": manifest, **more})["grant"])
