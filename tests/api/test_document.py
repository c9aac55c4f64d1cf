"""The OpenAPI document tells the truth: whatever is made from it is answered as it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import positive_data_acceptance, use_after_free
from schemathesis.core.result import Ok

from autoclave.api.rest import rest_app
from autoclave.service.home import Home
from autoclave.service.tokens import Role

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

EXAMPLES = 12


@pytest.fixture(scope="module")
def server(beside: Callable[..., Any], waiting_root: Home) -> Iterator[Any]:
    with beside(waiting_root) as (place, call):
        yield place, call


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_operation_does_as_the_document_says(mode: GenerationMode, server: Any) -> None:
    """Good and bad requests of every kind: documented answers of the documented form, no bug."""
    place, call = server
    schema = schemathesis.openapi.from_dict(call(place.get("/api/v1/openapi.json")).json())
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    for operation in operations:
        _try(operation, place, mode)

    assert len(operations) > 35


def _try(operation: Any, place: Any, mode: GenerationMode) -> None:
    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    def ask(case: Any) -> None:
        case.call_and_validate(
            base_url=place.url,
            headers={"Authorization": f"Bearer {place.token(Role.APPROVER)}"},
            # A goal that is not there is a good request, and a key that was used is no free one.
            excluded_checks=[positive_data_acceptance, use_after_free],
        )

    try:
        ask()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, operation.label  # nothing there can be wrong


def test_every_operation_is_described() -> None:
    """In a sentence, with what it takes and what it gives."""
    document = rest_app(None).openapi()  # type: ignore[arg-type]
    for path, methods in document["paths"].items():
        for method, each in methods.items():
            assert each["summary"], path
            assert each["description"], (path, method)
            assert each["security"] == [{"token": []}], path
            assert "default" in each["responses"], path
            good = [code for code in each["responses"] if code.startswith("2")]
            assert len(good) == 1, path
            assert each["responses"][good[0]]["content"], path
