"""The client against a queue on this machine, and what it says when the queue fails."""

import pytest

from snnviz.errors import InputError
from snnviz.hardware.spinnaker import ebrains
from tests.hardware.spinnaker.queue_server import TOKEN, Queue, serving


@pytest.fixture
def queue():
    return Queue()


@pytest.fixture
def client(queue):
    with serving(queue) as address:
        yield ebrains.JobQueue(address, TOKEN, timeout=60, attempts=3, pause=0.01)


def test_submit_watch_fetch(queue, client, tmp_path):
    queue.recorded = b"spikes"
    number = client.submit("print(1)", "my-collab")
    assert queue.jobs == [
        {
            "code": "print(1)",
            "command": "run.py",
            "collab": "my-collab",
            "hardware_platform": "SpiNNaker",
            "hardware_config": {},
        }
    ]
    seen = []
    job = client.wait(number, 5, 0.01, on_status=seen.append)
    assert seen == ["submitted", "running", "finished"]
    client.fetch(job, "recorded.npz", tmp_path / "out.npz")
    assert (tmp_path / "out.npz").read_bytes() == b"spikes"


@pytest.mark.parametrize("failure", [500, 503, "drop"])
def test_a_passing_failure_is_tried_again(failure, queue, client):
    queue.failures = [failure, failure]
    assert client.job(7)["status"] == "submitted"
    assert len(queue.requests) == 3


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (401, "`EBRAINS_TOKEN` must be a valid token .* Received: 401"),
        (403, "`EBRAINS_TOKEN` must be a valid token .* Received: 403"),
        (404, "`job` must exist. Received: .*/jobs/7, which does not"),
        (422, "must accept the request. Received: 422 failure 422"),
        (500, "must accept the request. Received: 500 failure 500"),
        ("drop", "must be reachable. Received: no connection"),
    ],
)
def test_a_lasting_failure_is_one_sentence(failure, message, queue, client):
    queue.failures = [failure] * 3
    with pytest.raises(InputError, match=message) as caught:
        client.job(7)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("failure", [500, "drop"])
def test_a_job_is_never_submitted_twice(failure, queue, client):
    queue.failures = [failure]
    with pytest.raises(InputError):
        client.submit("print(1)", "my-collab")
    assert len(queue.requests) == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("error", r"`job` 7 must finish. Received: status 'error' \(OutOfMemory on chip 3\)"),
        ("removed", "`job` 7 must finish. Received: it was removed from the queue"),
    ],
)
def test_a_job_that_fails(status, message, queue, client):
    queue.statuses, queue.log = ["running", status], "line\nOutOfMemory on chip 3\n\n"
    with pytest.raises(InputError, match=message):
        client.wait(7, 5, 0.01)


def test_a_job_that_takes_too_long(queue, client):
    queue.statuses = ["running"]
    with pytest.raises(InputError, match=r"within 0.05 s. Received: status 'running'; it goes on"):
        client.wait(7, 0.05, 0.02)


def test_a_job_without_the_file(queue, client, tmp_path):
    queue.statuses, queue.file_name = ["finished"], "other.npz"
    with pytest.raises(InputError, match=r"`job` 7 must leave recorded.npz"):
        client.fetch(client.job(7), "recorded.npz", tmp_path / "out.npz")
    assert not list(tmp_path.iterdir())


def test_a_download_that_breaks_leaves_nothing(queue, client, tmp_path):
    queue.statuses = ["finished"]
    job = client.job(7)
    queue.failures = ["drop"] * 3
    with pytest.raises(
        InputError, match=r"`recorded.npz` of job 7 must be fetched. Received: no connection; the same command"
    ):
        client.fetch(job, "recorded.npz", tmp_path / "out.npz")
    assert not list(tmp_path.iterdir())


def test_the_token_goes_nowhere_else(queue, client, tmp_path):
    queue.statuses, queue.recorded = ["finished"], b"spikes"
    other = Queue()
    with serving(other) as elsewhere:
        job = {"id": 7, "output_data": [{"url": f"{elsewhere}/files/recorded.npz"}]}
        with pytest.raises(InputError, match=r"401"):  # that server wants a token too, and gets none
            client.fetch(job, "recorded.npz", tmp_path / "out.npz")
    assert other.requests == [("GET", "/files/recorded.npz", None)]
    assert TOKEN not in repr(client)


def test_no_one_there():
    client = ebrains.JobQueue("http://127.0.0.1:9", TOKEN, timeout=1, attempts=2, pause=0.01)
    with pytest.raises(InputError, match=r"`service` http://127.0.0.1:9 must be reachable. Received: no connection"):
        client.job(1)


@pytest.mark.parametrize(
    "url",
    ["http://example.org", "ftp://127.0.0.1", "", "https://", "https://a b", "https://[::1", "file:///etc/passwd"],
)
def test_addresses_that_are_none(url):
    with pytest.raises(InputError, match=r"`service` must be an https address"):
        ebrains.service_address("service", url)


def test_addresses():
    assert (
        ebrains.service_address("service", "https://spinnaker.example/spalloc/") == "https://spinnaker.example/spalloc"
    )
    assert ebrains.service_address("service", "http://localhost:8080") == "http://localhost:8080"
    with pytest.raises(InputError, match=r"must not hold a user or password") as caught:
        ebrains.service_address("server", "https://me:hidden@spinnaker.example")
    assert "hidden" not in str(caught.value)


def test_too_large_a_program(client, queue):
    with pytest.raises(InputError, match=r"`items` must be fewer: .* 8 MiB. Received: 9.0 MiB"):
        client.submit("#" * 9 * 2**20, "my-collab")
    assert not queue.requests


def test_credentials_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("EBRAINS_TOKEN", "abc")
    assert ebrains.credential("EBRAINS_TOKEN") == "abc"
    monkeypatch.delenv("EBRAINS_TOKEN")
    with pytest.raises(
        InputError, match=r"`EBRAINS_TOKEN` must be set in the environment, or stored with `keyring set snnviz"
    ):
        ebrains.credential("EBRAINS_TOKEN")
