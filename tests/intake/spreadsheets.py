"""Simulates what a spreadsheet does to a cell when it opens and saves a CSV file."""

import re
from datetime import datetime

GERMAN_MONTHS = "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez".split()  # noqa: SIM905 (short)
AMERICAN_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 (short)
WIDEST = 11  # digits that are shown without an exponent


def german(cell: str) -> str:
    """Reads 12.05 as a day, 01/02/2026 as 1 February, a point as thousands separator, and writes 01.02.2026."""
    if found := re.fullmatch(r"(\d{1,2})\.(\d{1,2})", cell):
        day, month = int(found[1]), int(found[2])
        return f"{day:02}. {GERMAN_MONTHS[month - 1]}" if 1 <= month <= 12 and 1 <= day <= 30 else cell
    if moment := _date(cell, r"(?P<d>\d{1,2})[./](?P<m>\d{1,2})[./](?P<y>\d{4})"):
        return moment.strftime("%d.%m.%Y %H:%M") if ":" in cell else moment.strftime("%d.%m.%Y")
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+,\d+", cell):
        whole, _sign, fraction = cell.replace(".", "").partition(",")
        fraction = fraction.rstrip("0")
        return f"{int(whole)},{fraction}" if fraction else str(int(whole))
    return _number(cell, ",")


def american(cell: str) -> str:
    """Reads 1/2/2026 as 2 January, and drops trailing zeros of decimals."""
    if moment := _date(cell, r"(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})"):
        day = f"{moment.month}/{moment.day}/{moment.year}"
        return f"{day} {moment.hour}:{moment.minute:02}" if ":" in cell else day
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+", cell):
        whole, _sign, fraction = cell.replace(",", "").partition(".")
        fraction = fraction.rstrip("0")
        return f"{int(whole)}.{fraction}" if fraction else str(int(whole))
    return _number(cell, ".")


def _date(cell: str, pattern: str) -> datetime | None:
    iso = re.fullmatch(r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)(?: (?P<H>\d\d):(?P<M>\d\d)(?::\d\d)?)?", cell)
    found = iso or re.fullmatch(pattern + r"(?: (?P<H>\d{1,2}):(?P<M>\d\d))?", cell)
    if not found:
        return None
    try:
        return datetime(  # noqa: DTZ001 (cells have no time zone)
            int(found["y"]), int(found["m"]), int(found["d"]), int(found["H"] or 0), int(found["M"] or 0)
        )
    except ValueError:
        return None


def _number(cell: str, decimal_sign: str) -> str:
    """Long numbers get an exponent, and leading zeros are dropped."""
    if not re.fullmatch(r"\d+", cell):
        return cell
    if len(cell.lstrip("0")) > WIDEST:
        return f"{int(cell):.5E}".replace(".", decimal_sign)
    return str(int(cell))
