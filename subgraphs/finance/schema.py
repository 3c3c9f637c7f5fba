"""The graph of finance: the fields of its aggregates, joined."""

import strawberry

from libs.graph import subgraph_schema
from subgraphs.finance.billing_config.graph import BillingConfigMutation, BillingConfigQuery
from subgraphs.finance.invoice.graph import InvoiceMutation, InvoiceQuery, SchoolOverview, Student
from subgraphs.finance.payment.graph import PaymentMutation, PaymentQuery


@strawberry.type
class Query(BillingConfigQuery, InvoiceQuery, PaymentQuery):
    """What can be asked."""


@strawberry.type
class Mutation(BillingConfigMutation, InvoiceMutation, PaymentMutation):
    """What can be done."""


schema = subgraph_schema(query=Query, mutation=Mutation, types=[Student, SchoolOverview])
