"""What becomes of long inputs, in the words of the library's option `truncate`."""

from bertie.server.http.apis.tei_bodies import Truncated
from bertie.server.http.context import Context

_NOTHING_SAID = Truncated()


def truncation(context: Context, body: Truncated = _NOTHING_SAID) -> str:
    """Say which end of long inputs is cut off, or "error".

    Args:
        body: what the caller says of it; where that is nothing, auto_truncate is asked.
    """
    cut = context.settings.auto_truncate if body.truncate is None else body.truncate
    return body.truncation_direction.lower() if cut else "error"
