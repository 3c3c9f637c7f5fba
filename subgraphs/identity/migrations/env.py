"""What alembic runs: every model of identity, migrated as the owner of its schema."""

from libs.db.migrations import run_migrations
from subgraphs.identity.api_client.model import ApiClient
from subgraphs.identity.audit.model import AuditLog
from subgraphs.identity.credential.model import OneTimeToken
from subgraphs.identity.lockout.model import SignInFailure
from subgraphs.identity.model import Base
from subgraphs.identity.role.model import Role
from subgraphs.identity.second_factor.model import SecondFactor
from subgraphs.identity.session.model import Session
from subgraphs.identity.tenant.model import Tenant
from subgraphs.identity.user.model import User

# Importing a model declares its module's tables.
MODELS = (ApiClient, AuditLog, OneTimeToken, Role, SecondFactor, Session, SignInFailure, Tenant, User)

run_migrations(Base.metadata)
