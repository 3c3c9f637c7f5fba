"""Mutations: one field = one transaction = one operation. What every mutation does is written here, once."""

import inspect
import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

import psycopg
import strawberry
from sqlalchemy.exc import DBAPIError

from libs.auth import system_binding
from libs.db import TenantTransaction
from libs.graph.context import Call, Info, RequestContext
from libs.graph.errors import RequestRefused
from libs.graph.idempotency import keep_answer, kept_answer
from libs.graph.inputs import check_input
from libs.graph.payloads import read_payload
from libs.graph.results import ALWAYS, told
from libs.graph.roots import resolving
from libs.kernel import PLATFORM_TENANT_ID, Binding, DomainError, FieldFault, Forbidden, InvalidInput, Scope

_TRIES: Final = 3
_DUTIES: Final = {
    "PASSWORD_CHANGE": "Change the password first.",
    "SECOND_FACTOR": "Set up the second factor first.",
}
"""What somebody may be told to do before anything else (`Actor.pending`)."""
_RETRIED: Final = ("40001", "40P01")  # serialization failure, deadlock: the other transaction won, ours can try again


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a mutation: holders of `permission`, or anybody (`public`).

    `platform` binds its transaction to the platform, whose tables no school writes; whose row it is about is then
    for the operation to say.
    `feature` names the tenant feature that must be on; `settles` what somebody who has to do it first may do with it
    (`Actor.pending`); `kept` whether an Idempotency-Key keeps the answer.
    """

    permission: str | None = None
    public: bool = False
    platform: bool = False
    feature: str | None = None
    settles: frozenset[str] = frozenset()
    kept: bool = True


Operation = Callable[..., Awaitable[Any]]
Preparation = Callable[[RequestContext, Any], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class _Field:
    """One occurrence of a mutation field in a document."""

    info: Info
    success: type
    access: Access
    prepared: Any = None

    @property
    def context(self) -> RequestContext:
        """The request."""
        return self.info.context

    @property
    def name(self) -> str:
        """The response key: two aliases of one mutation keep an answer each."""
        return str(self.info.path.key)


def mutation(
    *,
    permission: str | None = None,
    public: bool = False,
    platform: bool = False,
    feature: str | None = None,
    errors: Sequence[type] = (),
    prepare: Preparation | None = None,
    settles: Collection[str] = (),
    kept: bool = True,
) -> Callable[[Operation], Any]:
    """Makes a mutation field of `async def verb_noun(self, call, input) -> VerbNounSuccess`.

    Its result is the union VerbNounResult of the success, InvalidInput, NotFound, Forbidden and `errors`. Without
    any word of who may call, everybody signed in may. `prepare` is what must not hold a connection meanwhile (a
    password's slow hash): awaited with context and input before the transaction, once, and kept as `call.prepared`.
    `settles` names the duties (`Actor.pending`) under which it may be called. With `kept=False` an Idempotency-Key
    keeps nothing of it: what holds a secret, or counts an attempt although it answers an error, is no answer to repeat.
    Raises TypeError when access is said twice.
    """
    if public and (permission or platform):
        raise TypeError("public mutations need no permission")
    access = Access(permission, public, platform, feature, frozenset(settles), kept and not public)

    def declare(operation: Operation) -> Any:
        hints: dict[str, Any] = inspect.get_annotations(operation)
        success = hints["return"]
        name = "".join(part.capitalize() for part in operation.__name__.split("_"))
        members = (success, *ALWAYS, *errors)
        union = strawberry.union(name=f"{name}Result", description=f"What {_camel(name)} answers.")

        async def run(root: Any, info: Info, **arguments: Any) -> Any:  # noqa: ARG001 - strawberry hands it over
            field = _Field(info, success, access)
            return await _run(operation, prepare, field, arguments.get("input"))

        kinds = inspect.Parameter
        parameters = [
            kinds("root", kinds.POSITIONAL_OR_KEYWORD, annotation=Any),
            kinds("info", kinds.POSITIONAL_OR_KEYWORD, annotation=Info),
        ]
        if "input" in hints:
            described: Any = Annotated[hints["input"], strawberry.argument(description="What to do it with.")]
            parameters.append(kinds("input", kinds.KEYWORD_ONLY, annotation=described))
        returns: Any = Annotated[_union_of(members), union]
        run.__signature__ = inspect.Signature(parameters, return_annotation=returns)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": returns}
        return strawberry.mutation(
            resolver=run, description=inspect.getdoc(operation), metadata={"access": access, "errors": tuple(errors)}
        )

    return declare


def _union_of(members: Sequence[type]) -> Any:
    union: Any = members[0]
    for member in members[1:]:
        union = union | member
    return union


def _camel(name: str) -> str:
    return re.sub("^.", lambda first: first[0].lower(), name)


async def _run(operation: Operation, prepare: Preparation | None, field: _Field, given: Any) -> Any:
    context, access = field.context, field.access
    binding = _admit(context, access)
    try:
        if not access.public and access.permission and not context.signed_in.may(access.permission):
            raise Forbidden
        if given is not None and (faults := [*check_input(given), *_further_faults(given, context)]):
            raise InvalidInput(faults)
        if prepare is not None:
            field = replace(field, prepared=await prepare(context, given))
        for _ in range(_TRIES - 1):
            try:
                return await _once(operation, field, binding, given)
            except (DBAPIError, psycopg.Error) as error:
                if getattr(getattr(error, "orig", error), "sqlstate", None) not in _RETRIED:
                    raise
        return await _once(operation, field, binding, given)
    except DomainError as error:
        return await _told(error, field)


def _further_faults(given: Any, context: RequestContext) -> Sequence[FieldFault]:
    """Faults that an input finds itself (`def faults(self, today)`), so that they are told with all others at once."""
    return given.faults(context.today) if hasattr(given, "faults") else ()


def _admit(context: RequestContext, access: Access) -> Binding:
    """The tenant and scope of the transaction. Raises RequestRefused for what no union member tells."""
    if access.public:
        _check_feature(context, access)
        return system_binding(context.named_tenant_id)
    actor = context.signed_in
    context.revocations.check(actor, mutation=True, now=context.clock())
    if due := sorted(actor.pending - access.settles):
        raise RequestRefused(f"{due[0]}_REQUIRED", _DUTIES[due[0]])
    if access.platform:
        return Binding(PLATFORM_TENANT_ID, Scope.SYSTEM, user_id=actor.user_id)
    _check_feature(context, access)
    return Binding(actor.tenant_id, Scope.TENANT, user_id=actor.user_id, student_ids=actor.student_ids)


def _check_feature(context: RequestContext, access: Access) -> None:
    if access.feature and context.tenant and access.feature not in context.tenant.features:
        raise RequestRefused("FEATURE_DISABLED", "The school has switched this off.", feature=access.feature)


def _reader(context: RequestContext) -> Binding:
    tenant = context.actor.tenant_id if context.actor else PLATFORM_TENANT_ID
    return Binding(tenant, Scope.OWN)  # until a statement says whose eyes it needs


async def _told(cause: DomainError, field: _Field) -> Any:
    """The error with the objects it names, read after the change was rolled back."""
    error = told(cause, field.context.language)
    if getattr(error, "related", None):
        async with field.context.database.read(_reader(field.context)) as tx:
            await read_payload(resolving(field.info), tx, error)
    return error


async def _once(operation: Operation, field: _Field, binding: Binding, given: Any) -> Any:
    context = field.context
    async with context.database.write(binding) as tx:
        answer = await _answered(operation, field, tx, given)
        if getattr(answer, "related", None):
            # Somebody of a school sees what comes out of the platform's register with the school's eyes.
            platform = field.access.platform and context.signed_in.is_platform
            tenant_id = PLATFORM_TENANT_ID if platform else None
            await read_payload(resolving(field.info), tx, answer, tenant_id=tenant_id)
    return answer


async def _answered(operation: Operation, field: _Field, tx: TenantTransaction, given: Any) -> Any:
    """What the operation answers, or what it answered under the same Idempotency-Key."""
    context = field.context
    call = Call(tx, context, field.prepared)
    arguments = (None, call) if given is None else (None, call, given)
    key = context.request.headers.get("idempotency-key") if field.access.kept else None
    if key is None:
        return await operation(*arguments)
    kept = await kept_answer(tx, context, key=key, field=field.name, given=given, success=field.success)
    if kept is not None:
        return kept
    answer = await operation(*arguments)
    await keep_answer(tx, context, key=key, field=field.name, answer=answer)
    return answer
