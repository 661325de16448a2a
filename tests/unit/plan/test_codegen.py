"""Generated tracking code: typed, the same for equal plans, and safe whatever the names are."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.kernel.errors import Conflict
from app.plan.codegen.kotlin import kotlin
from app.plan.codegen.model import PlannedEvent, Property, camel, plan_digest, snake
from app.plan.codegen.python_code import python_code
from app.plan.codegen.swift import swift
from app.plan.codegen.typescript import typescript
from app.plan.vocabulary import FieldType

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = 'a"b\\c\n*/ ${x} \\(y) """'
EVENTS = [
    PlannedEvent(
        "order",
        "order_placed",
        "Somebody bought something.",
        (
            Property("amount", FieldType.NUMBER, is_required=True, description="In euros"),
            Property("class", FieldType.STRING, is_required=False),
            Property("plan", FieldType.ENUM, is_required=True, options=("free", "paid-up")),
            Property("extra", FieldType.JSON, is_required=False),
            Property("currency", FieldType.STRING, is_required=True, literal="EUR"),
            Property("is_test", FieldType.BOOLEAN, is_required=False, literal=False),
        ),
    ),
    PlannedEvent("page", "view", "", ()),
    PlannedEvent("screen", "view", "", ()),
    PlannedEvent(HOSTILE, HOSTILE, HOSTILE, (Property(HOSTILE, FieldType.STRING, is_required=False, description=HOSTILE),)),
]


def test_names_are_cut_into_words_alike_whatever_their_style() -> None:
    assert {camel(text) for text in ("orderPlaced", "order_placed", "Order Placed", "order-placed")} == {"orderPlaced"}
    assert (snake("HTTPServer2Start"), camel("2 things")) == ("http_server_2_start", "_2Things")


def test_python_code_runs_and_sends_what_the_plan_says(tmp_path: Path) -> None:
    module: dict = {}
    code = python_code(EVENTS, "Header")
    exec(compile(code, "tracking.py", "exec"), module)
    sent: list = []
    tracking = module["Tracking"](sent.append)
    tracking.order_placed(amount=3, plan="free", class_="a")
    tracking.page_view()
    assert sent[0]["service"] == "order"
    assert sent[0]["custom_attributes"] == {"amount": 3, "plan": "free", "class": "a", "currency": "EUR", "is_test": False}
    assert (sent[1]["service"], sent[1]["operation"]) == ("page", "view")
    with pytest.raises(TypeError):
        tracking.order_placed(plan="free")


def test_python_code_passes_a_strict_type_checker_and_wrong_use_does_not(tmp_path: Path) -> None:
    (tmp_path / "tracking.py").write_text(python_code(EVENTS, "Header"))
    use = "from tracking import Tracking\nTracking(print).order_placed(amount=1, plan={})\n"
    for name, value, expected in (("right", '"free"', 0), ("wrong", '"gold"', 1)):
        # Files of their own: the checker takes one of the same name, size and second for the one it has just checked.
        (tmp_path / f"{name}.py").write_text(use.format(value))
        checker = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), f"{name}.py"]
        found = subprocess.run(checker, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert found.returncode == expected, found.stdout


@pytest.mark.slow
def test_typescript_code_passes_its_compiler_and_wrong_use_does_not(tmp_path: Path) -> None:
    npm, node = shutil.which("npm"), shutil.which("node")
    assert npm, "npm is needed to install the TypeScript compiler"
    assert node, "node is needed to run the TypeScript compiler"
    folder = ROOT / ".tools" / "typescript"
    compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
    if not compiler.exists():
        command = [npm, "install", "--no-save", "--prefix", str(folder), "typescript@5"]
        subprocess.run(command, check=True, capture_output=True)
    (tmp_path / "tracking.ts").write_text(typescript(EVENTS, "Header"))
    use = 'import {{ Tracking }} from "./tracking";\nnew Tracking(() => {{}}).orderPlaced({{ amount: 1, plan: {} }});\n'
    for value, is_good in (('"free"', True), ('"gold"', False)):
        (tmp_path / "use.ts").write_text(use.format(value))
        checker = [node, str(compiler), "--strict", "--noEmit", "--target", "es2020", "use.ts"]
        found = subprocess.run(checker, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (found.returncode == 0) is is_good, found.stdout


@pytest.mark.parametrize(
    ("generate", "expected"),
    [
        (
            swift,
            [
                'case paidUp = "paid-up"',
                "public func orderPlaced(amount: Double, `class`: String? = nil, plan: OrderPlacedPlan,",
                '"plan": plan.rawValue',
                '"currency": "EUR", "is_test": false',
                "public func pageView() {",
                "\\\\(y)",
            ],
        ),
        (
            kotlin,
            [
                'PAID_UP("paid-up"),',
                "fun orderPlaced(amount: Double, plan: OrderPlacedPlan, `class`: String? = null,",
                '"plan" to plan.value',
                '"currency" to "EUR", "is_test" to false',
                "fun pageView() {",
                "\\${x}",
            ],
        ),
    ],
    ids=["swift", "kotlin"],
)
def test_code_for_phones_has_its_language_s_types_and_escapes(generate, expected) -> None:
    code = generate(EVENTS, "Header")
    for part in expected:
        assert part in code
    assert code.count("{") == code.count("}")


@pytest.mark.parametrize("generate", [typescript, python_code, swift, kotlin])
def test_names_that_become_the_same_are_refused_by_name(generate) -> None:
    twins = [PlannedEvent("order", "order placed", "", ()), PlannedEvent("order", "order_placed", "", ())]
    with pytest.raises(Conflict, match='"order order placed" and "order order_placed"'):
        generate(twins, "")


def test_the_digest_changes_with_the_plan_and_only_with_it() -> None:
    assert plan_digest(EVENTS) == plan_digest(list(EVENTS))
    assert plan_digest(EVENTS) != plan_digest(EVENTS[1:])
    assert all(generate(EVENTS, "") == generate(EVENTS, "") for generate in (typescript, python_code, swift, kotlin))
