"""Reads a stranger's file and writes it anew, in a process of its own.

Decoders of pictures and PDFs are where hostile files do their harm. So they run in a process that
has no secrets, no Django, little memory and little time: what breaks there breaks nothing else.
`python -m files.cleaning.pictures` and `python -m files.cleaning.documents` speak as child.py says.
"""
