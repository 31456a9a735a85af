"""A real Secret Service of the tests' own: gnome-keyring on a D-Bus that nothing else uses."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.waiting import wait_for


class SecretService:
    """One bus and one keyring daemon, in a folder of their own."""

    def __init__(self, folder: Path, *, password: str = "pw", daemon: bool = True) -> None:
        runtime = folder / "runtime"
        runtime.mkdir(mode=0o700, parents=True)
        (folder / "home").mkdir(exist_ok=True)
        kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        self.environ = {**kept, "HOME": str(folder / "home"), "XDG_RUNTIME_DIR": str(runtime)}
        self._bus = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address=1"],
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert self._bus.stdout is not None
        self.environ["DBUS_SESSION_BUS_ADDRESS"] = self._bus.stdout.readline().strip()
        self._daemon = self._start_daemon(password) if daemon else None

    def stop_answering(self) -> None:
        """The daemon keeps its name on the bus and answers nothing."""
        assert self._daemon is not None
        self._daemon.send_signal(signal.SIGSTOP)

    def kill_daemon(self) -> None:
        assert self._daemon is not None
        self._daemon.kill()
        self._daemon.wait()
        self._daemon = None

    def close(self) -> None:
        """Ends the bus, and with it whatever it started by itself."""
        for process in (self._daemon, self._bus):
            if process is not None:
                process.kill()
                process.wait()
        if self._bus.stdout is not None:
            self._bus.stdout.close()

    def _start_daemon(self, password: str) -> subprocess.Popen[bytes]:
        daemon = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
            env=self.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert daemon.stdin is not None
        daemon.stdin.write(password.encode())
        daemon.stdin.close()
        wait_for(lambda: self._has_owner("org.freedesktop.secrets"), what="the keyring daemon coming up")
        return daemon

    def _has_owner(self, name: str) -> bool:
        bus = "org.freedesktop.DBus"
        address = self.environ["DBUS_SESSION_BUS_ADDRESS"]
        question = [f"--dest={bus}", "--print-reply=literal", "/org/freedesktop/DBus", f"{bus}.NameHasOwner"]
        done = subprocess.run(
            ["dbus-send", f"--bus={address}", *question, f"string:{name}"],
            env=self.environ,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split() == ["boolean", "true"]


@pytest.fixture(scope="session")
def secret_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretService]:
    """An unlocked keyring that all tests share."""
    service = SecretService(tmp_path_factory.mktemp("keyring"))
    yield service
    service.close()


@pytest.fixture
def make_secret_service(tmp_path: Path) -> Iterator[Callable[..., SecretService]]:
    """Makes keyrings that a test may lock, stop and kill."""
    made: list[SecretService] = []

    def make(name: str = "own", **options: object) -> SecretService:
        made.append(SecretService(tmp_path / name, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for service in made:
        service.close()
