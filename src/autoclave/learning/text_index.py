"""Full-text lookup of experiences by word: FTS5 on SQLite, tsvector on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

_CREATE = {
    "sqlite": (
        "CREATE VIRTUAL TABLE IF NOT EXISTS learning_text USING fts5(words, tokenize='unicode61')",
    ),
    "postgresql": (
        "CREATE TABLE IF NOT EXISTS learning_text (rowid BIGINT PRIMARY KEY, words TEXT NOT NULL)",
        "CREATE INDEX IF NOT EXISTS learning_text_words ON learning_text "
        "USING GIN (to_tsvector('simple', words))",
    ),
}
_ADD = text("INSERT INTO learning_text (rowid, words) VALUES (:row, :words)")
_SEARCH = {
    "sqlite": (
        "SELECT rowid FROM learning_text WHERE learning_text MATCH :query "
        "ORDER BY bm25(learning_text), rowid DESC LIMIT :most"
    ),
    "postgresql": (
        "SELECT rowid FROM learning_text, to_tsquery('simple', :query) AS query "
        "WHERE to_tsvector('simple', words) @@ query "
        "ORDER BY ts_rank(to_tsvector('simple', words), query) DESC, rowid DESC LIMIT :most"
    ),
}
_QUOTE = {"sqlite": '"', "postgresql": "'"}
_OR = {"sqlite": " OR ", "postgresql": " | "}


def create(connection: Connection) -> None:
    for statement in _CREATE[connection.dialect.name]:
        connection.execute(text(statement))


def clear(connection: Connection) -> None:
    connection.execute(text("DELETE FROM learning_text"))


def add(connection: Connection, row: int, words: str) -> None:
    connection.execute(_ADD, {"row": row, "words": words})


def search(connection: Connection, words: Sequence[str], *, most: int) -> list[int]:
    """Rows that have any of the words, best first. The words can't be query syntax."""
    if not words:
        return []
    dialect = connection.dialect.name
    query = _OR[dialect].join(_quoted(word, _QUOTE[dialect]) for word in words)
    rows = connection.execute(text(_SEARCH[dialect]), {"query": query, "most": most})
    return [row[0] for row in rows]


def _quoted(word: str, quote: str) -> str:
    plain = "".join(character for character in word if character.isalnum())
    return f"{quote}{plain}{quote}"
