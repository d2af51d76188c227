"""Which variables are told, and that no secret is."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertie.environment import HIDDEN
from bertie.environment.variables import variables
from bertie.server.option import options_of
from bertie.server.settings import GROUPS

SECRET = "s3cr3t"
ANYTHING = st.text(string.ascii_letters + string.digits + "@:/?#%&=;,+-._~![]() \n", max_size=12)
HOSTS = st.from_regex(r"[a-z]{1,9}(\.[a-z]{2,3})?(:\d{2,5})?", fullmatch=True)


def test_what_nothing_reads_is_not_told() -> None:
    environ = {"HOME": "/root", "PATH": "/bin", "AWS_SECRET_ACCESS_KEY": SECRET, "BERTIE": "x"}
    assert variables(environ) == {}


def test_what_bertie_and_its_libraries_read_is_told_by_name() -> None:
    environ = {
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "BERTIE_HOME": "/models",
        "BERTIE_BATCH_TOKENS": "4096",
        "no_proxy": "localhost,10.0.0.0/8",
        "https_proxy": "proxy:3128",
        "HF_ENDPOINT": "https://mirror.example",
    }
    assert variables(environ) == environ
    assert list(variables(environ)) == sorted(environ)


def test_every_variable_of_the_server_is_told() -> None:
    named = {option.variable: "8" for group in GROUPS.values() for option in options_of(group)}
    told = variables(named)
    assert set(told) == set(named)
    hidden = {name for name, value in told.items() if value == HIDDEN}
    assert hidden == {"BERTIE_API_KEYS", "BERTIE_ADMIN_KEYS", "BERTIE_TLS_KEY"}


@pytest.mark.parametrize(
    "name",
    [
        "BERTIE_ADMIN_KEYS",
        "BERTIE_API_KEYS",
        "BERTIE_BATCH_TOKENS",
        "BERTIE_KEY",
        "HF_TOKEN",
        "HUGGING_FACE_HUB_TOKEN",
        "HUGGINGFACE_HUB_TOKEN",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "PIP_PROXY_PASSWORD",
        "BERTIE_CLIENT_SECRET",
        "BERTIE_CREDENTIALS",
        "bertie_key",
    ],
)
def test_a_secret_by_its_name_is_hidden(name: str) -> None:
    assert variables({name: SECRET}) == {name: HIDDEN}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("https://me:s3cr3t@host", "https://***@host"),
        ("https://s3cr3t@host:8443/", "https://***@host:8443"),
        ("HTTPS://me:s3cr3t@host/simple", "HTTPS://***@host/***"),
        ("socks5h://me:s3cr3t@host:1080", "socks5h://***@host:1080"),
        ("me:s3cr3t@proxy:3128", "***@proxy:3128"),
        ("https://me:s3@cr3t@host", "https://***@host"),
        ("https://me:a/s3cr3t@host", "https://***"),
        ("https://me:a?s3cr3t@host", "https://***"),
        ("https://host/s3cr3t/simple", "https://host/***"),
        ("https://host/simple?sig=s3cr3t", "https://host/***"),
        ("https://host?x=a@s3cr3t", "https://***"),
        ("https://host#s3cr3t", "https://host/***"),
        ("https://one,https://me:s3cr3t@two", "https://***"),
        ("https://one https://me:s3cr3t@two", "https://***"),
        ("books=https://me:s3cr3t@host", "***@host"),
        ("odd://me:s3cr3t@host", "***@host"),
        ("odd://host/s3cr3t", "host/***"),
        ("/models/hf_s3cr3ts3cr3t", "/models/***"),
        ("https://host", "https://host"),
        ("https://[::1]:8080/", "https://[::1]:8080"),
    ],
)
def test_an_address_loses_what_may_be_secret(value: str, told: str) -> None:
    for name in ("HF_ENDPOINT", "BERTIE_RELEASES_URL", "BERTIE_TRACES", "https_proxy"):
        assert variables({name: value}) == {name: told}


@given(
    before=ANYTHING, after=ANYTHING, host=HOSTS, scheme=st.sampled_from(["", "https://", "x://"])
)
def test_no_password_gets_through(before: str, after: str, host: str, scheme: str) -> None:
    password = f"{before}{SECRET}{after}"
    for user in ("", "me:"):
        told = variables({"HTTPS_PROXY": f"{scheme}{user}{password}@{host}"})
        assert SECRET not in told["HTTPS_PROXY"]


@given(before=ANYTHING, after=ANYTHING, mark=st.sampled_from("/?#"), host=HOSTS)
def test_nothing_behind_the_host_gets_through(
    before: str, after: str, mark: str, host: str
) -> None:
    told = variables({"PIP_INDEX_URL": f"https://{host}{mark}{before}{SECRET}{after}"})
    assert SECRET not in told["PIP_INDEX_URL"]
    assert told["PIP_INDEX_URL"].startswith("https://")
