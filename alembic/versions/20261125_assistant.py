"""The search index: its table, and triggers that keep it in the transaction that changes the plan.

A migration that rebuilds one of the plan's tables on SQLite (`batch_alter_table`) drops that table's triggers and must put
them back.
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision: str = "20261125_assistant"
down_revision: str | None = "20261125_preferences"
branch_labels: str | None = None
depends_on: str | None = None

COLUMNS = "branch_id, entity_type, entity_id, parent_id, title, keywords, description, body, is_archived"
VIEWS = {
    "event": """
        SELECT e.branch_id, 'event' AS entity_type, e.id AS entity_id, e.event_type_id AS parent_id, e.name AS title,
            coalesce(e.source_name, '') || ' ' ||
            coalesce((SELECT {join}(g.name, ' ') FROM event_tags g WHERE g.event_id = e.id), '') AS keywords,
            e.description,
            coalesce((SELECT {join}(v.value, ' ') FROM event_field_values v JOIN field_definitions f
                ON f.id = v.field_definition_id WHERE v.event_id = e.id AND f.sensitivity = 'none'), '') || ' ' ||
            coalesce((SELECT {join}(v.value, ' ') FROM event_meta_values v JOIN meta_fields f
                ON f.id = v.meta_field_id WHERE v.event_id = e.id AND f.sensitivity = 'none'), '') AS body,
            (e.status = 'archived') AS is_archived
        FROM events e""",
    "event_type": """
        SELECT t.branch_id, 'event_type' AS entity_type, t.id AS entity_id, NULL AS parent_id, t.display_name AS title,
            t.name AS keywords, t.description, '' AS body, {no} AS is_archived
        FROM event_types t""",
    "field": """
        SELECT t.branch_id, 'field' AS entity_type, f.id AS entity_id, t.id AS parent_id, f.display_name AS title,
            f.name AS keywords, f.description, '' AS body, {no} AS is_archived
        FROM field_definitions f JOIN event_types t ON t.id = f.event_type_id""",
    "meta_field": """
        SELECT m.branch_id, 'meta_field' AS entity_type, m.id AS entity_id, NULL AS parent_id, m.display_name AS title,
            m.name AS keywords, '' AS description, '' AS body, {no} AS is_archived
        FROM meta_fields m""",
    "variable": """
        SELECT v.branch_id, 'variable' AS entity_type, v.id AS entity_id, NULL AS parent_id, v.name AS title,
            coalesce(v.source_name, '') AS keywords, v.description, '' AS body, {no} AS is_archived
        FROM variables v""",
    "relation": """
        SELECT r.branch_id, 'relation' AS entity_type, r.id AS entity_id, s.id AS parent_id,
            s.display_name || ' → ' || t.display_name AS title,
            r.relation_type || ' ' || sf.name || ' ' || tf.name AS keywords, r.description, '' AS body, {no} AS is_archived
        FROM relations r JOIN event_types s ON s.id = r.source_event_type_id JOIN event_types t ON t.id = r.target_event_type_id
            JOIN field_definitions sf ON sf.id = r.source_field_id JOIN field_definitions tf ON tf.id = r.target_field_id""",
    "tag": """
        SELECT e.branch_id, 'tag' AS entity_type, max(g.id) AS entity_id, NULL AS parent_id, g.name AS title,
            '' AS keywords, '' AS description, '' AS body, {no} AS is_archived
        FROM event_tags g JOIN events e ON e.id = g.event_id GROUP BY e.branch_id, g.name""",
}
TABLES = {
    "event": "events", "event_type": "event_types", "field": "field_definitions", "meta_field": "meta_fields",
    "variable": "variables", "relation": "relations",
}  # fmt: skip
SHOWN = {
    "event": "name, source_name, description, status, event_type_id",
    "event_type": "name, display_name, description",
    "field": "name, display_name, description, sensitivity",
    "meta_field": "name, display_name, sensitivity",
    "variable": "name, source_name, description",
    "relation": "source_event_type_id, target_event_type_id, source_field_id, target_field_id, relation_type, description",
}


def remove(kind: str, which: str) -> str:
    return f"DELETE FROM search_documents WHERE entity_type = '{kind}' AND entity_id {which};"


def refresh(kind: str, which: str) -> str:
    source = f"SELECT {COLUMNS} FROM search_source_{kind} WHERE entity_id {which}"
    return f"{remove(kind, which)} INSERT INTO search_documents ({COLUMNS}) {source};"


def triggers() -> dict[str, tuple[str, str, str]]:
    """Name -> (table, occasion, statements)."""
    made: dict[str, tuple[str, str, str]] = {}
    for kind, table in TABLES.items():
        made[f"search_{kind}_added"] = (table, "INSERT", refresh(kind, "= NEW.id"))
        made[f"search_{kind}_removed"] = (table, "DELETE", remove(kind, "= OLD.id"))
        changed = refresh(kind, "= NEW.id")
        if kind == "event_type":
            ends = "IN (SELECT id FROM relations WHERE source_event_type_id = NEW.id OR target_event_type_id = NEW.id)"
            changed += " " + refresh("relation", ends)
        if kind == "field":
            ends = "IN (SELECT id FROM relations WHERE source_field_id = NEW.id OR target_field_id = NEW.id)"
            valued = "IN (SELECT event_id FROM event_field_values WHERE field_definition_id = NEW.id)"
            changed += " " + refresh("relation", ends) + " " + refresh("event", valued)
        if kind == "meta_field":
            changed += " " + refresh("event", "IN (SELECT event_id FROM event_meta_values WHERE meta_field_id = NEW.id)")
        made[f"search_{kind}_changed"] = (table, f"UPDATE OF {SHOWN[kind]}", changed)
    for table in ("event_field_values", "event_meta_values", "event_tags"):
        made[f"search_{table}_added"] = (table, "INSERT", refresh("event", "= NEW.event_id"))
        made[f"search_{table}_changed"] = (table, "UPDATE", refresh("event", "= NEW.event_id"))
        made[f"search_{table}_removed"] = (table, "DELETE", refresh("event", "= OLD.event_id"))
    known = "SELECT 1 FROM search_documents d WHERE d.entity_type = 'tag' AND d.branch_id = e.branch_id AND d.title = NEW.name"
    made["search_tag_added"] = (
        "event_tags",
        "INSERT",
        f"INSERT INTO search_documents ({COLUMNS}) SELECT e.branch_id, 'tag', NEW.id, NULL, NEW.name, '', '', '', false"
        f" FROM events e WHERE e.id = NEW.event_id AND NOT EXISTS ({known});",
    )
    # The youngest row stands in for the one that goes: rows mostly go oldest first, so that few deletions need another search.
    told = "SELECT branch_id FROM search_documents WHERE entity_type = 'tag' AND entity_id = OLD.id"
    made["search_tag_removed"] = (
        "event_tags",
        "DELETE",
        f"INSERT INTO search_documents ({COLUMNS}) SELECT e.branch_id, 'tag', max(g.id), NULL, g.name, '', '', '', false"
        f" FROM event_tags g JOIN events e ON e.id = g.event_id WHERE g.name = OLD.name AND e.branch_id IN ({told})"
        f" GROUP BY e.branch_id, g.name; {remove('tag', '= OLD.id')}",
    )
    made["search_branch_removed"] = ("plan_branches", "DELETE", "DELETE FROM search_documents WHERE branch_id = OLD.id;")
    return made


CONDITIONS = {"search_tag_removed": "EXISTS (SELECT 1 FROM search_documents WHERE entity_type = 'tag' AND entity_id = OLD.id)"}
"""Trigger -> when it has anything to do; without it a large deletion would look through all tags once for each of them."""


def upgrade() -> None:
    op.create_table(
        "search_documents",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("branch_id", sa.String(length=64), nullable=False),
        sa.Column("entity_type", sa.String(length=16), nullable=False),
        sa.Column("entity_id", sa.String(length=64), nullable=False),
        sa.Column("parent_id", sa.String(length=64), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_search_documents_branch", "search_documents", ["branch_id", "id"])
    op.create_index("ix_search_documents_entity", "search_documents", ["entity_id"])
    tags = sa.text("entity_type = 'tag'")
    op.create_index("ix_search_documents_tag", "search_documents", ["branch_id", "title"], sqlite_where=tags, postgresql_where=tags)
    is_postgres = op.get_bind().dialect.name == "postgresql"
    join, no = ("string_agg", "false") if is_postgres else ("group_concat", "0")
    for kind, query in VIEWS.items():
        op.execute(f"CREATE VIEW search_source_{kind} AS {query.format(join=join, no=no)}")
        op.execute(f"INSERT INTO search_documents ({COLUMNS}) SELECT {COLUMNS} FROM search_source_{kind}")
    for name, (table, occasion, statements) in triggers().items():
        condition = CONDITIONS.get(name)
        if is_postgres:  # where a trigger's own WHEN may not look into tables
            body = f"IF {condition} THEN {statements} END IF;" if condition else statements
            op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$")
            op.execute(f"CREATE TRIGGER {name} AFTER {occasion} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
        else:
            when = f" WHEN {condition}" if condition else ""
            op.execute(f"CREATE TRIGGER {name} AFTER {occasion} ON {table}{when} BEGIN {statements} END")


def downgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for name, (table, _, _) in triggers().items():
        if is_postgres:
            op.execute(f"DROP TRIGGER {name} ON {table}")
            op.execute(f"DROP FUNCTION {name}()")
        else:
            op.execute(f"DROP TRIGGER {name}")
    for kind in VIEWS:
        op.execute(f"DROP VIEW search_source_{kind}")
    op.drop_index("ix_search_documents_tag", table_name="search_documents")
    op.drop_index("ix_search_documents_entity", table_name="search_documents")
    op.drop_index("ix_search_documents_branch", table_name="search_documents")
    op.drop_table("search_documents")
