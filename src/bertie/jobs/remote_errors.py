"""Errors of workers on other machines, raised here as the classes that they were there."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from bertie import errors
from bertie.errors import BertieError

_OURS = re.compile(r"bertie\.errors\.(\w+): (.+)")


@contextmanager
def unwrapped_errors() -> Iterator[None]:
    """Raise a worker's error as its own class again; others, which aren't ours, stay as they are.

    Ray and Spark carry an error as the text of its traceback.
    """
    try:
        yield
    except BertieError:
        raise
    except Exception as error:
        found = _OURS.search(str(error))
        kind = getattr(errors, found[1], None) if found else None
        if found is None or not isinstance(kind, type) or not issubclass(kind, BertieError):
            raise
        raise kind(found[2].strip()) from None
