"""What is fast, measured: each script prints ratios against a baseline of the same run."""
