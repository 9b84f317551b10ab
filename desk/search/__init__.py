"""One search over people, orders, licenses, cases, emails and help articles, for staff.

It tolerates one slip, beginnings, and any sequence of words. Everything is looked up with an index: exact values and
beginnings first, then all texts that are one slip apart from the typed one (`desk.one_slip`). Each query has a time
limit (`desk.limits`), and each kind of result requires the permission to view it.
"""

from desk.search.groups import Found, Group, Result, search

__all__ = ["Found", "Group", "Result", "search"]
