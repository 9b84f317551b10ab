"""Content of the demo that staff would maintain: help articles, answer templates, cards, phones and stores."""
