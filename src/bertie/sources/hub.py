"""Models of the Hugging Face hub, through the hub's own client."""

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bertie.errors import SourceError
from bertie.sources import layout
from bertie.sources.environment import Unreachable, offline
from bertie.sources.manifest import sha256
from bertie.sources.names import HubModel
from bertie.sources.progress import Progress, watching

TIMEOUT = 3.0  # seconds that the hub has to say what a repository holds
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Listing:
    """What a repository holds at one commit; no sizes where it is only in the hub's cache."""

    commit: str
    sizes: dict[str, int | None]
    snapshot: Path | None


def fetch(name: HubModel, into: Path, progress: Progress) -> str:
    """Bring a hub model's files into a directory.

    They come from the hub client's own cache where they are there, and go into it where not; the
    directory gets hard links to them where the disk allows it.

    Returns: where it came from, with the exact commit.
    Raises: SourceError: no such repository or revision, no access, no network, or no model in it.
    """
    progress("asking the hub", 0, None)
    listing = _listing(name)
    files = layout.needed_files(listing.sizes)
    if missing := layout.missing_parts(listing.sizes):
        reasons = layout.refused_files(listing.sizes)
        raise SourceError(
            f"hub {name} lacks {', '.join(map(str, missing))}; "
            + "; ".join([f"it has {_shortened(listing.sizes) or 'no files'}", *reasons])
        )
    for file in files:
        path = _file(name, listing, file, files, progress)
        _check(path, f"hub {name}: {file}")
        target = into / file
        target.parent.mkdir(parents=True, exist_ok=True)
        _link(path, target)
    return f"hub {name.repo}@{listing.commit}"


def _listing(name: HubModel) -> Listing:
    """Ask the hub what a repository holds, or else the hub client's cache."""
    if offline():
        reason = "BERTIE_OFFLINE forbids the network"
    else:
        from huggingface_hub import HfApi

        try:
            info = _with_timeout(
                lambda: HfApi().model_info(
                    name.repo,
                    revision=name.revision,
                    files_metadata=True,
                    timeout=TIMEOUT,
                )
            )
            sizes = {file.rfilename: file.size for file in info.siblings or ()}
            return Listing(str(info.sha), sizes, None)
        except Exception as error:
            reason = _unreachable_reason(name, error)
    snapshot = _cached_snapshot(name)
    if snapshot is None:
        raise Unreachable(f"hub {name}: {reason}")
    names = [path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*")]
    present = {file: None for file in names if (snapshot / file).is_file()}
    if missing := layout.missing_parts(present):
        raise Unreachable(
            f"hub {name}: {reason}; the hub client's cache has part of it ({snapshot}), "
            f"without {', '.join(map(str, missing))}"
        )
    return Listing(snapshot.name, dict(present), snapshot)


def _with_timeout(request: Callable[[], Any]) -> Any:
    """Run a request to the hub, and stop waiting for it after TIMEOUT.

    The client's own time-out covers neither looking up the address nor an answer that trickles.
    """
    answer: list[Any] = []
    failure: list[Exception] = []

    def run() -> None:
        try:
            answer.append(request())
        except Exception as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    if failure:
        raise failure[0]
    if not answer:
        raise TimeoutError(f"no answer within {TIMEOUT:g} s")
    return answer[0]


def _unreachable_reason(name: HubModel, error: Exception) -> str:
    """Say why the hub gave no listing; a plain no of the hub's is raised instead."""
    from huggingface_hub.errors import (
        GatedRepoError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if isinstance(error, OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids the network"
    if isinstance(error, GatedRepoError):
        raise SourceError(
            f"hub {name} is gated: accept its terms on the hub, then set HF_TOKEN to your token"
        ) from error
    if isinstance(error, RepositoryNotFoundError):
        raise SourceError(
            f"the hub has no repository {name.repo} that this token may see, and there is no "
            "directory of that name here; check the name, and set HF_TOKEN if it is private"
        ) from error
    if isinstance(error, RevisionNotFoundError):
        raise SourceError(f"hub {name.repo} has no revision {name.revision!r}") from error
    where = os.environ.get("HF_ENDPOINT", "the hub")
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"{where} did not answer ({first_line})"


def _cached_snapshot(name: HubModel) -> Path | None:
    """The state of a repository that the hub client's cache has for its revision."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(name.repo, "config.json", revision=name.revision)
    return Path(config).parent if isinstance(config, str) else None


def _file(
    name: HubModel, listing: Listing, file: str, files: list[str], progress: Progress
) -> Path:
    """One file's path in the hub client's cache, fetched when it isn't there yet."""
    if listing.snapshot is not None:
        return listing.snapshot / file
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.file_download import repo_folder_name

    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name.repo, repo_type="model")
    what = f"fetching {file} ({files.index(file) + 1} of {len(files)})"
    with (
        _no_progress_bars(),
        watching(folder / "blobs", what, progress, lambda: listing.sizes[file]),
    ):
        try:
            return Path(
                hf_hub_download(name.repo, file, revision=listing.commit, etag_timeout=TIMEOUT)
            )
        except Exception as error:
            raise Unreachable(f"hub {name}: {file} could not be fetched: {error}") from error


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Keep the hub client's own progress bars away."""
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    were_disabled = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        if not were_disabled:
            enable_progress_bars()


def _check(path: Path, what: str) -> None:
    """Hold a large file against its name in the hub client's cache, which is its SHA-256."""
    blob = path.resolve().name
    if _SHA256.fullmatch(blob) and sha256(path) != blob:
        raise SourceError(
            f"{what} is damaged: its SHA-256 is not the {blob} that the hub names; "
            f"remove {path.resolve()} and pull again"
        )


def _link(path: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the disk can't."""
    try:
        os.link(path.resolve(), target)
    except OSError:
        shutil.copyfile(path, target)


def _shortened(names: dict[str, int | None]) -> str:
    """A few names, for a message."""
    listed = sorted(names)
    return ", ".join(listed[:12]) + (f" and {len(listed) - 12} more" if len(listed) > 12 else "")
