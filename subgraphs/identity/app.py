"""Identity put together: settings in, processes out. The only file that wires."""

from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette

from libs.auth import Revocations
from libs.crypto import KeyRing, Vault
from libs.db import Database
from libs.events import OutboxWriter
from libs.events.contracts.identity import IdentityStorageCounted
from libs.files import Storage, Uploads, upload_route
from libs.graph import Subgraph, subgraph_app
from libs.jobs import JobProgressFeed, JobQueue, SubgraphWorker
from libs.kernel import Clock, utc_now
from libs.settings import Settings
from subgraphs.identity.api_client.http import ENDPOINT, TokenDesk, metadata_route, token_route
from subgraphs.identity.consumers import consumers, snapshots
from subgraphs.identity.credential.http import Desk, account_routes
from subgraphs.identity.credential.queries import PasswordHasher
from subgraphs.identity.jobs import jobs, prepare_platform, schedules
from subgraphs.identity.lockout.http import UnlockDesk, unlock_route
from subgraphs.identity.model import Base, files, vault_table
from subgraphs.identity.registration.http import VerificationDesk, verification_route
from subgraphs.identity.schema import schema
from subgraphs.identity.session.http import jwks_route
from subgraphs.identity.session.queries import TokenPolicy
from subgraphs.identity.user.queries import Contacts

NAME = "identity"


@dataclass(frozen=True, slots=True)
class Extras:
    """What identity's mutations need beyond the database: keys, hashes, signatures, uploads, long work."""

    contacts: Contacts
    hasher: PasswordHasher
    tokens: TokenPolicy
    uploads: Uploads
    queue: JobQueue
    progress: JobProgressFeed


def open_database(settings: Settings, *, clock: Clock = utc_now) -> Database:
    """The database of identity with its outbox."""
    return Database(settings, NAME, on_flush=OutboxWriter(NAME, KeyRing.from_settings(settings)), clock=clock)


def open_uploads(settings: Settings) -> Uploads:
    """The files that are sent to identity, which are all it keeps."""
    vault = Vault(KeyRing.from_settings(settings), vault_table)
    return Uploads(files, settings, vault, Storage(files, IdentityStorageCounted))


def open_queue(settings: Settings) -> JobQueue:
    """The long work of identity; its payloads are sealed."""
    return JobQueue(NAME, Vault(KeyRing.from_settings(settings), vault_table))


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Starlette:
    """The graph of identity, its keys and its pages. Raises SettingsError when a key is missing."""
    database = open_database(settings, clock=clock)
    uploads = open_uploads(settings)
    contacts, queue, progress = Contacts(settings), open_queue(settings), JobProgressFeed(settings, NAME)
    extras = Extras(contacts, PasswordHasher(settings), TokenPolicy(settings), uploads, queue, progress)
    subgraph = Subgraph(NAME, settings, schema, database, Base.metadata.tables["identity.tenants"], extras, clock)
    desk = Desk(database, extras.contacts, extras.hasher, lambda: Revocations(settings, clock=clock))
    endpoint = settings.public_url.rstrip("/") + ENDPOINT
    clients = TokenDesk(database, extras.tokens, endpoint, settings.token_issuer)
    routes = [jwks_route(extras.tokens), token_route(clients), metadata_route(clients), *account_routes(desk)]
    routes += [unlock_route(UnlockDesk(database, extras.contacts)), upload_route(uploads, database, clock)]
    routes.append(verification_route(VerificationDesk(database, extras.contacts)))
    return subgraph_app(subgraph, routes, beside=[progress.run])


def create_worker(settings: Settings) -> SubgraphWorker:
    """Relay, consumers and timed work of identity."""
    database, revocations, uploads = open_database(settings), Revocations(settings), open_uploads(settings)
    contacts = Contacts(settings)
    return SubgraphWorker(
        settings,
        database,
        KeyRing.from_settings(settings),
        consumers=consumers(contacts, revocations),
        queue=open_queue(settings),
        jobs=jobs(contacts, uploads),
        schedules=schedules(settings, revocations),
        snapshots={**snapshots(contacts), "storage": uploads.storage.snapshot},
        also=[partial(uploads.keep_purged, database)],
    )


async def prepare(settings: Settings) -> None:
    """What `migrate` does after the migrations; doing it again changes nothing."""
    database = open_database(settings)
    await prepare_platform(settings, database)
    await database.close()
