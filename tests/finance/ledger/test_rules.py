from subgraphs.finance.ledger.rules import NAMES, Account, account_of_method
from subgraphs.finance.model import BillingType
from subgraphs.finance.payment.rules import PaymentMethod


def test_every_bill_and_every_way_to_pay_has_its_account():
    assert {f"REVENUE_{each}" for each in BillingType} < set(Account)
    assert set(NAMES) == set(Account)
    assert {each for each in PaymentMethod if account_of_method(each) is Account.CASH} == {PaymentMethod.CASH}
    assert account_of_method("QRIS") is Account.BANK
