"""`modelsync login, logout, whoami, contexts, use`: the accounts of this person."""

import os
import sys

from modelsync.account import Context, Token, TokenSource
from modelsync.accounts import sign_in, signed_in
from modelsync.credentials import (
    DEFAULT_ENDPOINT,
    clean_context_name,
    clean_endpoint,
    clean_token,
)
from modelsync.credentials.checks import DEFAULT_CONTEXT
from modelsync.credentials.keeping import ENDPOINT_VARIABLE, TOKEN_VARIABLE
from modelsync.errors import KeyringError, UsageError
from modelsync_cli.session import Session, flag, is_set

TOKEN_READ_MAX_CHARS = 64 * 1024
_KEPT_IN = {
    TokenSource.ENVIRONMENT: TOKEN_VARIABLE,
    TokenSource.KEYRING: "the OS keyring",
    TokenSource.FILE: "a file in plain text",
    TokenSource.SESSION: "the session that signed in",
}


def run(session: Session) -> int:
    """Runs the command that was named."""
    match session.args.command:
        case "login":
            _login(session)
        case "logout":
            _logout(session)
        case "whoami":
            _whoami(session)
        case "contexts":
            _contexts(session)
        case "use":
            session.credentials.use(session.args.name)
            session.output.note(f"Context {session.args.name} is the current one.")
    _say_if_the_environment_wins(session)
    return 0


def _login(session: Session) -> None:
    """Checks the token with the registry before anything is kept; raises what `sign_in` and `keep` raise."""
    credentials, output = session.credentials, session.output
    name = clean_context_name(flag(session.args, "context") or session.settings.context or DEFAULT_CONTEXT)
    context = _context(session, name)
    session.start_log()
    where, place = _where_to_keep(session)
    token = _token(session, context)
    output.note(f"Checking the token with {context.endpoint} ...")
    user, organization = sign_in(context, token, ca_file=session.settings.ca_file)
    credentials.keep(signed_in(context, token, where, user), where)
    output.note(f"Signed in as {user.label}, organization {organization.name}. The token is kept in {place}.")
    if output.as_json:
        _record_who(session, context, user.label, organization.name, where)


def _context(session: Session, name: str) -> Context:
    """What is to be kept: what was given, else what the context of that name said before."""
    before = next((kept for kept in session.credentials.contexts() if kept.name == name), None)
    typed = flag(session.args, "endpoint")
    if typed is None:
        proposed = before.endpoint if before else os.environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT
        typed = _ask_endpoint(session, proposed)
    return Context(
        name=name,
        endpoint=clean_endpoint(typed),
        organization=flag(session.args, "organization") or (before.organization if before else None),
        read_only=is_set(session.args, "read_only"),
        plain_http=is_set(session.args, "plain_http"),
    )


def _ask_endpoint(session: Session, proposed: str) -> str:
    if is_set(session.args, "token_stdin") or not sys.stdin.isatty():
        return proposed
    print(f"Registry [{proposed}]: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() or proposed


def _token(session: Session, context: Context) -> Token:
    if is_set(session.args, "token_stdin"):
        return clean_token(sys.stdin.read(TOKEN_READ_MAX_CHARS))
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask for the token on.", hint="Pipe it in, with --token-stdin.")
    from getpass import getpass

    session.output.note(f"Make a token at {context.endpoint}/api_tokens and paste it here; it is not shown.")
    return clean_token(getpass("API token: ", stream=sys.stderr))


def _where_to_keep(session: Session) -> tuple[TokenSource, str]:
    """Looks before the token is asked for, so that nobody pastes one in vain; raises KeyringError."""
    if flag(session.args, "keep") == "file":
        return TokenSource.FILE, f"{session.paths.credentials_file} in plain text (mode 0600)"
    status = session.credentials.keyring_status()
    if status.usable:
        return TokenSource.KEYRING, f"the OS keyring ({status.name})"
    raise KeyringError(
        f"The token cannot be kept in the OS keyring: {status.reason}",
        hint=f"With --keep file it is kept in {session.paths.credentials_file}, in plain text; "
        f"or set {TOKEN_VARIABLE} instead of signing in.",
    )


def _logout(session: Session) -> None:
    credentials = session.credentials
    name = session.args.name or flag(session.args, "context") or credentials.current()
    if name is None:
        session.output.note("No context is kept: there is nothing to forget.")
        return
    credentials.forget(name)
    session.output.note(f"Context {name} and its token are forgotten.")


def _whoami(session: Session) -> None:
    session.start_log()
    account = session.account()
    context = account.context
    user, organization = sign_in(context, account.token, ca_file=session.settings.ca_file)
    _record_who(session, context, user.label, organization.name, account.source)


def _record_who(session: Session, context: Context, user: str, organization: str, source: TokenSource) -> None:
    values = {
        "user": user,
        "organization": organization,
        "endpoint": context.endpoint,
        "context": context.name,
        "token": str(source),
    }
    if session.output.as_json:
        session.output.record(values, ())
    else:
        session.output.table([*list(values.items())[:-1], ("token from", _KEPT_IN[source])])


def _contexts(session: Session) -> None:
    credentials = session.credentials
    current = credentials.current()
    contexts = credentials.contexts()
    if not contexts:
        session.output.note("No context is kept. Sign in with `modelsync login`.")
    if session.output.as_json:
        for context in contexts:
            session.output.record(
                {
                    "context": context.name,
                    "current": context.name == current,
                    "endpoint": context.endpoint,
                    "organization": context.organization,
                    "user": context.user,
                    "read_only": context.read_only,
                    "token": str(credentials.source(context.name)),
                },
                (),
            )
        return
    rows = [
        (
            "*" if context.name == current else "",
            context.name,
            context.endpoint,
            context.organization or "-",
            context.user or "-",
            "read-only" if context.read_only else "-",
            str(credentials.source(context.name)),
        )
        for context in contexts
    ]
    if rows:
        session.output.table([("", "CONTEXT", "ENDPOINT", "ORGANIZATION", "USER", "MODE", "TOKEN IN"), *rows])


def _say_if_the_environment_wins(session: Session) -> None:
    if session.credentials.environment_wins and session.args.command != "whoami":
        session.output.warn(f"{TOKEN_VARIABLE} is set and wins over every kept context.")
