"""What Bertie runs on here: for a bug report, and for whoever wonders why it is slow."""

from bertie.environment.description import Environment, describe
from bertie.environment.machine import Cpu, System
from bertie.environment.packages import Package
from bertie.environment.variables import HIDDEN

__all__ = ["HIDDEN", "Cpu", "Environment", "Package", "System", "describe"]
