from app.scans.groups import GroupCondition, Grouping, GroupRule, grouping_of


def rule(name: str, *conditions: tuple[str, str], logic: str = "all") -> GroupRule:
    return GroupRule(name, tuple(GroupCondition(*one) for one in conditions), logic)


VALUES = {"screen": "cart\nsummary", "step": "2", "body": '{"a": "1"}'}


def test_patterns_are_searched_anywhere_and_dot_matches_newline():
    assert grouping_of([rule("Cart", ("screen", "cart.summ"))], "x", VALUES) == Grouping("Cart", {"screen": "/cart.summ/"})


def test_all_and_any():
    conditions = (("screen", "cart"), ("step", "9"))
    assert grouping_of([rule("Cart", *conditions)], "x", VALUES) is None
    found = grouping_of([rule("Cart", *conditions, logic="any")], "x", VALUES)
    assert found == Grouping("Cart", {"screen": "/cart/"}), "only matched fields are replaced"


def test_the_first_rule_that_matches_wins():
    rules = [rule("No", ("step", "9")), rule("First", ("step", "2")), rule("Second", ("step", "2"))]
    assert grouping_of(rules, "x", VALUES).name == "First"


def test_the_event_name_is_a_field_that_is_never_replaced():
    for field in ("event_name", "__event_name"):
        assert grouping_of([rule("Orders", (field, "^order_"))], "order_paid", VALUES) == Grouping("Orders", {})


def test_json_fields_match_but_keep_their_value():
    found = grouping_of([rule("Ones", ("body", '"a"'))], "x", VALUES, json_fields=frozenset({"body"}))
    assert found == Grouping("Ones", {})


def test_blank_and_invalid_patterns_are_ignored():
    assert grouping_of([rule("None", ("step", " ")), rule("Broken", ("step", "("))], "x", VALUES) is None
    assert grouping_of([rule("Two", ("step", "2"), ("screen", "("))], "x", VALUES).name == "Two"
