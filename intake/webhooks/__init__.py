"""Endpoints that other servers call, each call signed with a key that both sides know."""
