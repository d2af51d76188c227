"""How fast a model runs on this machine, how near to what the CPU can do, and in what memory."""

from bertie.bench.measure import measure
from bertie.bench.precisions import measure_precisions
from bertie.bench.report import (
    Bulk,
    Latency,
    Machine,
    Measured,
    Memory,
    Model,
    PrecisionsReport,
    Report,
    Spread,
    Start,
    TaskBulk,
    TaskReport,
)
from bertie.bench.tasks import measure_task

__all__ = [
    "Bulk",
    "Latency",
    "Machine",
    "Measured",
    "Memory",
    "Model",
    "PrecisionsReport",
    "Report",
    "Spread",
    "Start",
    "TaskBulk",
    "TaskReport",
    "measure",
    "measure_precisions",
    "measure_task",
]
