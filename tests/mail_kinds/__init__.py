"""Mail kinds that only tests know, as an app of their own: also for workers that tests start."""
