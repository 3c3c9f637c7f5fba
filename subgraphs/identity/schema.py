"""The graph of identity: the aggregates' queries and mutations, joined."""

import strawberry

from libs.graph import subgraph_schema
from subgraphs.identity.account.graph import AccountMutation
from subgraphs.identity.api_client.graph import ApiClientMutation, ApiClientQuery
from subgraphs.identity.credential.graph import CredentialMutation, CredentialQuery
from subgraphs.identity.lockout.graph import LockoutMutation
from subgraphs.identity.registration.graph import RegistrationMutation
from subgraphs.identity.role.graph import RoleMutation, RoleQuery
from subgraphs.identity.second_factor.graph import SecondFactorMutation
from subgraphs.identity.session.graph import SessionMutation
from subgraphs.identity.tenant.graph import TenantMutation, TenantQuery
from subgraphs.identity.upload.graph import UploadMutation
from subgraphs.identity.user.graph import UserMutation, UserQuery
from subgraphs.identity.user_import.graph import UserImportMutation, UserImportQuery, UserImportSubscription


@strawberry.type
class Query(TenantQuery, UserQuery, UserImportQuery, CredentialQuery, RoleQuery, ApiClientQuery):
    """What can be asked."""


@strawberry.type
class Mutation(
    SessionMutation,
    LockoutMutation,
    CredentialMutation,
    SecondFactorMutation,
    UserMutation,
    AccountMutation,
    RegistrationMutation,
    UserImportMutation,
    RoleMutation,
    TenantMutation,
    ApiClientMutation,
    UploadMutation,
):
    """What can be done."""


@strawberry.type
class Subscription(UserImportSubscription):
    """What is told as it happens."""


schema = subgraph_schema(query=Query, mutation=Mutation, subscription=Subscription)
