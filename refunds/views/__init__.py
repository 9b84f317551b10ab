"""The pages on which buyers ask for their money back, and follow what they asked for."""
