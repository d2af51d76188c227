"""Bertie on the standard library of Windows, as far as Linux can stand in for it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.cli.conftest import Terminal
from tests.server.serving import served
from tests.timeouts import TIMEOUT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stands in for Windows on Linux")

HERE = Path(__file__).parent / "windows"

_IMPORT_ALL = """
import importlib, importlib.util, pkgutil, bertie

def missing(error):
    # The package that isn't installed, where that is all that is wrong.
    while error is not None:
        name = getattr(error, "name", None)
        if isinstance(error, ModuleNotFoundError) and not name.startswith("bertie"):
            return name.partition(".")[0]
        error = error.__cause__ or error.__context__

imported, wrong = 0, []
for found in pkgutil.walk_packages(bertie.__path__, "bertie.", onerror=lambda name: None):
    try:
        importlib.import_module(found.name)
        imported += 1
    except Exception as error:
        name = missing(error)
        if name is None or importlib.util.find_spec(name) is not None:
            wrong.append(f"{found.name}: {error!r}")
print(imported, wrong)
"""
_EMBED = """
import sys, bertie
print(bertie.load(sys.argv[1], precision="float32").embed("a few words").tolist())
"""


def environment(*, windows: bool) -> dict[str, str]:
    """The environment of a process that finds Bertie, and Windows' library if need be."""
    paths = [str(HERE)] if windows else []
    paths += filter(None, [os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def python(*arguments: object, windows: bool = True, succeeds: bool = True) -> str:
    """Run Python as on Windows. Returns: what it printed, or complained where it is to fail."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=environment(windows=windows),
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode == 0) == succeeds, done.stderr
    return done.stdout if succeeds else done.stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import fcntl", "No module named 'fcntl' on Windows"),
        ("import os; os.fork", "has no attribute 'fork'"),
        ("from signal import SIGKILL", "cannot import name 'SIGKILL'"),
        ("import os; os.open('/', os.O_RDONLY)", "as on Windows"),
        ("import os; f = open('read'); os.fsync(f.fileno())", "as on Windows"),
        ("f = open('open', 'w'); import os; os.unlink('open')", "as on Windows"),
        ("open('a', 'w'); open('b', 'w'); import os; os.rename('a', 'b')", "as on Windows"),
        ("import subprocess; subprocess.Popen(['true'], pass_fds=(1,))", "not supported"),
    ],
)
def test_what_windows_lacks_is_lacking_to_bertie(
    code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("read").touch()
    whole = f"exec({code!r}, {{'__package__': 'bertie', '__name__': 'bertie.any'}})"
    assert said in python("-c", whole, succeeds=False)
    python("-c", whole, windows=False)


def test_every_module_is_imported() -> None:
    imported, _, wrong = python("-c", _IMPORT_ALL).strip().partition(" ")
    assert wrong == "[]"
    assert int(imported) > 250


def test_a_model_gives_the_same_vector(tiny_sentence: Path) -> None:
    expected = python("-c", _EMBED, tiny_sentence, windows=False)
    assert python("-c", _EMBED, tiny_sentence) == expected


def test_a_pytorch_checkpoint_is_read(torch_data: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from bertie.checkpoint.pytorch import read_pytorch;"
        "print(len(read_pytorch(Path(sys.argv[1]))))"
    )
    assert int(python("-c", code, torch_data / "zip.bin")) > 0


def test_memory_is_what_the_system_counts() -> None:
    code = (
        "from bertie.system.memory import peak_resident_bytes, resident_bytes;"
        "before = resident_bytes(); block = b'x' * 50_000_000;"
        "print(resident_bytes() - before > 45_000_000, peak_resident_bytes() >= resident_bytes())"
    )
    assert python("-c", code) == "True True\n"


def test_the_cache_lies_in_the_local_application_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from bertie.sources import cache_directory; print(cache_directory())"
    for name in ("BERTIE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert python("-c", code) == f"{tmp_path / 'bertie'}\n"
    assert python("-c", code, windows=False) == f"{Path.home() / '.cache' / 'bertie'}\n"
    monkeypatch.delenv("LOCALAPPDATA")
    assert python("-c", code) == f"{Path.home() / '.cache' / 'bertie'}\n"


def test_a_bundle_is_exported_packed_pulled_and_replaced(
    tiny_sentence: Path, tmp_path: Path
) -> None:
    for windows in (False, True):
        place = tmp_path / f"bundle-{windows}"
        command = ["-m", "bertie", "export", tiny_sentence, place, "--precision", "int8"]
        command += ["--min-cosine", "0.1"]  # nobody trained it
        python(*command, windows=windows)
        assert "exists already" in python(*command, windows=windows, succeeds=False)
        python(*command, "--force", windows=windows)
    ours, theirs = (
        {path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()}
        for place in (tmp_path / "bundle-False", tmp_path / "bundle-True")
    )
    sealed = Path("bertie.json")  # which says when it was made
    assert {**ours, sealed: b""} == {**theirs, sealed: b""}
    packed = tmp_path / "one.bertie"
    python("-m", "bertie", "export", tmp_path / "bundle-True", packed, "--pack")
    assert "int8" in python("-m", "bertie", "info", packed)
    python("-m", "bertie", "pull", packed, "--again")


def test_what_is_open_is_not_replaced_and_the_message_says_so(
    tiny_sentence: Path, tmp_path: Path
) -> None:
    code = """
import sys, bertie
from bertie.export import write_bundle
place = sys.argv[2]
write_bundle(sys.argv[1], place, precision="float32")
model = bertie.load(place)
try:
    write_bundle(sys.argv[1], place, precision="float32", force=True)
except bertie.BertieError as error:
    print(error)
model.embed("still there")
bertie.load(place).embed("and whole")
"""
    said = python("-c", code, tiny_sentence, tmp_path / "bundle")
    assert "Windows replaces nothing that a running program has open" in said
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_job_has_one_run_at_a_time_and_the_bytes_of_linux(
    tiny_sentence: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow", reason="needs bertie[jobs]")
    rows = tmp_path / "rows.txt"
    rows.write_text("".join(f"row {number} é中\n" for number in range(50)), encoding="utf-8")
    outputs = []
    for windows in (False, True):
        out = tmp_path / f"out-{windows}.jsonl"
        python(
            "-m", "bertie", "run", "embed", rows, "-o", out, "-m", tiny_sentence, windows=windows
        )
        outputs.append(out.read_bytes())
    assert outputs[0] == outputs[1]
    held = """
import subprocess, sys
from pathlib import Path
from bertie.jobs.job import Job
from bertie.jobs.layout import layout_of
with layout_of(Job("embed", (sys.argv[1],), Path(sys.argv[2]))).locked():
    sys.exit(subprocess.run([sys.executable, "-m", "bertie", "run", "embed", sys.argv[1], "-o",
                             sys.argv[2], "-m", sys.argv[3]]).returncode)
"""
    said = python("-c", held, rows, tmp_path / "new.jsonl", tiny_sentence, succeeds=False)
    assert "another run (process " in said


def test_a_lock_is_refused_waited_for_and_gone_with_its_process(tmp_path: Path) -> None:
    code = """
import os, subprocess, sys, time
from pathlib import Path
from bertie.system.locks import Lock

path = Path(sys.argv[1])
hold = '''
import sys, time
from pathlib import Path
from bertie.system.locks import Lock
lock = Lock(Path(sys.argv[1]))
lock.take()
lock.file.write("mine")
lock.file.flush()
print("held", flush=True)
time.sleep(60)
'''
holder = subprocess.Popen([sys.executable, "-c", hold, path], stdout=subprocess.PIPE)
assert holder.stdout.readline() == b"held\\n"
with Lock(path) as lock:
    try:
        lock.take()
    except BlockingIOError:
        lock.file.seek(0)
        print("refused, for it is", lock.file.read())
    lock.take(lambda: holder.kill())
    print("taken")
with Lock(path) as lock, Lock(path) as other:
    lock.take()
    try:
        other.take()
    except BlockingIOError:
        print("refused")
holder.wait()
"""
    assert python("-c", code, tmp_path / "lock") == "refused, for it is mine\ntaken\nrefused\n"


def test_search_asks_in_a_loop_on_a_terminal(
    tiny_sentence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("text\nthe dog\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", environment(windows=True)["PYTHONPATH"])
    asked = Terminal("search", rows, "-m", tiny_sentence, "-k", "1")
    asked.wait_for("? ")
    asked.type("the dog\n")
    asked.wait_for("1.000", "? ")
    asked.type("\x04")
    assert asked.end() == 0


def test_a_server_hands_its_worker_a_socket_and_ends_on_ctrl_c(
    tiny_sentence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("uvicorn", reason="needs bertie[server]")
    monkeypatch.setenv("PYTHONPATH", environment(windows=True)["PYTHONPATH"])
    log = tmp_path / "log"
    with served(f"tiny={tiny_sentence}", "--workers", "2", log=log) as server:
        body = json.dumps({"input": ["a few words"]}).encode()
        asked = Request(f"{server.url}/v1/embeddings", body, {"content-type": "application/json"})
        with urlopen(asked, timeout=TIMEOUT) as answer:
            assert len(json.load(answer)["data"][0]["embedding"]) > 0
        with urlopen(f"{server.url}/v1/status", timeout=TIMEOUT) as answer:
            workers = [worker["pid"] for worker in json.load(answer)["workers"]]
        assert all(Path(f"/proc/{pid}").is_dir() for pid in workers)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(TIMEOUT) == 0
        assert not any(Path(f"/proc/{pid}").is_dir() for pid in workers)
    assert "Traceback" not in log.read_text(encoding="utf-8")
