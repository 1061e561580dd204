"""The API is what its description says, whatever is asked of it (schemathesis on OpenAPI).

A stream is on air and watched, and half of the questions are about it: a name out of hypothesis'
hat is never on air, and an answer of 404 shows little of what is behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error

from tests.support.events import wait_until
from tests.support.gamecast import GamecastServer, command
from tests.support.process import Process

PATHS = ["/api/v1/streams", "/api/v1/streams/{name}", "/api/v1/streams/{name}/viewers"]
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


Answers = dict[tuple[str, str], set[int]]
"""Statuses by method and path."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    """A server that is its own world."""
    with GamecastServer(tmp_path_factory.mktemp("openapi")) as running:
        yield running


@pytest.fixture
def on_air(server: GamecastServer) -> Iterator[str]:
    """``main``, by WHIP (which has the most to tell), with a viewer."""
    url, key = f"{server.http}/live/main", {"GAMECAST_BENCH_KEY": server.key}
    options = ("--bitrate", "1", "--fps", "30", "--keyframe-interval", "1")
    publish = command("bench", "publish", f"{url}/whip", *options)
    watch = command("bench", "watch", f"{url}/whep", "--duration", "600")
    with Process(publish, log=server.folder / "publish.log", env=key) as publisher:
        publisher.wait_for_output("1 publishing", timeout=30)
        server.wait_on_air("main")
        with Process(watch, log=server.folder / "watch.log") as viewer:
            wait_until(
                lambda: (server.stream("main") or {})["viewers"]["total"], "a viewer", within=30
            )
            yield "main"
            assert viewer.running, viewer.output


def test_every_answer_is_one_that_is_described(server: GamecastServer, on_air: str) -> None:
    schema = schemathesis.openapi.from_url(f"{server.http}/openapi.json")
    token = server.run("token", "create", "--label", "admin")
    answers: Answers = defaultdict(set)
    found: Any = schema.get_all_operations()
    operations: list[Any] = [result.ok() for result in found]
    operations.sort(key=lambda each: each.method.upper() == "DELETE")  # ends what the others need
    for operation in operations:
        ask_all(operation, token, on_air, answers)
    assert {path for _, path in answers} >= set(PATHS)
    for (method, path), statuses in answers.items():
        assert statuses & {200, 204}, (method, path, statuses)
    assert "Traceback" not in server.log


def ask_all(operation: Any, token: str, name: str, answers: Answers) -> None:
    """Ask in many ways, as a stranger and as an administrator."""
    described = set(operation.definition.raw["responses"])
    statuses = answers[operation.method.upper(), operation.path]

    @QUICK
    @given(case=operation.as_strategy(), known=st.booleans())
    def ask(case: Any, known: bool) -> None:
        if known and "name" in (case.path_parameters or {}):
            case.path_parameters["name"] = name
        for headers in ({}, {"authorization": f"Bearer {token}"}):
            answer = case.call(headers=headers, timeout=15)
            case.validate_response(answer, checks=[not_a_server_error])
            assert str(answer.status_code) in described, (case.path, answer.status_code)
            statuses.add(answer.status_code)

    ask()


def test_methods_that_are_not_described_are_405(server: GamecastServer) -> None:
    with httpx.Client(base_url=server.http) as client:
        described = client.get("/openapi.json").json()["paths"]
        for path, operations in described.items():
            for method in {"get", "put", "post", "patch", "delete"} - set(operations):
                answer = client.request(method, path.replace("{name}", "main"), content=b"{")
                assert answer.status_code == 405, (method, path, answer.status_code)
                assert answer.headers["content-type"] == "application/problem+json"
