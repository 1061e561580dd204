"""The API is what its description says, whatever is asked of it (schemathesis on OpenAPI)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error

from tests.support.gamecast import GamecastServer

PATHS = ["/api/v1/streams", "/api/v1/streams/{name}", "/api/v1/streams/{name}/viewers"]
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GamecastServer]:
    """A server with nothing on air."""
    with GamecastServer(tmp_path_factory.mktemp("openapi")) as running:
        yield running


def test_every_answer_is_one_that_is_described(server: GamecastServer) -> None:
    schema = schemathesis.openapi.from_url(f"{server.http}/openapi.json")
    token = server.run("token", "create", "--label", "admin")
    tried: set[tuple[str, str]] = set()
    operations: Any = schema.get_all_operations()
    for result in operations:
        operation = result.ok()

        ask_all(operation, token)
        tried.add((operation.method.upper(), operation.path))
    assert {path for _, path in tried} >= set(PATHS)
    assert "Traceback" not in server.log


def ask_all(operation: Any, token: str) -> None:
    """Ask in many ways, as a stranger and as an administrator."""
    described = set(operation.definition.raw["responses"])

    @QUICK
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        for headers in ({}, {"authorization": f"Bearer {token}"}):
            answer = case.call(headers=headers, timeout=15)
            case.validate_response(answer, checks=[not_a_server_error])
            assert str(answer.status_code) in described, (case.path, answer.status_code)

    ask()


def test_methods_that_are_not_described_are_405(server: GamecastServer) -> None:
    with httpx.Client(base_url=server.http) as client:
        described = client.get("/openapi.json").json()["paths"]
        for path, operations in described.items():
            for method in {"get", "put", "post", "patch", "delete"} - set(operations):
                answer = client.request(method, path.replace("{name}", "main"), content=b"{")
                assert answer.status_code == 405, (method, path, answer.status_code)
                assert answer.headers["content-type"] == "application/problem+json"
