"""Commands about who may do what: `token`, `client` and `user`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from medconsult.sentences import fail, sentences, settings_for_command

if TYPE_CHECKING:
    from smart_auth.auth import Auth

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_S = 86_400


@contextmanager
def authorization() -> Iterator[Auth]:
    """Give the authorization server of the data directory, beside a running one or alone."""
    with sentences():
        from medconsult import embedded  # noqa: PLC0415 - slow to import
        from medconsult.app import store_of  # noqa: PLC0415
        from medconsult.authorization import auth_of  # noqa: PLC0415
        from medconsult.migrations import upgrade  # noqa: PLC0415
        from medconsult.running import address_of  # noqa: PLC0415
        from smart_auth.accounts import Refused  # noqa: PLC0415
        from smart_auth.errors import OAuthError  # noqa: PLC0415

        settings = settings_for_command()
        address = address_of(settings)
        with embedded.database(settings) as url:
            upgrade(url)
            changed = {"database_url": url, "base_url": address}
            settings = settings.model_copy(update=changed)
            auth = auth_of(settings, store_of(settings, 1))
            try:
                yield auth
            except (Refused, OAuthError) as error:
                fail(getattr(error, "description", "") or str(error))
            finally:
                auth.engine.dispose()
                auth.store.database.close()


@click.command()
@click.option("--scope", required=True, help='What it may do: "system/*.rs", "patient/*.rs", ...')
@click.option("--user", "email", help="E-mail address of the account it speaks for.")
@click.option("--patient", default="", help="Id of the patient that patient/ scopes mean.")
@click.option("--client", "client_id", default="medconsult", help="The app it was granted to.")
@click.option(
    "--lifetime", default="1h", help="Such as 90s, 30m, 8h; a day at most.", show_default=True
)
def token(scope: str, email: str | None, patient: str, client_id: str, lifetime: str) -> None:
    """Print an access token, and nothing else.

    \b
    medconsult token --scope "system/*.rs"
    medconsult token --scope "user/*.cruds" --user osei@demo.example
    medconsult token --scope "patient/*.rs" --user ada@demo.example --patient ada

    It is signed with the keys of the data directory, so a running server takes it at once. Without
    --user it is that of a backend service.
    """
    with authorization() as auth:
        from smart_auth import access_tokens  # noqa: PLC0415

        _refuse_scopes(scope, backend=email is None)
        holder = _holder(auth, email, client_id)
        whose = patient or _own_patient(holder.fhir_user)
        made = access_tokens.issue(
            auth, holder, scope, {"patient": whose}, lifetime=_seconds(lifetime)
        )
        click.echo(made)


def _refuse_scopes(scope: str, *, backend: bool) -> None:
    from fhir_server.access.scopes import parse  # noqa: PLC0415

    for word in scope.split():
        parsed = parse(word)
        if parsed is None and "/" in word:
            fail(f"{word} is no SMART scope; write for example patient/Observation.rs.")
        if parsed and (parsed.context == "system") != backend:
            wanted = "system/ scopes" if backend else "user/ or patient/ scopes"
            fail(f"{word} does not fit: {'without' if backend else 'with'} --user it has {wanted}.")


def _holder(auth: Auth, email: str | None, client_id: str) -> Any:
    from smart_auth import accounts  # noqa: PLC0415
    from smart_auth.access_tokens import Holder  # noqa: PLC0415

    if email is None:
        return Holder(subject=client_id, client=client_id, role="system", name=client_id)
    with auth.engine.connect() as connection:
        found = accounts.find(connection, email=email)
    if found is None or found.disabled:
        fail(f"There is no account of {email}; medconsult user list shows those there are.")
    return Holder(
        subject=found.id,
        client=client_id,
        role=found.role,
        name=found.name,
        account=found.id,
        fhir_user=found.fhir_user,
    )


def _own_patient(fhir_user: str) -> str:
    kind, _, id_ = fhir_user.partition("/")
    return id_ if kind == "Patient" else ""


def _seconds(text: str) -> int:
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if not found or not 0 < int(found[1]) * _UNITS[found[2]] <= _LONGEST_S:
        fail(f"--lifetime takes a number with s, m, h or d, a day at most, not {text!r}.")
    return int(found[1]) * _UNITS[found[2]]


@click.command("rotate-keys")
def rotate_keys() -> None:
    """Make new keys that sign tokens and encrypt content from the next start of the server on.

    The older ones go on verifying and decrypting; delete a file signing-NNNN.pem to end that. Without a
    file content-NNNN.key, what it encrypted is lost, unless `reseal` encrypted it with a newer one.
    """
    with sentences():
        from smart_auth import keys  # noqa: PLC0415 - slow to import

        folder = settings_for_command().keys_folder
        keys.load(folder)
        keys.rotate(folder)
        keys.content_keys(folder)
        keys.rotate_content(folder)
        click.echo(f"There are new keys in {folder}; they are used from the next start on.")


@click.command("reseal")
def reseal() -> None:
    """Encrypt all content again with the newest key, while no server runs.

    Afterwards the older files content-NNNN.key are not needed any more, but for backups of before.
    """
    with authorization() as auth:
        from fhir_server.storage import resealed  # noqa: PLC0415
        from medconsult.blobs import blob_store  # noqa: PLC0415

        blobs = blob_store(settings_for_command())
        auth.engine.dispose()
        with auth.store.database.connection() as connection:
            if resealed.others(connection):
                fail("Stop the servers of this database first; then call it again.")
            done, removed = resealed.reseal(connection, blobs)
        click.echo(
            f"{done} contents were encrypted with the newest key, {removed} old ones removed."
        )


@click.group()
def client() -> None:
    """Apps that may ask for access."""


@client.command("add")
@click.argument("name")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Exact; may be repeated.")
@click.option("--scope", default="", help="The most it may ask for.")
@click.option("--public", is_flag=True, help="It cannot keep a secret: a browser or phone app.")
@click.option("--post", is_flag=True, help="It sends its secret in the form, not by HTTP Basic.")
@click.option("--jwks-uri", default="", help="Where its public keys are.")
@click.option(
    "--jwks", type=click.Path(exists=True, path_type=Path), help="File of its public keys."
)
@click.option(
    "--backend", is_flag=True, help="A backend service: client_credentials, system/ scopes."
)
@click.option("--launch-uri", default="", help="Where a launch from a chart begins.")
@click.option("--id", "client_id", default="", help="The client_id; made at random by default.")
def client_add(
    name: str, scope: str, jwks: Path | None, client_id: str, backend: bool, **chosen: Any
) -> None:
    """Register an app; prints its client_id and, where it has one, its secret, once."""
    metadata = {
        "client_name": name,
        "scope": scope,
        "redirect_uris": list(chosen["redirect_uris"]),
        "launch_uri": chosen["launch_uri"],
        "token_endpoint_auth_method": _method(jwks, chosen),
        "jwks_uri": chosen["jwks_uri"],
        "grant_types": ["client_credentials"]
        if backend
        else ["authorization_code", "refresh_token"],
        **({"jwks": json.loads(jwks.read_text())} if jwks else {}),
    }
    with authorization() as auth:
        from smart_auth import clients  # noqa: PLC0415

        with auth.engine.begin() as connection:
            stated = {key: value for key, value in metadata.items() if value}
            made, secret = clients.register(connection, stated, client_id=client_id)
        click.echo(f"client_id      {made.id}")
        if secret:
            click.echo(f"client_secret  {secret}")
            click.echo("Keep the secret now: it is stored as a hash only.", err=True)


def _method(jwks: Path | None, chosen: dict[str, Any]) -> str:
    if chosen["public"]:
        return "none"
    if jwks or chosen["jwks_uri"]:
        return "private_key_jwt"
    return "client_secret_post" if chosen["post"] else "client_secret_basic"


@client.command("list")
def client_list() -> None:
    """List the apps."""
    with authorization() as auth:
        from sqlalchemy import select  # noqa: PLC0415

        from smart_auth.tables import client as table  # noqa: PLC0415

        with auth.engine.connect() as connection:
            for row in connection.execute(select(table).order_by(table.c.created)):
                ended = "  (ended)" if row.disabled else ""
                click.echo(f"{row.id}  {row.name}  {row.token_endpoint_auth_method}{ended}")


@client.command("disable")
@click.argument("client_id")
def client_disable(client_id: str) -> None:
    """End an app: it gets no token any more, and those it has end at once."""
    with authorization() as auth:
        from smart_auth import clients  # noqa: PLC0415

        with auth.engine.begin() as connection:
            if clients.find(connection, client_id) is None:
                fail(f"There is no app {client_id}; medconsult client list shows those there are.")
            clients.end(connection, client_id)
        click.echo(f"{client_id} has ended.")


@click.group()
def user() -> None:
    """Accounts of people."""


@user.command("add")
@click.argument("email")
@click.option(
    "--role", required=True, help="patient, practitioner, related-person or administrator."
)
@click.option("--fhir-user", default="", help="The resource that is theirs: Practitioner/1.")
@click.option("--name", default="", help="What they are called.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--invite", is_flag=True, help="Mail them a link by which they choose a password.")
def user_add(
    email: str, role: str, fhir_user: str, name: str, password_stdin: bool, invite: bool
) -> None:
    """Make an account; asks for its password unless they are invited to choose it."""
    password = None if invite else _password(password_stdin)
    with authorization() as auth:
        from smart_auth import accounts, recovery  # noqa: PLC0415

        if password:
            _refuse_weak(password, email, name)
        with auth.engine.begin() as connection:
            made = accounts.create(
                connection, email, role, fhir_user, name, password=password, verified=not invite
            )
            if invite:
                recovery.invite(connection, auth, made)
        then = "once they followed the link in a mail to them" if invite else "now"
        click.echo(f"{made.email} may sign in as {made.role}, {then}.")


@user.command("list")
def user_list() -> None:
    """List the accounts."""
    with authorization() as auth:
        from sqlalchemy import select  # noqa: PLC0415

        from smart_auth.tables import account as table  # noqa: PLC0415

        with auth.engine.connect() as connection:
            for row in connection.execute(select(table).order_by(table.c.created)):
                ended = "  (disabled)" if row.disabled else ""
                click.echo(f"{row.email}  {row.role}  {row.fhir_user}{ended}")


@user.command("disable")
@click.argument("email")
def user_disable(email: str) -> None:
    """Shut an account: its sessions and the tokens of its apps end at once."""
    with authorization() as auth:
        from smart_auth import accounts  # noqa: PLC0415

        with auth.engine.begin() as connection:
            accounts.disable(connection, _found(connection, email).id)
        click.echo(f"{email} may not sign in any more.")


@user.command("enable")
@click.argument("email")
def user_enable(email: str) -> None:
    """Open an account again that was shut."""
    with authorization() as auth:
        from smart_auth import accounts  # noqa: PLC0415

        with auth.engine.begin() as connection:
            accounts.enable(connection, _found(connection, email).id)
        click.echo(f"{email} may sign in again.")


@user.command("role")
@click.argument("email")
@click.argument("role")
@click.option("--fhir-user", default="", help="The resource that is theirs: Practitioner/1.")
def user_role(email: str, role: str, fhir_user: str) -> None:
    """Give an account another role; who is signed in with it has to sign in again."""
    with authorization() as auth:
        from smart_auth import accounts  # noqa: PLC0415

        with auth.engine.begin() as connection:
            accounts.set_role(connection, _found(connection, email).id, role, fhir_user)
        click.echo(f"{email} may sign in as {role}.")


@user.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def user_password(email: str, password_stdin: bool) -> None:
    """Set a new password and end the account's sessions."""
    password = _password(password_stdin)
    with authorization() as auth:
        from smart_auth import accounts, sessions  # noqa: PLC0415

        with auth.engine.begin() as connection:
            found = _found(connection, email)
            _refuse_weak(password, email, found.name)
            accounts.set_password(connection, found.id, password)
            sessions.end_all(connection, found.id)
        click.echo(f"{email} has a new password.")


def _found(connection: Any, email: str) -> Any:
    from smart_auth import accounts  # noqa: PLC0415

    found = accounts.find(connection, email=email)
    if found is None:
        fail(f"There is no account of {email}; medconsult user list shows those there are.")
    return found


def _refuse_weak(password: str, email: str, name: str) -> None:
    from smart_auth import passwords  # noqa: PLC0415

    if said := passwords.weakness(password, [email, name]):
        fail(said)


def _password(from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
