"""What buyers ask back, what was decided, and the money that moved."""

from refunds.models.cases import Case, CaseEvent
from refunds.models.cashback import CashbackClaim, CashbackPromotion
from refunds.models.money import RefundTransaction, StoreGateway
from refunds.models.policies import AutoApprovalLimit, ReturnException, ReturnPolicy, WithdrawalPeriod
from refunds.models.returns import Return, ReturnLine, ReturnReason
from refunds.models.swaps import Swap, SwapOffer
from refunds.models.withdrawals import Withdrawal

__all__ = [
    "AutoApprovalLimit",
    "Case",
    "CaseEvent",
    "CashbackClaim",
    "CashbackPromotion",
    "RefundTransaction",
    "Return",
    "ReturnException",
    "ReturnLine",
    "ReturnPolicy",
    "ReturnReason",
    "StoreGateway",
    "Swap",
    "SwapOffer",
    "Withdrawal",
    "WithdrawalPeriod",
]
