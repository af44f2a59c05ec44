"""Messages through apprise to real servers; what is refused, late or broken is only told."""

import ipaddress
import socket
import sys
import threading
from email import message_from_string
from email.header import decode_header, make_header
from pathlib import Path

import pytest

from amelio.quality.alert_settings import AlertSettings
from amelio.quality.delivery import Kind, Message, deliver
from tests.quality.conftest import LOCAL, HttpServer, MailServer

MESSAGE = Message(Kind.FAILURE, "[houses] alert: fit", "alert: fit: 0.5 is below 0.7 → look\nréel")


def settings(*urls: str, allow: tuple[str, ...] = (LOCAL,)) -> AlertSettings:
    return AlertSettings(urls, tuple(ipaddress.ip_network(each) for each in allow))


def test_a_webhook_and_a_mail_arrive(http_server: HttpServer, mail_server: MailServer) -> None:
    mail = f"mailto://127.0.0.1:{mail_server.port}?from=bot@example.org&to=ada@example.org"
    done = deliver(MESSAGE, settings(http_server.url, mail))
    assert [(each.service, each.problem) for each in done] == [("1 (json)", ""), ("2 (mailto)", "")]
    assert http_server.got[0]["title"] == MESSAGE.title
    assert http_server.got[0]["message"] == MESSAGE.body
    assert http_server.got[0]["type"] == "failure"
    (recipients, text), *others = mail_server.letters
    assert not others
    letter = message_from_string(text)
    assert recipients == ["ada@example.org"]
    assert str(make_header(decode_header(letter["Subject"]))) == MESSAGE.title
    parts = [part.get_payload(decode=True) for part in letter.walk() if not part.is_multipart()]
    assert any("below 0.7 → look" in part.decode() for part in parts if isinstance(part, bytes))


def test_this_machine_is_refused_unless_allowed(http_server: HttpServer) -> None:
    hosts = ["127.0.0.1", "localhost", "2130706433", "0", "0x7f.1"]
    urls = [f"json://{host}:{http_server.port}/x" for host in hosts]
    done = deliver(MESSAGE, settings(*urls, allow=()))
    assert all(each.problem for each in done)
    assert done[0].problem == "refused: 127.0.0.1 is this machine"
    assert "is this machine" in done[1].problem
    assert http_server.visits == 0


def test_a_private_mail_server_is_refused(mail_server: MailServer) -> None:
    mail = f"mailto://127.0.0.1:{mail_server.port}?from=bot@example.org&to=ada@example.org"
    done = deliver(MESSAGE, settings(mail, allow=("10.0.0.0/8",)))
    assert done[0].problem == "refused: 127.0.0.1 is this machine"
    assert mail_server.letters == []


def test_redirects_are_not_followed(http_server: HttpServer) -> None:
    http_server.status = 302
    http_server.location = f"http://127.0.0.1:{http_server.port}/elsewhere"
    done = deliver(MESSAGE, settings(http_server.url, f"{http_server.url}?redirect=yes"))
    assert [each.problem for each in done] == ["answered with status 302"] * 2
    assert http_server.visits == 2


def test_a_silent_and_a_dead_server_cost_no_more_than_the_limit(
    http_server: HttpServer, silent_port: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        dead_port = closed.getsockname()[1]
    urls = [
        f"json://127.0.0.1:{silent_port}/x?rto=60",
        f"json://127.0.0.1:{dead_port}/x",
        http_server.url,
        "nonsense://x",
        "hunter2-is-my-password",
    ]
    done = deliver(MESSAGE, settings(*urls), limit_s=3)
    assert [each.problem for each in done] == [
        "no answer within 3 s",
        "could not be reached",
        "",
        "not a URL that apprise knows, or its package is not installed",
        "not a URL that apprise knows, or its package is not installed",
    ]
    assert "hunter2" not in str(done)


def test_an_endless_answer_is_cut_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def pour() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                try:
                    while True:
                        connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                except OSError:
                    pass

        thread = threading.Thread(target=pour)
        thread.start()
        done = deliver(
            MESSAGE, settings(f"json://127.0.0.1:{server.getsockname()[1]}/x"), limit_s=2
        )
        thread.join()
    assert done[0].problem


def test_a_file_of_the_repository_cannot_pose_as_apprise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, http_server: HttpServer
) -> None:
    (tmp_path / "apprise.py").write_text("open('stolen', 'w').write('x')\n")
    monkeypatch.chdir(tmp_path)
    assert deliver(MESSAGE, settings(http_server.url))[0].problem == ""
    assert not (tmp_path / "stolen").exists()


def test_a_wrong_answer_is_told_by_its_status_only(http_server: HttpServer) -> None:
    http_server.status = 401
    done = deliver(MESSAGE, settings(http_server.url))
    assert done[0].problem == "answered with status 401"
    assert "canary" not in str(done)


def test_without_apprise_the_way_to_get_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    done = deliver(MESSAGE, settings("json://127.0.0.1/x"))
    assert done[0].problem == "alerts need apprise: pip install 'amelio[alerts]'"
