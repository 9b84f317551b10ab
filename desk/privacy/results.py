"""The results of erasures, for pages that load the code of erasures only when it is needed."""

from dataclasses import dataclass, field

from desk.models import Erasure


class ErasureRefused(Exception):
    """Money is promised, or something is undecided. Nothing was erased; `reasons` are sentences."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class ErasureResult:
    """How many rows of which model. `receipt` is None for a dry run, and if nothing was held.

    `obstacles` are the reasons why a dry run would be refused.
    """

    counts: dict[str, int] = field(default_factory=dict)
    obstacles: list[str] = field(default_factory=list)
    receipt: Erasure | None = None
