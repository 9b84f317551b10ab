"""Found by `notifications` if this app is installed."""

from notifications import kinds
from tests.mail_kinds.note_kinds import KINDS

for kind in KINDS:
    kinds.register(kind)
