"""How the Messages API shapes an error."""

from __future__ import annotations

from typing import Any

from tests.servers.model_calls import Refusal

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_body(refusal: Refusal, request_id: str | None) -> dict[str, Any]:
    error: dict[str, Any] = {
        "type": refusal.type or type_of(refusal.status),
        "message": refusal.message,
    }
    if refusal.error_code is not None:
        error["details"] = {"error_code": refusal.error_code}
    return {"type": "error", "error": error, "request_id": request_id}


def type_of(status: int) -> str:
    if status in _TYPES:
        return _TYPES[status]
    return "invalid_request_error" if status < 500 else "api_error"
