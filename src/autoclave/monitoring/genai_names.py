"""Names of OpenTelemetry's conventions for generative AI, pinned here and nowhere else.

They are as of semantic conventions 1.44 (opentelemetry-semantic-conventions 0.66b2). All of them
are still "development" there, so they change when this page does.
"""

from __future__ import annotations

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"

OPERATION = "gen_ai.operation.name"
CHAT, EXECUTE_TOOL, INVOKE_AGENT = "chat", "execute_tool", "invoke_agent"

PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
"""Those from the cache included."""
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
AGENT_NAME = "gen_ai.agent.name"
AGENT_VERSION = "gen_ai.agent.version"
CONVERSATION = "gen_ai.conversation.id"
TOOL_NAME = "gen_ai.tool.name"
TOOL_TYPE = "gen_ai.tool.type"
TOOL_CALL = "gen_ai.tool.call.id"
EVALUATION_NAME = "gen_ai.evaluation.name"
EVALUATION_LABEL = "gen_ai.evaluation.score.label"
ERROR_TYPE = "error.type"

# Ours, where the conventions have no word.
GOAL = "autoclave.goal.id"
PROPOSAL = "autoclave.proposal.id"
STEP_KEY = "autoclave.step.key"
STEP_KIND = "autoclave.step.kind"
STEP_NAME = "autoclave.step.name"
PURPOSE = "autoclave.model.purpose"
COST = "autoclave.model.cost_usd"
END = "autoclave.goal.end"
SANDBOX_TIER = "autoclave.sandbox.tier"
