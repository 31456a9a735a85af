"""`modelsync whoami, contexts, use`: which accounts there are, and which one is used."""

from modelsync.account import Context, TokenSource, context_color
from modelsync.accounts import sign_in
from modelsync.credentials.keeping import TOKEN_VARIABLE
from modelsync_cli.session import Session

_KEPT_IN = {
    TokenSource.ENVIRONMENT: TOKEN_VARIABLE,
    TokenSource.KEYRING: "the OS keyring",
    TokenSource.FILE: "a file in plain text",
    TokenSource.SESSION: "the session that signed in",
}


def use(session: Session) -> None:
    """Makes the named context the current one; raises NotSignedInError."""
    session.credentials.use(session.args.name)
    session.output.note(f"Context {session.args.name} is the current one.")


def whoami(session: Session) -> None:
    """Asks the registry who the account in use belongs to; raises what `sign_in` raises."""
    session.start_log()
    account = session.account()
    context = account.context
    user, organization = sign_in(
        context,
        account.token,
        source=account.source,
        ca_file=session.settings.ca_file,
        waiting=session.output.waiting,
    )
    record_who(session, context, user.label, organization.name, account.source)


def record_who(session: Session, context: Context, user: str, organization: str, source: TokenSource) -> None:
    """Prints who is signed in where."""
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


def contexts(session: Session) -> None:
    """Lists the kept contexts, the current one marked."""
    credentials = session.credentials
    current = credentials.current()
    kept = credentials.contexts()
    if not kept:
        session.output.note("No context is kept. Sign in with `modelsync login`.")
    if session.output.as_json:
        for context in kept:
            session.output.record(
                {
                    "context": context.name,
                    "current": context.name == current,
                    "endpoint": context.endpoint,
                    "organization": context.organization,
                    "user": context.user,
                    "read_only": context.read_only,
                    "color": context_color(context),
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
        for context in kept
    ]
    if rows:
        session.output.table([("", "CONTEXT", "ENDPOINT", "ORGANIZATION", "USER", "MODE", "TOKEN IN"), *rows])


def say_if_the_environment_wins(session: Session) -> None:
    """Warns that what was just done to the kept contexts has no effect for now."""
    if session.credentials.environment_wins and session.args.command != "whoami":
        session.output.warn(f"{TOKEN_VARIABLE} is set and wins over every kept context.")
