"""Every error that Bertie raises on purpose.

    BertieError
    ├── SourceError       a model can't be found or fetched
    ├── CheckpointError   a checkpoint is broken, unsupported or unsafe
    ├── TokenizerError    a vocabulary or tokenizer file is broken or unsupported
    ├── InputError        the caller's texts, options or files can't be used (also a ValueError)
    ├── TaskError         the checkpoint has no head for the call
    ├── ExtraMissing      an optional dependency isn't installed (also an ImportError)
    └── ServerError       a server can't do what it was asked to
        ├── Overloaded        too much is waiting already; retry_after says when to come back
        ├── DeadlineExceeded  the time that the request had is over
        ├── EngineFailed      the process that computed died or stalled
        └── UnknownModel      the server has no model of that name

    TruncationWarning     a text was longer than the model reads (also a UserWarning)
    CalibrationWarning    int8 was calibrated on texts unlike the model's (also a UserWarning)
    KernelWarning         the CPU computes wrongly by its best instructions (also a UserWarning)

A message says what was seen, what was expected and what to do.
"""


class BertieError(Exception):
    """Anything that Bertie raises on purpose."""


class SourceError(BertieError):
    """A model can't be found or fetched."""


class CheckpointError(BertieError):
    """A checkpoint is broken, unsupported or unsafe."""


class TokenizerError(BertieError):
    """A vocabulary or tokenizer file is broken or unsupported."""


class InputError(BertieError, ValueError):
    """The caller's texts, options or files can't be used."""


class TaskError(BertieError):
    """The checkpoint has no head for the call."""


class ExtraMissing(BertieError, ImportError):
    """An optional dependency isn't installed; the message names the pip command."""


class ServerError(BertieError):
    """A server can't do what it was asked to."""


class Overloaded(ServerError):
    """Too much is waiting already, and nothing of the request was begun.

    Attributes:
        retry_after: seconds until it is worth asking again.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message, retry_after)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return str(self.args[0])


class DeadlineExceeded(ServerError):
    """The time that the request had is over; what was not computed yet never is."""


class EngineFailed(ServerError):
    """The process that computed the request's inputs died or stalled; asking again may do."""


class UnknownModel(ServerError):
    """The server has no model of that name."""


class TruncationWarning(UserWarning):
    """Texts were longer than the model reads, and the rest was left out."""


class CalibrationWarning(UserWarning):
    """The vocabulary doesn't know the calibration text, so int8 may lose fidelity."""


class KernelWarning(UserWarning):
    """The CPU computes wrongly with its fastest instructions, and others are used."""
