from typing import Any

# The generated module makes its names as it is imported.
def __getattr__(name: str) -> Any: ...
