"""One compiled statement in one round trip: binding, statement and end of the transaction leave together.

Between two syncs of a pipeline PostgreSQL has one transaction. This speaks to libpq as psycopg wraps it: with a cursor
for each part, as psycopg's own pipeline has it, the same takes three times the processor time.
"""

import itertools
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg import AsyncConnection, pq
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import send
from psycopg.waiting import Wait

from libs.kernel import Binding

# A plan made for the values costs more than reading the rows; those of compiled reads do not depend on the values.
_BIND: Final = (
    "select set_config('plan_cache_mode', 'force_generic_plan', true), "
    "set_config('transaction_read_only', 'on', true), set_config('app.tenant_id', $1, true), "
    "set_config('app.scope', $2, true), set_config('app.user_id', $3, true), set_config('app.student_ids', $4, true)"
)
_MOST_PREPARED: Final = 200  # of one connection; PostgreSQL keeps the plan of each
_numbers = itertools.count(1)
_prepared: WeakKeyDictionary[AsyncConnection[Any], OrderedDict[str, bytes]] = WeakKeyDictionary()


async def fetch_first_column(
    connection: AsyncConnection[Any], binding: Binding, statement: str, values: Sequence[Any]
) -> list[bytes | None]:
    """The first column of every row as text, from a read-only transaction of the binding. Raises psycopg.Error."""
    known = _prepared.setdefault(connection, OrderedDict())
    made: dict[str, bytes] = {}
    async with connection.lock:
        pgconn = connection.pgconn
        try:
            pgconn.enter_pipeline_mode()
            for text, given in ((_BIND, binding_values(binding)), (statement, values)):
                _send(connection, text, given, known, made)
            while len(known) + len(made) > _MOST_PREPARED:
                pgconn.send_close_prepared(known.popitem(last=False)[1])
            pgconn.pipeline_sync()
            answers = await connection.wait(_answers(pgconn))
            pgconn.exit_pipeline_mode()
        except BaseException:
            pgconn.finish()  # nobody knows what it would answer next
            raise
    for answer in answers:
        if answer.status == pq.ExecStatus.FATAL_ERROR:
            raise psycopg.errors.error_from_result(answer)
    known.update(made)
    rows = next(answer for answer in reversed(answers) if answer.status == pq.ExecStatus.TUPLES_OK)
    return [rows.get_value(row, 0) for row in range(rows.ntuples)]


def _send(
    connection: AsyncConnection[Any],
    text: str,
    values: Sequence[Any],
    known: OrderedDict[str, bytes],
    made: dict[str, bytes],
) -> None:
    """Sends a statement under the name that the connection knows it by, or gives it one."""
    name = known.get(text)
    if name is None:
        name = made[text] = b"read_%d" % next(_numbers)
        connection.pgconn.send_prepare(name, text.encode())
    else:
        known.move_to_end(text)
    dumped = Transformer(connection).dump_sequence(values, [PyFormat.TEXT] * len(values))
    connection.pgconn.send_query_prepared(name, dumped)


def _answers(pgconn: pq.abc.PGconn) -> PQGen[list[pq.abc.PGresult]]:
    """Everything that comes before the end of the transaction."""
    yield from send(pgconn)
    answers: list[pq.abc.PGresult] = []
    while True:
        yield Wait.R
        pgconn.consume_input()
        while not pgconn.is_busy():
            answer = pgconn.get_result()
            if answer is None:
                continue  # between two commands
            if answer.status == pq.ExecStatus.PIPELINE_SYNC:
                return answers
            answers.append(answer)


def binding_values(binding: Binding) -> tuple[str, str, str, str]:
    """A binding as parameters of set_config(): tenant, scope, user, pupils."""
    students = ",".join(map(str, binding.student_ids))
    return str(binding.tenant_id), str(binding.scope), str(binding.user_id or ""), f"{{{students}}}"
