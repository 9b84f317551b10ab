"""The pages on which buyers request refunds and follow their requests."""
