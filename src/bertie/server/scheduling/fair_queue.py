"""The queue: which input is next, and which others share its batch.

Within a priority inputs go by the tag that self-clocked fair queueing gives them: the clock, which
is the tag of the batch last taken, plus the tokens of the request up to and with the input. A short
request overtakes a long one, a long one is interleaved with those that come after its beginning,
and none waits for more than came in the meantime: the clock only grows.

Source: Golestani, A self-clocked fair queueing scheme for broadband applications, INFOCOM 1994.
"""

from heapq import heappop, heappush
from itertools import count

from bertie.server.scheduling.queued_input import BatchKey, Bucket, QueuedInput, Stage


class FairQueue:
    """The inputs that wait.

    Attributes:
        inputs: how many wait.
        tokens: of all of them.
        clock: the tag of the batch last taken.
    """

    def __init__(self) -> None:
        self.inputs = 0
        self.tokens = 0
        self.clock = 0
        self._buckets: dict[BatchKey, Bucket] = {}
        self._arrivals = count()

    def bucket(self, key: BatchKey, fingerprint: str) -> Bucket:
        """Find or make the bucket of a key, whose model has that fingerprint."""
        return self._buckets.get(key) or Bucket(key, fingerprint)

    def push(self, item: QueuedInput) -> None:
        """Let an input wait."""
        bucket = item.bucket
        heappush(bucket.heap, (-item.priority, item.tag, next(self._arrivals), item))
        item.stage = Stage.WAITING
        if not bucket.in_flight:
            self._buckets[bucket.key] = bucket
        bucket.in_flight[item.input] = item
        self.inputs += 1
        self.tokens += item.tokens

    def promote(self, item: QueuedInput, priority: int, tag: int) -> None:
        """Move a waiting input forwards, where it would come later than this."""
        if (-priority, tag) < (-item.priority, item.tag):
            item.priority, item.tag = priority, tag
            heappush(item.bucket.heap, (-priority, tag, next(self._arrivals), item))

    def peek(self) -> QueuedInput | None:
        """Give the input that is next, without taking it."""
        heads = (_head(bucket) for bucket in self._buckets.values())
        return min(
            (item for item in heads if item is not None),
            key=lambda item: (-item.priority, item.tag),
            default=None,
        )

    def take(self, bucket: Bucket, budget: int) -> list[QueuedInput]:
        """Take the next inputs of a bucket, as a batch.

        Args:
            bucket: that of the input that is next.
            budget: the most tokens; a longer input is taken alone.
        """
        taken: list[QueuedInput] = []
        tokens = 0
        while (item := _head(bucket)) is not None:
            if taken and tokens + item.tokens > budget:
                break
            heappop(bucket.heap)
            if not taken:
                self.clock = max(self.clock, item.tag)
            item.stage = Stage.RUNNING
            tokens += item.tokens
            taken.append(item)
        self.inputs -= len(taken)
        self.tokens -= tokens
        return taken

    def remove(self, item: QueuedInput) -> None:
        """Let go of an input that is computed, or that nobody waits for any more."""
        if item.stage is Stage.WAITING:
            self.inputs -= 1
            self.tokens -= item.tokens
        item.stage = Stage.REMOVED
        bucket = item.bucket
        if bucket.in_flight.get(item.input) is item:
            del bucket.in_flight[item.input]
            if not bucket.in_flight:
                self._buckets.pop(bucket.key, None)

    def buckets(self) -> list[Bucket]:
        """List the buckets that have inputs, waiting or computed."""
        return list(self._buckets.values())


def _head(bucket: Bucket) -> QueuedInput | None:
    """Find a bucket's first input that waits still, and has not been promoted since."""
    while bucket.heap:
        priority, tag, _, item = bucket.heap[0]
        if item.stage is Stage.WAITING and (-item.priority, item.tag) == (priority, tag):
            return item
        heappop(bucket.heap)
    return None
