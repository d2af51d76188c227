"""Answers are counted as they pass."""

from bertie.evaluate.progress import with_progress


def test_answers_pass_in_order_and_each_is_counted_when_it_does() -> None:
    seen: list[tuple[int, int]] = []
    stream = with_progress("ab", 2, lambda done, of: seen.append((done, of)))
    assert seen == []
    assert next(stream) == "a"
    assert seen == [(1, 2)]
    assert list(stream) == ["b"]
    assert seen == [(1, 2), (2, 2)]
