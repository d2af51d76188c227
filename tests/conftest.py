"""What several test modules share: models, a cache of their own, and how property tests run."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from bertie import _core
from bertie.checkpoint.directory import Checkpoint
from bertie.checkpoint.shapes import encoder_tensors
from bertie.engine import encoder
from bertie.errors import SourceError
from bertie.sources import resolve
from tests.auto import sitecustomize
from tests.tasks.heads import add_fill_head, add_projection

# No time limit on one example, for CI machines are uneven.
settings.register_profile(
    "bertie", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("bertie")

DATA = Path(__file__).parent / "data"
_USERS_HOME = os.environ.get("BERTIE_HOME")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--auto",
        choices=("float32", "bfloat16"),
        help="the precision that 'auto' means in this run: on another of the CPU's instruction"
        " sets, or, where none has that meaning or BERTIE_ISA names one, by a patch",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Give `auto` the meaning that was asked for, here and in every child process."""
    wanted = config.getoption("auto")
    if wanted in (None, encoder.auto_precision().value):
        return
    if not os.environ.get("BERTIE_ISA"):
        for isa in _core.available_isas():
            if (encoder.bfloat16_speed(isa) == "faster") == (wanted == "bfloat16"):
                os.environ["BERTIE_ISA"] = isa
                return
    os.environ[sitecustomize.VARIABLE] = f"{encoder.selected_isa()}={wanted}"
    paths = [str(Path(sitecustomize.__file__).parent), os.environ.get("PYTHONPATH")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    sitecustomize.change_auto(encoder)


def pytest_report_header() -> str:
    return f"auto: {encoder.auto_precision().value}, on {encoder.selected_isa()}"


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of the tests' own, so that they neither use nor change the user's."""
    home = tmp_path_factory.mktemp("bertie-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BERTIE_HOME", str(home))
        yield home


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """Child processes that take an interrupt, also where the tests were started without (nohup)."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # which children would inherit; of a handler they get the default
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The default model's directory, from the user's cache, fetched into it where need be."""
    with pytest.MonkeyPatch.context() as patch:
        if _USERS_HOME is None:
            patch.delenv("BERTIE_HOME", raising=False)
        else:
            patch.setenv("BERTIE_HOME", _USERS_HOME)
        try:
            return resolve("minilm")
        except SourceError as error:
            pytest.skip(f"the default model can't be had here: {error}")


@pytest.fixture(scope="session")
def tiny_bert() -> Path:
    """The directory of a random BERT of awkward sizes (scripts/make_fixtures.py)."""
    return DATA / "tiny-bert"


@pytest.fixture(scope="session")
def tiny_sentence() -> Path:
    """The same with pooling, a dense layer and normalization, as sentence-transformers saves it."""
    return DATA / "tiny-sentence"


@pytest.fixture(scope="session")
def torch_data() -> Path:
    """Files that torch saved, and what is in them (scripts/make_torch_fixtures.py)."""
    return DATA / "torch"


@pytest.fixture(scope="session")
def tiny(tiny_bert):
    """The tiny BERT's checkpoint."""
    return Checkpoint.open(tiny_bert)


@pytest.fixture(scope="session")
def tiny_tensors(tiny):
    """The tiny checkpoint's encoder tensors, as they lie in its file."""
    return encoder_tensors(tiny)


@pytest.fixture(scope="session")
def tiny_arrays(tiny_tensors):
    """The same as float32 arrays."""
    return {name: tensor.float32() for name, tensor in tiny_tensors.items()}


@pytest.fixture(scope="session")
def tiny_expected(tiny_bert):
    """What transformers computes with the tiny checkpoint."""
    with np.load(tiny_bert / "expected.npz") as stored:
        return dict(stored)


@pytest.fixture
def bert(tiny_bert: Path, tmp_path: Path) -> Path:
    """A copy of the tiny BERT, which a test may damage."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "bert"))


@pytest.fixture
def filler(bert: Path) -> Path:
    """A tiny BERT that fills masks, at random, by its own word embeddings."""
    add_fill_head(bert)
    return bert


@pytest.fixture
def colbert(bert: Path) -> Path:
    """A tiny BERT with a projection of every token, at random."""
    add_projection(bert)
    return bert


@pytest.fixture
def sentence(tiny_sentence: Path, tmp_path: Path) -> Path:
    """A copy of the tiny sentence-transformers model, which a test may damage."""
    return Path(shutil.copytree(tiny_sentence, tmp_path / "sentence"))
