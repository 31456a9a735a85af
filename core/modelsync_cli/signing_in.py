"""`modelsync login, logout`: the ways to sign in, and what is checked before anything is kept."""

import os
import sys
from dataclasses import replace

from modelsync import browser_login
from modelsync.account import Context, Token, TokenSource
from modelsync.accounts import may_push, sign_in, signed_in
from modelsync.credentials import (
    DEFAULT_ENDPOINT,
    clean_color,
    clean_context_name,
    clean_endpoint,
    clean_token,
)
from modelsync.credentials.checks import DEFAULT_CONTEXT
from modelsync.credentials.keeping import ENDPOINT_VARIABLE, TOKEN_VARIABLE
from modelsync.credentials.yatai import YATAI_FILE_NAME, YataiContext, contexts_of
from modelsync.errors import KeyringError, NotFoundError, UsageError
from modelsync_cli import knowing
from modelsync_cli.session import Session, flag, is_set

TOKEN_READ_MAX_CHARS = 64 * 1024


def run(session: Session) -> int:
    """Runs the command that was named."""
    match session.args.command:
        case "login":
            _login(session)
        case "logout":
            _logout(session)
        case "whoami":
            knowing.whoami(session)
        case "contexts":
            knowing.contexts(session)
        case "use":
            knowing.use(session)
    knowing.say_if_the_environment_wins(session)
    return 0


def _login(session: Session) -> None:
    """Checks the token with the registry before anything is kept; raises what `sign_in` and `keep` raise."""
    credentials, output = session.credentials, session.output
    imported = _imported(session)
    context = _context(session, imported)
    session.start_log()
    where, place = _where_to_keep(session)
    token = imported.token if imported else _token(session, context)
    ca_file = session.settings.ca_file
    output.note(f"Checking the token with {context.endpoint} ...")
    user, organization = sign_in(context, token, ca_file=ca_file, waiting=output.waiting)
    if not context.read_only and may_push(context, token, ca_file=ca_file) is False:
        output.warn("This token may pull, but not push: it lacks the scope write_organization (or api).")
    credentials.keep(signed_in(context, token, where, user), where)
    output.note(f"Signed in as {user.label}, organization {organization.name}. The token is kept in {place}.")
    if output.as_json:
        knowing.record_who(session, context, user.label, organization.name, where)


def _imported(session: Session) -> YataiContext | None:
    """The context of BentoML's own file that was asked for; raises NotFoundError, UsageError."""
    name = flag(session.args, "import_name")
    if name is None:
        return None
    if flag(session.args, "endpoint") is not None:
        raise UsageError("--import takes the address from BentoML's file.", hint="Leave --endpoint out.")
    file = session.settings.store / YATAI_FILE_NAME
    found = contexts_of(session.settings.store)
    if not found:
        what = f"{file} holds no context" if file.exists() else f"BentoML has kept no context: there is no {file}"
        raise NotFoundError(
            f"{what}.", hint="Sign in with `modelsync login --endpoint URL`, or name BentoML's directory with --store."
        )
    wanted = [one for one in found if (one.name == name if name else one.is_current or len(found) == 1)]
    if not wanted:
        asked = f"has no context {name!r}" if name else "says of no context that it is the current one"
        raise NotFoundError(f"{file} {asked}.", hint=f"Name one of: {', '.join(one.name for one in found)}.")
    return wanted[0]


def _context(session: Session, imported: YataiContext | None) -> Context:
    """What is to be kept: what was given, else what the context of that name said before of the same registry."""
    args, credentials = session.args, session.credentials
    if imported is not None:
        name = clean_context_name(flag(args, "context") or imported.name)
        endpoint = imported.endpoint
    else:
        name = clean_context_name(flag(args, "context") or session.settings.context or DEFAULT_CONTEXT)
        endpoint = clean_endpoint(flag(args, "endpoint") or _ask_endpoint(session, name))
    before = credentials.context(name, endpoint)
    color = flag(args, "color")
    return replace(
        before,
        organization=flag(args, "organization") or before.organization,
        read_only=is_set(args, "read_only") or (before.read_only and not is_set(args, "writable")),
        plain_http=is_set(args, "plain_http") or before.plain_http,
        color=before.color if color is None else clean_color(color),
    )


def _ask_endpoint(session: Session, name: str) -> str:
    """What is typed on a terminal, else what would be proposed there."""
    kept = next((context.endpoint for context in session.credentials.contexts() if context.name == name), None)
    proposed = kept or os.environ.get(ENDPOINT_VARIABLE) or DEFAULT_ENDPOINT
    if is_set(session.args, "token_stdin") or not sys.stdin.isatty():
        return proposed
    return session.output.ask(f"Registry [{proposed}]: ") or proposed


def _token(session: Session, context: Context) -> Token:
    if is_set(session.args, "browser"):
        return _token_by_browser(session, context)
    if is_set(session.args, "token_stdin"):
        return clean_token(sys.stdin.read(TOKEN_READ_MAX_CHARS))
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask for the token on.", hint="Pipe it in, with --token-stdin.")
    session.output.note(f"Make a token at {context.endpoint}/api_tokens and paste it here; it is not shown.")
    return clean_token(session.output.ask("API token: ", secret=True))


def _token_by_browser(session: Session, context: Context) -> Token:
    login = browser_login.start(context, ca_file=session.settings.ca_file)
    opened = browser_login.open_page(login.url)
    lead = "A browser opens this page; confirm there" if opened else "Open this page, on any machine, and confirm there"
    session.output.prompt(f"{lead}:")
    session.output.prompt(f"  {login.url}")
    session.output.prompt(f"If the page shows a code, it must be {login.code}")
    session.output.note(f"Waiting for at most {browser_login.GIVE_UP_AFTER_S / 60:.0f} minutes; Ctrl-C stops.")
    return browser_login.wait(login)


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
