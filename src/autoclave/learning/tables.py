"""The tables of what was learnt; they live in the journal's database and follow from its events.

`experiences` and `patterns` have the columns of the specification plus ours. The other tables are
`learning_…`. Everything can be rebuilt, so nothing here is the truth.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()


def _payload(name: str) -> Column[object]:
    return Column(name, JSON(none_as_null=True))


experiences = Table(
    "experiences",
    metadata,
    Column("id", String, primary_key=True),
    Column("goal", Text, nullable=False),
    _payload("context"),
    _payload("actions"),
    _payload("outcome"),
    Column("success", String, nullable=False),
    Column("timestamp", Float, nullable=False),
    Column("event_id", BigInteger, nullable=False, unique=True),
    Column("goal_id", String, nullable=False, index=True),
    Column("verified_by", String, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("origin", String, nullable=False),
    Column("family_id", BigInteger, nullable=False),
    Column("words", Text, nullable=False),
    Column("plan_signature", String, nullable=False),
    Column("lesson", Text, nullable=False),
    Column("tier", String, nullable=False),
    Column("surprise", Float, nullable=False),
    Column("priority", Float, nullable=False),
    Column("replay_key", Float, nullable=False, index=True),
    Index("experiences_family", "family_id", "event_id"),
    Index("experiences_tier", "tier", "timestamp"),
    Index("experiences_success", "success", "event_id"),
)
"""`tier` is hot (whole) or warm (context, actions and outcome were forgotten)."""

patterns = Table(
    "patterns",
    metadata,
    Column("id", String, primary_key=True),
    Column("type", String, nullable=False),
    Column("description", Text, nullable=False),
    Column("conditions", JSON, nullable=False),
    Column("actions", JSON, nullable=False),
    Column("success_rate", Float, nullable=False),
    Column("usage_count", Integer, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("key", String, nullable=False, index=True),
    Column("alpha", Float, nullable=False),
    Column("beta", Float, nullable=False),
    Column("lower_bound", Float, nullable=False),
    Column("change_level", Float, nullable=False),
    Column("changed_at", Float),
    Column("state", String, nullable=False),
    Column("goals", Integer, nullable=False),
    Column("retired_because", Text),
    Index("patterns_type", "type", "state", "goals"),
)
"""`alpha` and `beta` are decayed evidence without a prior; `goals` counts distinct goals."""

pattern_evidence = Table(
    "learning_pattern_evidence",
    metadata,
    Column("pattern_id", String, primary_key=True),
    Column("goal_id", String, primary_key=True),
    Column("event_id", BigInteger, nullable=False),
    Column("polarity", Integer, nullable=False),
    Column("weight", Float, nullable=False),
    Index("learning_evidence_newest", "pattern_id", "event_id"),
    Index("learning_evidence_event", "event_id"),
)
"""The newest word of each of the newest 32 goals; `event_id` is that of the experience."""

lessons = Table(
    "learning_lessons",
    metadata,
    Column("pattern_id", String, primary_key=True),
    Column("lesson", Text, nullable=False),
    Column("model", String, nullable=False),
    Column("uses", BigInteger, nullable=False),
    Column("at", Float, nullable=False),
)
"""The newest lesson of each pattern, as a model wrote it."""

families = Table(
    "learning_families",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("label", Text, nullable=False),
    Column("goals", Integer, nullable=False),
    Column("alpha", Float, nullable=False),
    Column("beta", Float, nullable=False),
)
"""Goals that are put in the same words, up to particulars; `id` is the event that founded it."""

family_words = Table(
    "learning_family_words",
    metadata,
    Column("word", String, primary_key=True),
    Column("family_id", BigInteger, primary_key=True, autoincrement=False),
    Column("support", Integer, nullable=False),
    Index("learning_family_words_family", "family_id"),
)

word_counts = Table(
    "learning_word_counts",
    metadata,
    Column("word", String, primary_key=True),
    Column("goals", Integer, nullable=False),
)
"""In how many experiences each word is; the empty word counts them all."""

plans = Table(
    "learning_plans",
    metadata,
    Column("signature", String, primary_key=True),
    Column("family_id", BigInteger, primary_key=True, autoincrement=False),
    Column("steps", JSON, nullable=False),
    Column("source", String, nullable=False),
    Column("source_goal", String, nullable=False),
    Column("trusted", Boolean, nullable=False),
    Column("by_model", Boolean, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("wins", Integer, nullable=False),
    Column("alpha", Float, nullable=False),
    Column("beta", Float, nullable=False),
    Column("used_at", Float, nullable=False),
    Index("learning_plans_family", "family_id"),
)

plans_made = Table(
    "learning_plans_made",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("goal_id", String, nullable=False, index=True),
    Column("plan", JSON, nullable=False),
)
"""Plans of goals that have not ended yet."""

error_templates = Table(
    "learning_error_templates",
    metadata,
    Column("id", String, primary_key=True),
    Column("capability", String, nullable=False),
    Column("error_class", String, nullable=False),
    Column("location", String, nullable=False),
    Column("tokens", JSON, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("sample", Text, nullable=False),
    Column("first_at", Float, nullable=False),
    Column("last_at", Float, nullable=False),
    Index("learning_error_scope", "error_class", "location", "capability"),
)

remedy_stats = Table(
    "learning_remedy_stats",
    metadata,
    Column("template_id", String, primary_key=True),
    Column("remedy", String, primary_key=True),
    Column("tried", Integer, nullable=False),
    Column("succeeded", Integer, nullable=False),
)

capability_stats = Table(
    "learning_capability_stats",
    metadata,
    Column("name", String, primary_key=True),
    Column("tree", String, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("ok", Integer, nullable=False),
    Column("alpha", Float, nullable=False),
    Column("beta", Float, nullable=False),
    Column("sketch", JSON, nullable=False),
    Column("last_at", Float, nullable=False),
)

cases = Table(
    "learning_cases",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("goal_id", String, nullable=False, index=True),
    Column("capability", String, nullable=False),
    Column("template_id", String, nullable=False, index=True),
    Column("is_counted", Integer, nullable=False),
    _payload("payload"),
)
"""Failures that can be run again; only the newest 8 of a template keep their payload."""

repair_priors = Table(
    "learning_repair_priors",
    metadata,
    Column("operator", String, primary_key=True),
    Column("tried", Integer, nullable=False),
    Column("succeeded", Integer, nullable=False),
)
"""By `family:node`."""

opportunities = Table(
    "learning_opportunities",
    metadata,
    Column("key", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("goal_id", String, nullable=False, index=True),
)
"""Only what happened after the event `since` counts as confirmation."""

proposals = Table(
    "learning_proposals",
    metadata,
    Column("id", String, primary_key=True),
    Column("opportunity_key", String, nullable=False),
    Column("goal_id", String, nullable=False, index=True),
    Column("operators", JSON, nullable=False),
    Column("state", String, nullable=False),
)
