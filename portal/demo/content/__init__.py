"""What the demo shows as a vendor's own content: help articles, answers given often, cards, phones and stores."""
