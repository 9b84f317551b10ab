"""Endpoints that other servers call. Each request is signed with a shared key."""
