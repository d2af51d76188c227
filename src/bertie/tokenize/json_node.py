"""A JSON value that knows where in its file it stands, so that complaints can say so."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as shown
from typing import Any

from bertie.errors import TokenizerError


@dataclass(frozen=True)
class Node:
    """A value, the file it is from, and its path there, as in "model.vocab"."""

    value: Any
    file: str
    path: str = ""

    @classmethod
    def read(cls, file: Path) -> "Node":
        """Read a JSON file that holds an object. Raises: TokenizerError: it doesn't."""
        try:
            value = json.loads(file.read_bytes())
        except OSError as error:
            raise TokenizerError(f"{file}: {error.strerror}, expected a JSON file") from error
        except RecursionError as error:
            raise TokenizerError(
                f"{file}: nested too deeply to be a tokenizer's: fetch it again"
            ) from error
        except ValueError as error:  # not JSON, or not UTF-8
            raise TokenizerError(f"{file}: not JSON ({error}): fetch it again") from error
        node = cls(value, str(file))
        if not isinstance(value, dict):
            raise node.wrong("an object")
        return node

    def wrong(self, expected: str) -> TokenizerError:
        """Return the error that says what stands here and what was expected."""
        where = f"{self.file}: {self.path}" if self.path else f"{self.file}: the file"
        return TokenizerError(f"{where} is {shown(self.value)}, expected {expected}")

    def __getitem__(self, key: str | int) -> "Node":
        """Return the member of an object, of value None where it is absent, or of a list."""
        if isinstance(key, int):
            return Node(self.value[key], self.file, f"{self.path}[{key}]")
        value = self.record().get(key)
        return Node(value, self.file, f"{self.path}.{key}" if self.path else key)

    def __bool__(self) -> bool:
        return self.value is not None

    def record(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return self.value

    def items(self) -> Iterator["Node"]:
        """Yield the members of a list; none where there is no value."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        yield from (self[i] for i in range(len(self.value)))

    def text(self, default: str | None = None) -> str:
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, str):
            raise self.wrong("a string")
        try:
            self.value.encode()
        except UnicodeEncodeError:
            raise self.wrong("a string without lone surrogates") from None
        return self.value

    def flag(self, default: bool | None = None) -> bool:
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value

    def optional_flag(self) -> bool | None:
        return None if self.value is None else self.flag()

    def integer(self, default: int | None = None, *, least: int, most: int) -> int:
        if self.value is None and default is not None:
            return default
        if type(self.value) is not int or not least <= self.value <= most:
            raise self.wrong(f"a whole number from {least} to {most}")
        return self.value
