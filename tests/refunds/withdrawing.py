"""Withdrawals as of shortly after they were sent, when their orders are found."""

from uuid import UUID

from refunds.models import Withdrawal
from refunds.services import withdrawals
from refunds.services.withdrawals import WithdrawalStatement


def withdraw(statement: WithdrawalStatement, language: str = "en", submission_id: UUID | None = None) -> Withdrawal:
    """Send a withdrawal, and run the task that follows."""
    sent = withdrawals.withdraw(statement, language, submission_id)
    withdrawals.match_withdrawals()
    return Withdrawal.objects.get(pk=sent.pk)
