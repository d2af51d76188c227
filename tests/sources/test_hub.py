"""Models of the hub, from one that runs on this machine."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.timeouts import TIMEOUT

from .conftest import COMMIT, Server, model_files, serve_hub

Bertie = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub(server: Server, home: Path, tiny_sentence: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A hub with one model, and much beside it that nobody needs."""
    extra = {"README.md": b"# read me", "onnx/model.onnx": b"0" * 1000, "pytorch_model.bin": b"0"}
    serve_hub(server, "acme/tiny", {**model_files(tiny_sentence), **extra})
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    return server


def test_a_model_is_fetched_with_only_the_files_needed(
    hub: Server, home: Path, bertie: Bertie, tiny_sentence: Path
) -> None:
    ran = bertie("pull", "acme/tiny")
    assert ran.returncode == 0, ran.stderr
    directory = Path(ran.stdout.strip())
    assert directory == home / "models/hub/acme/tiny"
    assert f"from hub acme/tiny@{COMMIT}" in ran.stderr
    for name, data in model_files(tiny_sentence).items():
        assert (directory / name).read_bytes() == data
    assert not any("README" in asked or "onnx" in asked or ".bin" in asked for asked in hub.asked)


def test_once_cached_the_hub_is_not_asked(hub: Server, bertie: Bertie) -> None:
    first = bertie("pull", "acme/tiny")
    hub.asked.clear()
    assert bertie("pull", "acme/tiny").stdout == first.stdout
    assert hub.asked == []


def test_a_revision_is_asked_for_and_kept_apart(
    hub: Server, home: Path, bertie: Bertie, tiny_sentence: Path
) -> None:
    serve_hub(hub, "acme/tiny", model_files(tiny_sentence), revision="v2")
    ran = bertie("pull", "acme/tiny@v2")
    assert Path(ran.stdout.strip()) == home / "models/hub/acme/tiny@v2"
    assert "GET /api/models/acme/tiny/revision/v2" in hub.asked


def test_the_token_is_sent(hub: Server, bertie: Bertie) -> None:
    assert bertie("pull", "acme/tiny", HF_TOKEN="hf_secret").returncode == 0
    sent = dict(zip(hub.asked, hub.authorizations, strict=True))
    assert sent["GET /api/models/acme/tiny"] == "Bearer hf_secret"


def test_the_hub_clients_own_cache_is_used(hub: Server, tmp_path: Path, bertie: Bertie) -> None:
    assert bertie("pull", "acme/tiny").returncode == 0
    snapshot = next((tmp_path / "hf").rglob("config.json")).parent
    refs = snapshot.parent.parent / "refs"  # as others fill it, which ask for main
    refs.mkdir(exist_ok=True)
    (refs / "main").write_text(COMMIT)
    for way in (
        {"BERTIE_OFFLINE": "1"},
        {"HF_HUB_OFFLINE": "1"},
        {"HF_ENDPOINT": "http://127.0.0.1:9"},
    ):
        ran = bertie("pull", "acme/tiny", BERTIE_HOME=str(tmp_path / "-".join(way)), **way)
        assert ran.returncode == 0, ran.stderr
        assert f"from hub acme/tiny@{COMMIT}" in ran.stderr


def test_half_a_model_in_the_hub_clients_cache_is_not_used(
    hub: Server, tmp_path: Path, bertie: Bertie
) -> None:
    assert bertie("pull", "acme/tiny").returncode == 0
    snapshot = next((tmp_path / "hf").rglob("model.safetensors"))
    snapshot.unlink()
    ran = bertie("pull", "acme/tiny", BERTIE_HOME=str(tmp_path / "other"), BERTIE_OFFLINE="1")
    assert ran.returncode == 1
    assert "BERTIE_OFFLINE forbids the network" in ran.stderr


def test_a_hub_that_says_nothing_is_given_three_seconds(
    hub: Server, home: Path, bertie: Bertie
) -> None:
    hub.silent = True
    ran = bertie("pull", "acme/tiny")
    assert hub.waits.get(timeout=TIMEOUT) < 9  # 3 s; ten, the hub's own, would not do
    assert ran.returncode == 1
    assert "did not answer" in ran.stderr
    assert str(home) in ran.stderr
    assert "`bertie pull acme/tiny`" in ran.stderr


def test_a_file_that_is_not_what_the_hub_names_is_refused(
    hub: Server, home: Path, bertie: Bertie
) -> None:
    path = f"/acme/tiny/resolve/{COMMIT}/model.safetensors"
    data, headers = hub.files[path]
    hub.files[path] = (bytes(len(data)), headers)
    ran = bertie("pull", "acme/tiny")
    assert ran.returncode == 1
    assert "model.safetensors is damaged" in ran.stderr
    assert not (home / "models").exists()


def test_a_repository_that_is_not_there_is_said_so(hub: Server, bertie: Bertie) -> None:
    ran = bertie("pull", "acme/none")
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1


def test_a_repository_without_weights_says_what_it_has(hub: Server, bertie: Bertie) -> None:
    serve_hub(hub, "acme/old", {"config.json": b"{}", "vocab.txt": b"", "tf_model.h5": b"0"})
    ran = bertie("pull", "acme/old")
    assert ran.returncode == 1
    assert "lacks weights (model.safetensors" in ran.stderr
    assert "tf_model.h5" in ran.stderr


def test_torchs_weights_are_fetched_where_there_are_no_others(hub: Server, bertie: Bertie) -> None:
    files = {"config.json": b"{}", "vocab.txt": b"", "pytorch_model.bin": b"0"}
    serve_hub(hub, "acme/old", files)
    ran = bertie("pull", "acme/old")
    assert ran.returncode == 0, ran.stderr
    assert (Path(ran.stdout.strip()) / "pytorch_model.bin").read_bytes() == b"0"


def test_files_are_not_kept_twice(hub: Server, home: Path, tmp_path: Path, bertie: Bertie) -> None:
    directory = Path(bertie("pull", "acme/tiny").stdout.strip())
    kept = next(path for path in (tmp_path / "hf").rglob("model.safetensors")).resolve()
    assert kept.samefile(directory / "model.safetensors")
