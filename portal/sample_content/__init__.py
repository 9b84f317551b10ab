"""What staff would write, to begin with: help articles, answer templates, guides, synonyms, cards, phones and stores.

The demo loads all of it, and `manage.py setup` the articles that fit any vendor.
"""
