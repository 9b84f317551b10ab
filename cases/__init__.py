"""What all kinds of cases share: references, status transitions, history, buyer pages and staff queues."""
