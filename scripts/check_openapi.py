"""Check that the OpenAPI document is true: Schemathesis asks a real server all that it says.

python scripts/check_openapi.py [EXAMPLES [PHASES]]

Needs Schemathesis, which Bertie's tests don't: pip install schemathesis. The server has a tiny
model for every task, so run it from a checkout. What is checked: statuses, media types and bodies
are the documented ones, what the document forbids is refused, and nothing is a fault of the server.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.server.running import make_models, running  # noqa: E402

DATA = ROOT / "tests" / "data"

# A request may ask for a millisecond, which is over before its answer: 504 is right then.
CONFIG = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 504]

# The document can't say which token ids a model has, or which models a server.
[checks.positive_data_acceptance]
enabled = false
"""

# Headers that nobody knows are nobody's business in HTTP, and empty ones say nothing.
HOOKS = """
import schemathesis

@schemathesis.hook
def filter_case(context, case):
    headers = case.headers or {}
    return not any("unknown-property" in name.lower() or not headers[name] for name in headers)
"""


def main() -> int:
    """Run the check. Returns: Schemathesis' exit code."""
    examples, phases = [*sys.argv[1:], *("10", "examples,coverage,fuzzing")[len(sys.argv) - 1 :]]
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        (directory / "schemathesis.toml").write_text(CONFIG)
        (directory / "hooks.py").write_text(HOOKS)
        models = make_models(directory, DATA / "tiny-bert", DATA / "tiny-sentence")
        with running(models) as up:
            options = ["--phases", phases, "--seed", "1", "--max-examples", examples]
            done = subprocess.run(
                ["schemathesis", "run", f"{up.url}/openapi.json", *options],
                cwd=directory,
                env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": made},
                check=False,
            )
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
