"""The engine against the reference: generated documents, asked by many, must be answered the same by both."""

import pytest
from hypothesis import HealthCheck, Phase, assume, given, reject, settings
from hypothesis import strategies as st

from tests.reads.asking import TooCostly, Who, compare
from tests.reads.conftest import BothSchools
from tests.reads.documents import Document, documents
from tests.reads.people import ASKING

_SHARES = {"academic": 180, "identity": 70, "notification": 50, "finance": 60, "operations": 45, "admission": 30}
_DEEP = {
    "academic": 3_000,
    "identity": 1_200,
    "notification": 800,
    "finance": 1_000,
    "operations": 1_500,
    "admission": 800,
}
_ASKING = st.sampled_from(ASKING)


@pytest.mark.parametrize("subgraph", _SHARES)
def test_the_engine_answers_as_plain_execution_does(both_schools: BothSchools, subgraph: str):
    run(both_schools, subgraph, _SHARES[subgraph])


@pytest.mark.deep
@pytest.mark.parametrize("subgraph", _DEEP)
def test_the_engine_answers_as_plain_execution_does_at_length(both_schools: BothSchools, subgraph: str):
    run(both_schools, subgraph, _DEEP[subgraph])


def run(both: BothSchools, subgraph: str, count: int) -> None:
    """Asks so many documents of one subgraph, each once and always the same; a difference is told at its smallest.

    Documents are made to stay below the limit of objects; the few that do not are asked in no other way.
    """
    answered: set[str] = set()
    too_costly: set[str] = set()
    differing: list[Document] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(documents(subgraph), _ASKING, _ASKING)
    def ask(document: Document, first: Who, second: Who) -> None:
        assume(differing or document.text not in answered)
        try:
            both.run(_ask_twice(both, document, first, second))
        except TooCostly:
            too_costly.add(document.text)
            reject()
        except BaseException:
            differing.append(document)  # from here on it is made smaller, through whatever was asked before
            raise
        answered.add(document.text)

    ask()
    assert len(answered) == count
    assert len(too_costly) <= count / 100


async def _ask_twice(both: BothSchools, document: Document, first: Who, second: Who) -> None:
    """By two people and with other values: what is remembered of one asking must not show in another."""
    await compare(both, document, first, document.variables)
    await compare(both, document, second, document.others)
