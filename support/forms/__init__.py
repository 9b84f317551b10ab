"""Forms for messages to support, and for checking whether an email or a call is genuine."""
