"""Decode an untrusted file and re-encode it, in a subprocess.

Image and PDF decoders are the most likely targets of hostile files. They therefore run in a process without secrets or
Django, and with little memory and time, so that a crash affects nothing else. Before decoding, the process drops the
rights to open files and connections and to access other processes. `python -m files.cleaning.images` and `python -m
files.cleaning.pdfs` follow the protocol of child_process.py.
"""
