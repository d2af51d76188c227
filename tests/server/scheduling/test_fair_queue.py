"""Who waits comes to turn by priority, and within one by the tokens before it."""

from hypothesis import given
from hypothesis import strategies as st

from bertie.server.scheduling.fair_queue import FairQueue
from bertie.server.scheduling.messages import ModelKey
from bertie.server.scheduling.queued_input import BatchKey, Bucket, QueuedInput, Stage

KEY = BatchKey(ModelKey("m", 1), "embed", ())
OTHER = BatchKey(ModelKey("m", 1), "embed", (("normalize", False),))


def push(
    queue: FairQueue, name: str, *costs: int, priority: int = 0, key: BatchKey = KEY
) -> list[QueuedInput]:
    """Let the inputs of one request wait, as the scheduler does."""
    bucket, tag, items = queue.bucket(key, "f"), queue.clock, []
    for number, cost in enumerate(costs):
        tag += cost
        items.append(QueuedInput(bucket, (name, number), cost, priority, tag))
        queue.push(items[-1])
    return items


def order(queue: FairQueue, budget: int = 1) -> list[str]:
    """Take everything, and say whose turn it was."""
    names = []
    while (item := queue.peek()) is not None:
        for taken in queue.take(item.bucket, budget):
            names.append(taken.input[0])
            queue.remove(taken)
    return names


def test_the_higher_priority_is_first() -> None:
    queue = FairQueue()
    push(queue, "low", 1, 1)
    push(queue, "high", 9, 9, priority=1)
    push(queue, "lowest", 1, priority=-1)
    assert order(queue) == ["high", "high", "low", "low", "lowest"]


def test_a_short_request_overtakes_the_rest_of_a_long_one() -> None:
    queue = FairQueue()
    push(queue, "long", *[10] * 6)
    first = queue.peek()
    assert first is not None
    for item in queue.take(first.bucket, 20):
        queue.remove(item)
    push(queue, "short", 5, 5)
    assert order(queue) == ["short", "short", "long", "long", "long", "long"]


def test_a_long_input_is_not_overtaken_for_ever() -> None:
    queue = FairQueue()
    push(queue, "long", 100)
    taken = []
    for number in range(50):
        push(queue, f"short {number}", 10)
        item = queue.peek()
        assert item is not None
        taken += [one.input[0] for one in queue.take(item.bucket, 10)]
    assert "long" in taken[:12]


def test_a_batch_is_of_one_key_and_within_the_budget() -> None:
    queue = FairQueue()
    push(queue, "a", 4, 4, 4)
    push(queue, "b", 3, key=OTHER)
    push(queue, "a too", 4)
    item = queue.peek()
    assert item is not None
    assert [one.input[0] for one in queue.take(item.bucket, 8)] == ["b"]
    item = queue.peek()
    assert item is not None
    assert [one.input[0] for one in queue.take(item.bucket, 8)] == ["a", "a too"]
    assert queue.tokens == 8


def test_an_input_beyond_the_budget_is_alone() -> None:
    queue = FairQueue()
    push(queue, "huge", 50)
    push(queue, "huge too", 51)
    bucket = queue.bucket(KEY, "f")
    assert [len(queue.take(bucket, 10)) for _ in range(3)] == [1, 1, 0]


def test_the_removed_are_not_taken_and_not_counted() -> None:
    queue = FairQueue()
    items = push(queue, "gone", 5, 5, 5)
    push(queue, "here", 7)
    for item in items:
        queue.remove(item)
        assert item.stage is Stage.REMOVED
    assert (queue.inputs, queue.tokens) == (1, 7)
    assert order(queue) == ["here"]
    assert queue.buckets() == []


def test_an_input_that_is_promoted_is_taken_once_and_sooner() -> None:
    queue = FairQueue()
    push(queue, "before", 1, 1)
    (item,) = push(queue, "after", 50)
    queue.promote(item, 3, 50)
    queue.promote(item, 0, 50)
    assert order(queue) == ["after", "before", "before"]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(-2, 2)), max_size=30))
def test_everything_is_taken_once(requests: list[tuple[int, int]]) -> None:
    queue = FairQueue()
    for number, (cost, priority) in enumerate(requests):
        push(queue, str(number), cost, priority=priority)
    assert sorted(order(queue, 30)) == sorted(map(str, range(len(requests))))
    assert (queue.inputs, queue.tokens) == (0, 0)


def test_a_bucket_without_inputs_is_forgotten() -> None:
    queue = FairQueue()
    (item,) = push(queue, "one", 1)
    assert isinstance(queue.bucket(KEY, "f"), Bucket)
    queue.take(item.bucket, 1)
    assert queue.buckets() == [item.bucket]
    queue.remove(item)
    assert queue.buckets() == []
