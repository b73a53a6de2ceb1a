"""Real database servers on loopback, each in a folder of its own and run as its own user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from server.store.sql.settings import DatabaseSettings
from tests.support.server_process import free_port

START_S = 20.0
USER = "arion"
PASSWORD = "se;cret}'x"
NAME = "asterisk"
NAMES = ("sqlite", "postgresql", "mariadb", "odbc-postgresql", "odbc-mariadb")
POSTGRES_PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@dataclass(frozen=True, slots=True)
class Server:
    """A database server, and what others need to reach it."""

    port: int
    driver: str
    scheme: str

    @property
    def url(self) -> str:
        """Its URL, without user and password."""
        return f"{self.scheme}://127.0.0.1:{self.port}/{NAME}"

    @property
    def odbc(self) -> str:
        """Its section of odbc.ini."""
        return (
            f"[{self.scheme}-dsn]\nDriver={self.driver}\nServer=127.0.0.1\nServername=127.0.0.1\n"
            f"Port={self.port}\nDatabase={NAME}\n"
        )


def _owner(*names: str) -> str:
    """Return the account that a server runs as: these refuse to run as root."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in names if name in known)


def _as(user: str, *command: str | Path) -> list[str]:
    words = [str(word) for word in command]
    return words if os.geteuid() else ["runuser", "-u", user, "--", *words]


def _folder(parent: Path, name: str, owner: str) -> Path:
    folder = parent / name
    folder.mkdir()
    if not os.geteuid():
        shutil.chown(folder, owner)
    return folder


@contextmanager
def open_folder() -> Iterator[Path]:
    """Have a folder that other users can get into, as those of pytest can't be."""
    with tempfile.TemporaryDirectory(prefix="arion-databases-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def postgresql(parent: Path) -> Iterator[Server]:
    """Run PostgreSQL."""
    programs, owner = POSTGRES_PROGRAMS[-1], _owner("postgres")
    folder = _folder(parent, "postgresql", owner)
    port = free_port()
    data = folder / "data"
    _run(_as(owner, programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N"))
    settings = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    )
    control = _as(owner, programs / "pg_ctl", "-D", data, "-w", "-t", "20")
    _run([*control, "-l", str(folder / "log"), "-o", settings, "start"])
    try:
        quoted = PASSWORD.replace("'", "''")
        for sql in (f"CREATE ROLE {USER} LOGIN PASSWORD '{quoted}'",
                    f"CREATE DATABASE {NAME} OWNER {USER}"):  # fmt: skip
            _run(["psql", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-c", sql])
        yield Server(port, "PostgreSQL Unicode", "postgresql")
    finally:
        _run([*control, "-m", "immediate", "stop"])


@contextmanager
def mariadb(parent: Path) -> Iterator[Server]:
    """Run MariaDB."""
    owner = _owner("mysql")
    folder = _folder(parent, "mariadb", owner)
    port = free_port()
    data, socket = folder / "data", folder / "socket"
    common = [f"--datadir={data}", "--no-defaults"]
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db"]
    _run(_as(owner, *install, "--auth-root-authentication-method=normal"))
    server = _as(
        owner, "/usr/sbin/mariadbd", *reversed(common), f"--socket={socket}", f"--port={port}",
        "--bind-address=127.0.0.1", "--skip-log-bin", f"--pid-file={folder / 'pid'}",
        "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M",
    )  # fmt: skip
    process = subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        quoted = PASSWORD.replace("'", "''")
        sql = (
            f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4;"
            f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{quoted}';"
            f"CREATE USER {USER}@'localhost' IDENTIFIED BY '{quoted}';"
            f"GRANT ALL ON {NAME}.* TO {USER}@'127.0.0.1';"
            f"GRANT ALL ON {NAME}.* TO {USER}@'localhost'"
        )
        _retry(["mariadb", "--no-defaults", f"--socket={socket}", "-u", "root", "-e", sql], process)
        yield Server(port, "MariaDB Unicode", "mysql")
    finally:
        process.terminate()
        process.wait(20)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", timeout=60)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def _retry(command: list[str], process: subprocess.Popen[bytes]) -> None:
    """Run a command until it succeeds: the server takes a moment to listen."""
    deadline = time.monotonic() + START_S
    while True:
        assert process.poll() is None, "the server ended"
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        assert time.monotonic() < deadline, done.stderr
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Servers:
    """How each of :data:`NAMES` is reached."""

    dsns: dict[str, str]

    def settings(self, name: str, connections: int = 2) -> DatabaseSettings:
        return DatabaseSettings(f"[{name}]", self.dsns[name], USER, PASSWORD, connections)

    def url(self, name: str) -> str:
        dsn = self.dsns[name]
        if name == "sqlite":
            return dsn
        return dsn.replace("://", f"://{USER}:{quote(PASSWORD, safe='')}@")


@contextmanager
def all_servers() -> Iterator[Servers]:
    """Run both, beside a file of SQLite."""
    with open_folder() as folder, ExitStack() as stack, ThreadPoolExecutor(2) as starting:
        both = [starting.submit(stack.enter_context, run(folder)) for run in (postgresql, mariadb)]
        first, second = (each.result() for each in both)
        ini = folder / "odbc.ini"
        ini.write_text(first.odbc + second.odbc)
        former = os.environ.get("ODBCINI")
        os.environ["ODBCINI"] = str(ini)
        sqlite = f"sqlite:///{folder / 'sqlite.db'}"
        dsns = (sqlite, first.url, second.url, "postgresql-dsn", "mysql-dsn")
        yield Servers(dict(zip(NAMES, dsns, strict=True)))
        del os.environ["ODBCINI"]
        if former is not None:
            os.environ["ODBCINI"] = former
