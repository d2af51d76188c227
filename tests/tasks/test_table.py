"""A task of the table can be used in every way that there is (CONTRIBUTING.md, "A task")."""

import re
from collections.abc import Collection, Mapping

import pytest

import bertie
from bertie.bench.tasks import TASK_CALLS
from bertie.cli.main import COMMANDS
from bertie.client.methods import REMOTE_METHODS
from bertie.evaluate.run import MEASURED
from bertie.jobs.tasks import JOB_TASKS
from bertie.server.http.apis.own import ROUTES
from bertie.server.page import files
from bertie.tasks.methods import METHODS
from bertie.tasks.table import TASK_OF_METHOD, TASKS
from tests.tasks.test_methods import class_of

VIEWS = files()["/page/views.js"].content.decode()
# The file that makes tasks usable in one way → those that it does.
USABLE: Mapping[str, Collection[str | None]] = {
    "__init__.py": [name for name in TASKS if class_of(name).__name__ in bertie.__all__],
    "tasks/methods.py": [method.task for method in METHODS.values()],
    "jobs/tasks.py": [*JOB_TASKS],
    "server/http/apis/own.py": [route.task for route in ROUTES],
    "server/page/views.js": re.findall(r'"(\w+)"', "".join(re.findall(r"tasks: \[.*\]", VIEWS))),
    "client/methods.py": [TASK_OF_METHOD.get(name) for name in REMOTE_METHODS],
    "cli/main.py": [name.replace("-", "_") for name in COMMANDS],
    "evaluate/run.py": [*MEASURED],
    "bench/tasks.py": [*TASK_CALLS],
}


@pytest.mark.parametrize("file", USABLE)
def test_every_task_has_a_row(file: str) -> None:
    assert set(TASKS) - set(USABLE[file]) == set(), f"src/bertie/{file} lacks these"
