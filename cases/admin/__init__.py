"""What staff's queues share: the filter of what is to be done, one page per case, and its actions."""
