"""The command `modelsync-registry`."""

from __future__ import annotations

import argparse
import gc
import math
import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.exc import DBAPIError

from modelsync_registry.app import DataInUseError, DataUnusableError
from modelsync_registry.config import REGION, URL_LIFETIME_S, RegistryConfig, S3Location, TransmissionStrategy
from modelsync_registry.objects import StoreUnusableError
from modelsync_registry.server import RunningRegistry
from modelsync_registry.tokens import TokenFileError, TokenGrant, parse_token_file

TOKEN_VARIABLE = "MODELSYNC_REGISTRY_TOKEN"
PORT_MAX = 65_535
URL_LIFETIME_MAX_S = 7 * 24 * 3600
"""S3 signs for no longer."""
OPEN_FILES = 10_000
"""macOS allows 10,240."""
EXIT_USAGE = 2
EXIT_FAILED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the exit code is 0 after a clean stop, 2 for bad usage, 1 when it cannot serve."""
    options = _parser().parse_args(arguments)
    if sys.platform == "win32":
        return _fail("the registry runs on Linux and macOS; on Windows, use it inside WSL.")
    try:
        tokens = _tokens(options.token_file)
    except TokenFileError as error:
        return _fail(f"{options.token_file}: {error}.", EXIT_USAGE)
    except OSError as error:
        return _fail(f"cannot read {options.token_file}: {error.strerror}.", EXIT_USAGE)
    if not tokens:
        return _fail(
            f"no access token: give --token-file FILE with one token per line, or set {TOKEN_VARIABLE}.",
            EXIT_USAGE,
        )
    try:
        objects = _objects(options.objects, options.s3_endpoint, options.s3_region)
    except ValueError as error:
        return _fail(f"{error}.", EXIT_USAGE)
    config = RegistryConfig(
        data=options.data,
        objects=objects,
        tokens=tokens,
        host=options.host,
        port=options.port,
        organizations=tuple(options.organization or ["default"]),
        strategy=None if options.strategy == "none" else TransmissionStrategy(options.strategy),
        public_url=options.public_url,
        url_lifetime_s=options.url_lifetime,
        sync=options.sync,
    )
    if options.host not in {"127.0.0.1", "::1", "localhost"}:
        _warn("traffic is not encrypted: put a proxy with TLS before it where others share the network.")
    return _serve(config, options.token_file)


def _serve(config: RegistryConfig, token_file: Path | None) -> int:
    _allow_many_files()
    asked_to_stop, woken = threading.Event(), threading.Event()

    def stop(*_: object) -> None:
        asked_to_stop.set()
        woken.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if token_file is not None and not _has_terminal():  # a terminal that closes says the same, and means the end
        signal.signal(signal.SIGHUP, lambda *_: woken.set())
    try:
        running = RunningRegistry(config)
    except DataInUseError as error:
        return _fail(f"{error}: stop that one, or choose another --data.")
    except DataUnusableError as error:
        return _fail(f"{error}, or choose another --data.")
    except StoreUnusableError as error:
        return _fail(f"{error}. Check --objects, --s3-endpoint, --s3-region and the AWS_* variables.")
    except socket.gaierror as error:
        return _fail(f"cannot listen on {config.host}: {error.strerror}.")
    except FileExistsError:
        return _fail(f"{config.data} is a file, or has one where a directory should be: choose another --data.")
    except OSError as error:
        where = f"port {config.port}" if config.port else "a free port"
        return _fail(
            f"cannot serve {config.data} on {where} of {config.host}: {error.strerror}. Choose another --port, --host "
            "or --data."
        )
    with running:
        gc.freeze()  # what is there now stays: a full collection would walk it all, 20 to 45 ms of some client's call
        print(running.url, flush=True)
        while not asked_to_stop.is_set():
            woken.wait()
            woken.clear()
            if token_file is not None and not asked_to_stop.is_set():
                _reload(running, token_file)
    return 0


def _reload(running: RunningRegistry, token_file: Path) -> None:
    """Reads the tokens again; a file that cannot be used changes nothing."""
    try:
        tokens = _tokens(token_file)
    except (TokenFileError, OSError) as error:
        _warn(f"{token_file}: {error}; the tokens stay as they were.")
        return
    if not tokens:
        _warn(f"{token_file} holds no token; the tokens stay as they were.")
        return
    try:
        running.set_tokens(tokens)
    except DBAPIError as error:  # a full disk
        _warn(f"the database cannot be written ({error.orig}); the tokens stay as they were.")


def _allow_many_files() -> None:
    """Each transfer holds a connection and a file, and the usual limit of 1,024 is soon reached by a few people."""
    import resource  # Windows has none, and a person there must get as far as the sentence that says so

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="modelsync-registry", description="A model registry for BentoML clients, to host oneself."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('modelsync-tui')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve",
        help="serve a registry until stopped",
        description="Serves a registry until SIGTERM or SIGINT. The first line on stdout is its address. "
        "Without a terminal, SIGHUP reads the token file again.",
    )
    serve.add_argument("--data", type=Path, required=True, metavar="DIR", help="where everything is kept")
    serve.add_argument(
        "--objects",
        metavar="s3://BUCKET[/PREFIX]",
        help="keep archives there, and the rest in --data; clients move bytes to and from it directly. "
        "Credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the other usual ways",
    )
    serve.add_argument(
        "--s3-endpoint", metavar="URL", help="the S3 server's address, as clients reach it too (default: AWS)"
    )
    serve.add_argument(
        "--s3-region", metavar="REGION", help=f"its region (default: AWS_REGION, AWS_DEFAULT_REGION, else {REGION})"
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    serve.add_argument("--port", type=_port, default=0, metavar="N", help="port; 0 for any free one (default)")
    serve.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="one token per line, behind it user=, email=, scopes=, expires=, organizations= as needed; "
        f"without it, {TOKEN_VARIABLE} holds the only token",
    )
    serve.add_argument(
        "--organization", action="append", metavar="NAME", help="may be repeated; the one made first is the default"
    )
    serve.add_argument(
        "--strategy",
        choices=[*(strategy.value for strategy in TransmissionStrategy), "none"],
        default=TransmissionStrategy.PRESIGNED_URL.value,
        help="how clients are told to move bytes (default: %(default)s)",
    )
    serve.add_argument(
        "--public-url",
        type=_address,
        metavar="URL",
        help="the address others reach it by, where a proxy stands before it, "
        "which must take bodies of any size (nginx: client_max_body_size 0)",
    )
    serve.add_argument(
        "--url-lifetime",
        type=_lifetime_s,
        default=URL_LIFETIME_S,
        metavar="SECONDS",
        help="how long a presigned URL is good (default: %(default)g)",
    )
    serve.add_argument(
        "--no-sync",
        dest="sync",
        action="store_false",
        help="acknowledge bytes before they are on the disk: faster, but power loss may take them back",
    )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= PORT_MAX):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: use 0 to {PORT_MAX}")
    return int(text)


def _lifetime_s(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds <= URL_LIFETIME_MAX_S:
        raise argparse.ArgumentTypeError(f"{text!r} is no lifetime: use 1 to {URL_LIFETIME_MAX_S} seconds")
    return seconds


def _address(text: str) -> str:
    try:
        pieces = urlsplit(text)
        fits = pieces.scheme in {"http", "https"} and bool(pieces.hostname)
    except ValueError:
        fits = False
    if not fits:
        raise argparse.ArgumentTypeError(f"{text!r} is no address: write it like https://models.example")
    return text


def _objects(url: str | None, endpoint: str | None, region: str | None) -> S3Location | None:
    if url is None:
        if endpoint is not None or region is not None:
            raise ValueError("--s3-endpoint and --s3-region go with --objects s3://BUCKET")
        return None
    from_environment = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return S3Location.parse(url, endpoint=endpoint, region=region or from_environment or REGION)


def _tokens(file: Path | None) -> tuple[TokenGrant, ...]:
    if file is not None:
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            _warn(f"others can read {file}: chmod 600 keeps the tokens to yourself.")
        try:
            return parse_token_file(file.read_text(encoding="utf-8-sig").splitlines())  # some editors mark it so
        except UnicodeDecodeError as error:
            raise TokenFileError("this is no text in UTF-8") from error
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    return (TokenGrant(token=token),) if token else ()


def _warn(text: str) -> None:
    print(f"modelsync-registry: warning: {text}", file=sys.stderr, flush=True)


def _fail(text: str, code: int = EXIT_FAILED) -> int:
    print(f"modelsync-registry: {text}", file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
