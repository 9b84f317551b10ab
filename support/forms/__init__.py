"""Forms of messages to support and of the check whether an email or a call is ours."""
