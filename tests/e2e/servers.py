"""Servers on this machine that stand for the remotes of the guide; each is a real program."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

PATIENCE_S = 60
LOCAL = "127.0.0.1"
AZURITE = Path(__file__).parents[2] / ".ci/node_modules/.bin/azurite-blob"
# Azurite's own account, which its documentation publishes.
AZURE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@dataclass(frozen=True)
class Server:
    """url: where it listens; environment: what its clients need."""

    url: str
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes]

    def die(self) -> None:
        """At once, with everything it started."""
        main = psutil.Process(self.process.pid)
        for process in [*main.children(recursive=True), main]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()


def missing(what: str) -> None:
    """Skip the test, saying what is not installed; fail where no test may be skipped."""
    if os.environ.get("AMELIO_TESTS_COMPLETE") == "1":
        pytest.fail(f"{what} is not installed, and AMELIO_TESTS_COMPLETE=1 forbids to skip")
    pytest.skip(f"{what} is not installed: .ci/run says how")


@contextmanager
def s3(folder: Path, buckets: Sequence[str]) -> Iterator[Server]:
    """An S3 of moto's with these buckets."""
    pytest.importorskip("moto")
    port = _free_port()
    url = f"http://{LOCAL}:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", LOCAL, "-p", str(port)]
    environment = {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with _running(command, port, folder / "s3.log") as process:
        for bucket in buckets:
            _put(f"{url}/{bucket}")
        yield Server(url, environment, process)


@contextmanager
def google(folder: Path, bucket: str) -> Iterator[Server]:
    """A Google Cloud Storage with one bucket."""
    pytest.importorskip("gcp_storage_emulator")
    port = _free_port()
    program = "from gcp_storage_emulator.__main__ import main; import sys; main(sys.argv[1:])"
    command = [sys.executable, "-c", program, "start", "--host", LOCAL, "--port", str(port)]
    command += ["--in-memory", "--default-bucket", bucket]
    with _running(command, port, folder / "gs.log") as process:
        url = f"http://{LOCAL}:{port}"
        off = {"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}  # the emulator has no such calls
        yield Server(url, {"STORAGE_EMULATOR_HOST": url, **off}, process)


@contextmanager
def azure(folder: Path, container: str) -> Iterator[Server]:
    """An Azure Blob Storage with one container; its URL is a connection string."""
    program = shutil.which("azurite-blob") or (str(AZURITE) if AZURITE.exists() else None)
    if program is None:
        missing("azurite")
    port = _free_port()
    quiet = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"]
    command = [str(program), *quiet, "--blobHost", LOCAL, "--blobPort", str(port)]
    with _running(command, port, folder / "azure.log") as process:
        from azure.storage.blob import BlobServiceClient

        connection = (
            "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
            f"AccountKey={AZURE_KEY};BlobEndpoint=http://{LOCAL}:{port}/devstoreaccount1;"
        )
        with BlobServiceClient.from_connection_string(connection) as client:
            client.create_container(container).close()
        yield Server(connection, {}, process)


@contextmanager
def ssh(folder: Path, port: int = 0) -> Iterator[Server]:
    """An SSH server that knows one key, `folder/key`, of the present user.

    port: 0: any; that of one that died: it is there again, with the same keys
    """
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        missing("sshd (openssh-server)")
    for name in () if port else ("host_key", "key"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(words, check=True)
    shutil.copy(folder / "key.pub", folder / "authorized_keys")
    Path("/run/sshd").mkdir(exist_ok=True) if os.geteuid() == 0 else None
    port = port or _free_port()
    settings = {
        "Port": str(port),
        "ListenAddress": LOCAL,
        "HostKey": str(folder / "host_key"),
        "AuthorizedKeysFile": str(folder / "authorized_keys"),
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "Subsystem": "sftp internal-sftp",
    }
    config = folder / "sshd_config"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    command = [str(program), "-D", "-e", "-f", str(config)]
    with _running(command, port, folder / "sshd.log") as process:
        yield Server(f"ssh://{LOCAL}:{port}", {}, process)


@contextmanager
def _running(command: Sequence[str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, cwd=log.parent)
    try:
        _wait_for(port, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection((LOCAL, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"no server on port {port}: {log.read_text(errors='replace')[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        return int(probe.getsockname()[1])


def _put(url: str) -> None:
    import urllib.request

    with urllib.request.urlopen(urllib.request.Request(url, method="PUT")):
        pass
