"""Refund requests of buyers, the policies that decide them, and the refunds that are sent."""

from refunds.models.cashback import CashbackClaim, CashbackEvent, CashbackPromotion
from refunds.models.policies import ApprovalLimit, AutoApprovalLimit, ReturnException, ReturnPolicy, WithdrawalPeriod
from refunds.models.returns import Return, ReturnEvent, ReturnLine, ReturnReason
from refunds.models.swaps import Swap, SwapEvent, SwapOffer
from refunds.models.transactions import RefundTransaction, StoreGateway
from refunds.models.withdrawals import Withdrawal, WithdrawalEvent

__all__ = [
    "ApprovalLimit",
    "AutoApprovalLimit",
    "CashbackClaim",
    "CashbackEvent",
    "CashbackPromotion",
    "RefundTransaction",
    "Return",
    "ReturnEvent",
    "ReturnException",
    "ReturnLine",
    "ReturnPolicy",
    "ReturnReason",
    "StoreGateway",
    "Swap",
    "SwapEvent",
    "SwapOffer",
    "Withdrawal",
    "WithdrawalEvent",
    "WithdrawalPeriod",
]
