"""What must not stand in a log."""

import logging
import re

# Signed links open orders, or start downloads, while they are young.
_TOKEN = re.compile(r"(/access/|/d/|/threads/open/|/correct-email/undo/|/mail/follow-ups/)[^/\s\"']+")


class HideTokens(logging.Filter):
    """Cuts the tokens out of paths, as in the log line of a form that was refused."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if _TOKEN.search(text):
            record.msg, record.args = _TOKEN.sub(r"\1…", text), None
        return True
