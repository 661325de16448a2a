import pytest

from app.kernel.text import storable


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x\udfffy"])
def test_what_a_database_cannot_keep_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must not hold"):
        storable(text)


@pytest.mark.parametrize("text", ["", "plain", "über 😀 漢字"])
def test_everything_else_passes_unchanged(text: str) -> None:
    assert storable(text) == text
