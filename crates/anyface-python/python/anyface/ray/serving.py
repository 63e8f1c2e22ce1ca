"""The image service on Ray Serve.

A replica is the program ``anyface serve`` itself, as a child process. So routes, errors and headers
are those of the server. A front receives the requests of callers and gives each to a replica. If
the replica dies, the front gives the request to another one: the same request gives the same faces.
"""

import os
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import ray.exceptions
from ray import serve
from ray.serve.exceptions import DeploymentUnavailableError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

#: Replicas that a request is given to, one after the other, until one answers.
ATTEMPTS = 3

#: Requests that a replica takes up at a time. The queue of its server is shorter, so the server
#: decides when it is too busy.
ONGOING = 128

#: Name of a file that a server keeps in memory for an hour, in a path or a body.
KEPT = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}\.(?:png|jpg|webp|latent)")

#: Headers that belong to one connection, and those that the next server sets itself.
OWN_HEADERS = {"connection", "content-length", "keep-alive", "transfer-encoding", "x-request-id"}

#: Headers that the client library adds if the caller sent none.
ADDED_HEADERS = ("accept", "accept-encoding", "content-type", "user-agent")


class ServerDied(Exception):
    """The server of a replica closed its connection before it had answered."""


#: What a request fails with if its replica, or the replica's server, dies.
DEATHS = (ray.exceptions.RayActorError, ServerDied)


@dataclass(frozen=True)
class Asked:
    """A request of a caller."""

    method: str
    #: Path and query.
    target: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Head:
    """Status and headers of an answer."""

    status: int
    headers: list[tuple[str, str]]


def serve_app(
    model: str | os.PathLike[str] = "portraits",
    *,
    num_replicas: int = 1,
    options: Sequence[str] = (),
) -> serve.Application:
    """The image service as an application of Ray Serve, for ``ray.serve.run``.

    Each replica is a server with one core. `model` is a bundle: a name, or a folder that every node
    sees at the same path. `options` are further options of ``anyface serve``, such as
    ``["--keys", "/etc/anyface/keys"]``.
    """
    name = str(Path(model).absolute()) if Path(model).is_dir() else str(model)
    servers = serve.deployment(
        num_replicas=num_replicas,
        ray_actor_options={"num_cpus": 1},
        max_ongoing_requests=ONGOING,
        health_check_period_s=2,
        health_check_timeout_s=30,
        graceful_shutdown_timeout_s=40,
    )(Server)
    fronts = serve.deployment(
        num_replicas=2,
        ray_actor_options={"num_cpus": 0},
        max_ongoing_requests=1000,
    )(Front)
    return fronts.bind(servers.bind(name, list(options)))


class Server:
    """A replica: one server as a child process."""

    def __init__(self, model: str, options: list[str]) -> None:
        command = [sys.executable, "-m", "anyface.attached", "serve", "--bind", "127.0.0.1:0"]
        self.process = subprocess.Popen(
            [*command, "--threads", "1", "--model", model, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        greeting = self.process.stdout.readline()
        found = re.search(r"http://[\d.:]+", greeting)
        if not found:
            raise RuntimeError(f"anyface serve did not start with {model} and {options}")
        self.address = found.group()
        threading.Thread(target=self._end_with_server, daemon=True).start()

    def _end_with_server(self) -> None:
        # Serve then starts another replica.
        self.process.wait()
        os._exit(1)

    async def check_health(self) -> None:
        """Raises an error if the server does not answer."""
        async for _ in self.answer(Asked("GET", "/health", [], b"")):
            pass

    async def answer(self, asked: Asked) -> AsyncIterator[Head | bytes]:
        """The head of the server's answer, then its body in parts as they arrive.

        Raises ServerDied if the server ends before it has answered.
        """
        # The server limits the time itself. Every request has a connection of its own, because the
        # server may close an idle connection at any time.
        unlimited = aiohttp.ClientTimeout(total=None)
        try:
            async with (
                aiohttp.ClientSession(timeout=unlimited, auto_decompress=False) as session,
                session.request(
                    asked.method,
                    self.address + asked.target,
                    headers=asked.headers,
                    # None adds no header of a body.
                    data=asked.body or None,
                    skip_auto_headers=ADDED_HEADERS,
                    allow_redirects=False,
                ) as answer,
            ):
                yield Head(answer.status, _passed_on(answer.headers.items()))
                async for part in answer.content.iter_any():
                    yield part
        except aiohttp.ClientError as error:
            raise ServerDied(str(error)) from None

    async def answer_if_kept(self, names: list[str], asked: Asked) -> list[Head | bytes] | None:
        """The parts of the answer if the server keeps one of these files."""
        for name in names:
            head = await anext(self.answer(Asked("HEAD", f"/files/{name}", [], b"")))
            if isinstance(head, Head) and head.status == 200:
                return [part async for part in self.answer(asked)]
        return None


class Front:
    """Gives requests to replicas until one of them answers."""

    def __init__(self, servers: Any) -> None:
        self.servers = servers

    async def __call__(self, request: Request) -> Response:
        asked = Asked(
            request.method,
            request.url.path.removeprefix(request.scope["root_path"])
            + (f"?{request.url.query}" if request.url.query else ""),
            _passed_on(request.headers.items()),
            await request.body(),
        )
        names = KEPT.findall(asked.target.encode() + b"\n" + asked.body)
        if names and (kept := await self.ask_keeper(names, asked)):
            return kept
        for _ in range(ATTEMPTS):
            try:
                return await self.ask_any(asked)
            except DEATHS:
                continue
        message = f"{ATTEMPTS} servers ended while they answered this request"
        error = {"message": message, "type": "server_error", "param": None, "code": None}
        return JSONResponse({"error": error}, 503, {"retry-after": "1"})

    async def ask_any(self, asked: Asked) -> Response:
        """The answer of a replica that Serve chooses.

        Raises one of DEATHS if the replica dies before it has answered.
        """
        parts = self.servers.options(stream=True).answer.remote(asked)
        head = await anext(parts)
        if ("content-type", "text/event-stream") in head.headers:
            return _with_headers(StreamingResponse(parts, head.status), head)
        body = b"".join([part async for part in parts])
        return _with_headers(Response(body, head.status), head)

    async def ask_keeper(self, names: list[bytes], asked: Asked) -> Response | None:
        """The answer of the replica that keeps one of these files, if there is one."""
        texts = [name.decode() for name in names]
        asking = self.servers.broadcast("answer_if_kept", texts, asked)
        try:
            answers = await asking.results_async(return_exceptions=True)
        except DeploymentUnavailableError:
            return None
        for parts in answers:
            if isinstance(parts, list):
                head, *body = parts
                return _with_headers(Response(b"".join(body), head.status), head)
        return None


def _passed_on(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    named = [(name.lower(), value) for name, value in headers]
    return [(name, value) for name, value in named if name not in OWN_HEADERS]


def _with_headers(response: Response, head: Head) -> Response:
    for name, value in head.headers:
        response.headers.append(name, value)
    return response
