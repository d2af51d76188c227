"""What a measurement found; every field's name ends in its unit where it has one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from bertie.checkpoint.config import Setting


@dataclass(frozen=True)
class Spread:
    """One figure, measured once a round: its median, the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarize at least one value."""
        return cls(median(values), min(values), max(values))


@dataclass(frozen=True)
class Model:
    """What was measured.

    Attributes:
        source: what the caller named.
        precision: what the encoder computes in, "auto" resolved.
        dimensions: floats in one vector, for tasks that give vectors.
        parameters: numbers in the tensors that are used.
        layers, hidden_size, intermediate_size: the encoder's sizes.
        max_length: the most tokens of a text.
    """

    source: str
    precision: str
    dimensions: int | None
    parameters: int
    layers: int
    hidden_size: int
    intermediate_size: int
    max_length: int


@dataclass(frozen=True)
class Machine:
    """What it was measured on.

    Attributes:
        cpu: the CPU's name.
        cores: those that the process may use.
        threads: those that the model used at most.
        isa: the instruction set of its kernels.
        load: processes that ran or waited on average over the minute before; above 0 is others',
            None unknown.
        peak_gflops: operations a second, in 10⁹, of these threads multiplying in this precision on
            registers alone; measured once a round, if at all.
        bertie, python: versions.
    """

    cpu: str
    cores: int
    threads: int
    isa: str
    load: float | None
    peak_gflops: Spread | None
    bertie: str
    python: str


@dataclass(frozen=True)
class Bulk:
    """Many texts in one call, from text to vector.

    Attributes:
        name: which texts.
        texts: how many.
        tokens: their tokens, [CLS] and [SEP] included, after truncation.
        longest: tokens of the longest.
        truncated: how many texts were longer than the model reads.
        tokens_per_second, texts_per_second: the speed.
        gflops: operations a second in 10⁹, as count_flops() counts them.
        peak_share: gflops over the peak measured in the same round.
    """

    name: str
    texts: int
    tokens: int
    longest: int
    truncated: int
    tokens_per_second: Spread
    texts_per_second: Spread
    gflops: Spread
    peak_share: Spread


@dataclass(frozen=True)
class Latency:
    """One call after another, each from text to vector.

    Attributes:
        texts: texts in a call; the next call has others.
        tokens: tokens in a call on average.
        calls: how many were timed.
        p50_ms, p95_ms, p99_ms: percentiles of their times, in milliseconds.
    """

    texts: int
    tokens: float
    calls: int
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Memory:
    """Resident memory of a process that does nothing else, in bytes; mapped files count.

    Attributes:
        imported_bytes: after importing Bertie.
        loaded_bytes: after loading the model and embedding one text.
        few_bytes: after embedding 100 of the bulk texts, of all lengths.
        bulk_bytes: after embedding all of them.
        peak_bytes: the most it ever was.
    """

    imported_bytes: int
    loaded_bytes: int
    few_bytes: int
    bulk_bytes: int
    peak_bytes: int


@dataclass(frozen=True)
class Start:
    """From nothing to a vector, in milliseconds; the files lie in the page cache.

    Attributes:
        runs: new processes that were timed.
        first_vector_ms: from starting the process to its first vector.
        import_ms, load_ms, embed_ms: what of it went to importing Bertie, loading the model and
            embedding one text; the rest is Python's own start.
    """

    runs: int
    first_vector_ms: Spread
    import_ms: Spread
    load_ms: Spread
    embed_ms: Spread


@dataclass(frozen=True)
class Report:
    """A model measured on a machine.

    Attributes:
        rounds: how often each bulk figure was measured.
        memory: None where the system doesn't tell.
    """

    model: Model
    machine: Machine
    rounds: int
    bulk: tuple[Bulk, ...]
    latency: tuple[Latency, ...]
    memory: Memory | None
    start: Start

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON knows it."""
        return asdict(self)


@dataclass(frozen=True)
class Measured:
    """A model in one precision.

    Attributes:
        peak_gflops: as Machine has it, in this precision.
    """

    precision: str
    peak_gflops: Spread
    bulk: tuple[Bulk, ...]
    latency: tuple[Latency, ...]


@dataclass(frozen=True)
class PrecisionsReport:
    """A model measured in every precision, which took turns in each round.

    Attributes:
        model, machine: as in Report; the model's precision is what auto means here.
        auto: that precision, and why.
        measured: by precision.
        bfloat16_speedup: of all bulk texts of a round together, how many times as fast as float32
            bfloat16 was.
        auto_is_right: whether the one of these two that auto means is the faster here, or as good
            as that.
    """

    model: Model
    machine: Machine
    rounds: int
    auto: Setting
    measured: tuple[Measured, ...]
    bfloat16_speedup: Spread
    auto_is_right: bool

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON knows it."""
        return asdict(self)


@dataclass(frozen=True)
class TaskBulk:
    """Many texts in one call of a task, from text to answer.

    Attributes:
        name: which texts.
        texts: how many.
        texts_per_second: the speed.
        encoder_share: of the time, what the encoder took.
        head_share: of the time, what the head's multiplications take at the encoder's rate.
        overhead: the time over that of both, as a share of theirs; below 0 where the head runs
            faster than the encoder.
    """

    name: str
    texts: int
    texts_per_second: Spread
    encoder_share: Spread
    head_share: Spread
    overhead: Spread


@dataclass(frozen=True)
class TaskReport:
    """A task measured on a machine.

    Attributes:
        task: one of bertie.tasks.table.TASKS.
        rounds: how often each figure was measured.
    """

    task: str
    model: Model
    machine: Machine
    rounds: int
    bulk: tuple[TaskBulk, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give everything as JSON knows it."""
        return asdict(self)
