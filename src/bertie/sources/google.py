"""Google's releases, fetched from where Google keeps them or from a mirror."""

import json
from pathlib import Path

from bertie.errors import SourceError
from bertie.sources import archive, http
from bertie.sources.environment import Unreachable, offline
from bertie.sources.progress import Progress
from bertie.sources.releases import TOKENIZER, Release

CONFIG = "bert_config.json"
VOCABULARY = "vocab.txt"
_CHECKPOINT = "bert_model.ckpt."


def fetch(release: Release, into: Path, archive_file: Path, progress: Progress) -> str:
    """Bring a release's files into a directory.

    Beside Google's files it gets a tokenizer_config.json that says whether to lower-case, which
    Google says on its page only.

    Args:
        archive_file: where its zip file is put, and what an earlier fetch left of it there.
    Returns: where it came from.
    Raises: Unreachable: the network isn't there or may not be used, or broke off.
    Raises: SourceError: no such release, or an archive that can't be trusted or isn't one.
    """
    if offline():
        raise Unreachable(f"{release}: BERTIE_OFFLINE forbids the network")
    url = release.url
    archive_file.parent.mkdir(parents=True, exist_ok=True)
    http.download(url, archive_file, f"fetching {release}", progress)
    # An archive that is broken is of no use to the next fetch, one that was interrupted here is.
    try:
        names = archive.member_names(archive_file)
        folder = _folder(release, names)
        prefix = f"{folder}/" if folder else ""
        files = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        archive.extract(archive_file, folder, filter(_is_needed, files), into, progress)
    except SourceError:
        http.forget(archive_file)
        raise
    http.forget(archive_file)
    settings = {"do_lower_case": release.lower}
    (into / TOKENIZER).write_text(json.dumps(settings) + "\n", encoding="utf-8", newline="\n")
    return url


def _folder(release: Release, names: list[str]) -> str:
    """Find the folder of the archive that is the model."""
    folders = {name.rpartition("/")[0] for name in names if name.rpartition("/")[2] == CONFIG}
    for folder in sorted(folders):
        prefix = f"{folder}/" if folder else ""
        if {prefix + VOCABULARY, f"{prefix}{_CHECKPOINT}index"} <= set(names):
            return folder
    raise SourceError(
        f"{release}: none of the archive's folders has {CONFIG}, {VOCABULARY} and"
        f" {_CHECKPOINT}index; it has {', '.join(names[:12]) or 'no files'}"
    )


def _is_needed(name: str) -> bool:
    """Choose the files of a model from those of its folder."""
    return name in (CONFIG, VOCABULARY) or name.startswith(_CHECKPOINT)
