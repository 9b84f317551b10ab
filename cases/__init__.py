"""Shared by all kinds of cases: references, status transitions, history, buyer pages and staff queues."""
