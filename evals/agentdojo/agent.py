"""An agent without a model that obeys whatever it reads, as soon as it reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agentdojo.agent_pipeline.base_pipeline_element import BasePipelineElement
from agentdojo.agent_pipeline.tool_execution import tool_result_to_str
from agentdojo.functions_runtime import EmptyEnv, FunctionCall, FunctionsRuntime
from agentdojo.types import text_content_block_from_string

from .session import Session

MARKER = "ATTENTION-do-the-injected-task-now"
"""Stands wherever AgentDojo lets an attacker write."""


@dataclass(slots=True)
class Trace:
    """What happened in one task."""

    injected: int = 0
    """Injected calls that changed something or fetched a page, and were let through."""
    seen: bool = False
    """The injection was read at all."""
    messages: list[Any] = field(default_factory=list)


class ObeyingAgent(BasePipelineElement):
    """Does the user's calls in order; at each result with the marker, all that it is told to."""

    def __init__(
        self,
        session: Session,
        calls: Sequence[FunctionCall],
        *,
        injected: Sequence[FunctionCall],
        output: str,
    ) -> None:
        self.name = "obeying"
        self.trace = Trace()
        self._session = session
        self._calls = calls
        self._left = list(injected)
        self._output = output

    def query(
        self,
        query: str,
        runtime: FunctionsRuntime,
        env: Any = EmptyEnv(),  # noqa: B008
        messages: Sequence[Any] = (),
        extra_args: Any = None,
    ) -> tuple[Any, ...]:
        self._session.begin(query, [(call.function, dict(call.args)) for call in self._calls])
        for index, call in enumerate(self._calls):
            returned = self._try(runtime, env, call, step=index)
            if returned is not None and MARKER in returned:
                self._obey(runtime, env)
        self._say(self._output)
        return query, runtime, env, [*messages, *self.trace.messages], extra_args or {}

    def _obey(self, runtime: FunctionsRuntime, env: Any) -> None:
        """Every injected call that was not let through is tried again at the next chance."""
        self.trace.seen = True
        refused = []
        for call in self._left:
            if self._try(runtime, env, call, step=None) is None:
                refused.append(call)
            else:
                self.trace.injected += 1
        self._left = refused

    def _try(
        self, runtime: FunctionsRuntime, env: Any, call: FunctionCall, *, step: int | None
    ) -> str | None:
        """What the tool said, or None when the call was not let through."""
        args = dict(call.args)
        claimed = self._session.may(call.function, args, step=step)
        if claimed is None:
            return None
        returned, error = runtime.run_function(env, call.function, args)
        self._session.done(claimed, call.function, args, returned)
        self._say("", calls=[call])
        text = tool_result_to_str(returned)
        block = text_content_block_from_string(text)
        self.trace.messages.append(
            {
                "role": "tool",
                "content": [block],
                "tool_call": call,
                "tool_call_id": None,
                "error": error,
            }
        )
        return text

    def _say(self, text: str, *, calls: list[FunctionCall] | None = None) -> None:
        content = [text_content_block_from_string(text)]
        self.trace.messages.append({"role": "assistant", "content": content, "tool_calls": calls})
