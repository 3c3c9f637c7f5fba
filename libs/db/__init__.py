"""PostgreSQL: tables of a schema, transactions bound to a tenant, row-level security, migrations."""

from libs.db.bootstrap import bootstrap
from libs.db.database import DIALECT, Database, ReadTransaction, TenantTransaction, violated_constraint
from libs.db.migrations import drift, migrate
from libs.db.rls import (
    enable_directory_rls,
    enable_own_rls,
    enable_platform_rls,
    enable_tenant_rls,
    enable_worker_rls,
    grant_queue,
)
from libs.db.tables import (
    PlatformRow,
    StorageProjection,
    TableClass,
    TenantProjection,
    TenantRow,
    Versioned,
    one_of,
    subgraph_base,
    tenant_key,
)

__all__ = [
    "DIALECT",
    "Database",
    "PlatformRow",
    "ReadTransaction",
    "StorageProjection",
    "TableClass",
    "TenantProjection",
    "TenantRow",
    "TenantTransaction",
    "Versioned",
    "bootstrap",
    "drift",
    "enable_directory_rls",
    "enable_own_rls",
    "enable_platform_rls",
    "enable_tenant_rls",
    "enable_worker_rls",
    "grant_queue",
    "migrate",
    "one_of",
    "subgraph_base",
    "tenant_key",
    "violated_constraint",
]
