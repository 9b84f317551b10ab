"""What an operator watches: metrics for Prometheus, request ids, and log lines."""
