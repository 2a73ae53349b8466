"""A job queue on this machine that speaks as the EBRAINS service does, its failures included."""

import base64
import io
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from tests.hardware.spinnaker import integers

TOKEN = "a-secret-token"


class Queue:
    """What the server does.

    Attributes:
        statuses: the job's status at each look; the last one stays.
        failures: how the next requests fail, before any is answered: an HTTP status, or "drop" to close the connection.
        shifts: of the network that is submitted, for the integers that make up the output.
        log: of the job.
        jobs: the jobs submitted.
        requests: (method, path, authorisation) of every request.
    """

    def __init__(self, shifts=(), statuses=("submitted", "running", "finished"), failures=(), log=""):
        self.statuses, self.failures, self.shifts, self.log = list(statuses), list(failures), shifts, log
        self.jobs, self.requests, self.recorded = [], [], b""
        self.damage = lambda recorded: recorded
        self.file_name = "recorded.npz"

    def accept(self, job):
        """Take a job in; compute in integers what it would record."""
        self.jobs.append(job)
        packed = re.search(r'^NETWORK = "([^"]+)"$', job["code"], re.MULTILINE)
        if packed and self.shifts:
            with np.load(io.BytesIO(base64.b64decode(packed[1]))) as archive:
                arrays = dict(archive)
            file = io.BytesIO()
            np.savez_compressed(file, **self.damage(integers.record(arrays, self.shifts)))
            self.recorded = file.getvalue()
        return {"id": 7, "resource_uri": "/jobs/7", "status": "submitted"}

    def look(self, address):
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        job = {"id": 7, "status": status, "log": self.log, "output_data": None}
        if status == "finished":
            files = [{"url": f"{address}/files/{self.file_name}", "path": self.file_name, "size": len(self.recorded)}]
            job["output_data"] = {"repository": "SpiNNaker Manchester temporary storage", "files": files}
        return job


@contextmanager
def serving(queue):
    """Serve `queue` and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self):
            queue.requests.append((self.command, self.path, self.headers.get("Authorization")))
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            failure = queue.failures.pop(0) if queue.failures else None
            if failure == "drop":
                self.close_connection = True
                return
            if failure:
                self.answer(failure, {"detail": f"failure {failure}"})
            elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self.answer(401, {"detail": "token has expired"})
            elif self.command == "POST" and self.path == "/jobs/":
                self.answer(201, queue.accept(json.loads(body)))
            elif self.path.startswith("/jobs/7"):
                self.answer(200, queue.look(f"http://127.0.0.1:{self.server.server_port}"))
            elif self.path.startswith("/files/"):
                self.answer(200, queue.recorded)
            else:
                self.answer(404, {"detail": "not found"})

        do_GET = do_POST = handle_one

        def answer(self, status, content):
            raw = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
