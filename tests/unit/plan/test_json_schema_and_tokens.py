import pytest

from app.plan.json_schema import FieldRule, json_schema
from app.plan.tokens import rename_token, tokens_in


def rule(name: str, field_type: str = "string", **more: object) -> FieldRule:
    return FieldRule(name=name, display_name=name.title(), description="", field_type=field_type, is_required=False, **more)


def test_a_schema_demands_what_the_contract_of_each_field_says() -> None:
    schema = json_schema(
        "screen",
        "opened",
        "A screen was opened",
        [
            rule("plan", "enum", enum_options=("free", "pro")),
            rule("amount", "number", minimum=0, maximum=10),
            rule("code", regex="^[A-Z]+$"),
            rule("link", "url", sensitivity="pii"),
        ],
    )
    properties = schema["properties"]
    assert properties["plan"] == {"type": "string", "title": "Plan", "enum": ["free", "pro"]}
    assert (properties["amount"]["minimum"], properties["amount"]["maximum"]) == (0, 10)
    assert properties["code"]["pattern"] == "^[A-Z]+$"
    assert (properties["link"]["format"], properties["link"]["x-sensitivity"]) == ("uri", "pii")
    assert schema["required"] == []


@pytest.mark.parametrize(
    ("field_type", "authored", "expected"),
    [
        ("string", "home", "home"),
        ("string", "/user/${user_id}", None),
        ("number", "3", 3),
        ("number", "2.5", 2.5),
        ("number", "many", None),
        ("boolean", "True", True),
        ("json", "{}", None),
        ("string", "", None),
    ],
)
def test_a_literal_value_is_pinned_and_a_template_is_not(field_type: str, authored: str, expected: object) -> None:
    schema = json_schema("t", "e", "", [rule("f", field_type, authored=authored)])
    assert schema["properties"]["f"].get("const") == expected


def test_a_rename_touches_the_exact_token_only() -> None:
    assert rename_token("${user} ${user_id} user ${user}", "user", "account") == "${account} ${user_id} user ${account}"
    assert tokens_in("/${a}/${b}/${a}") == ["a", "b"]
