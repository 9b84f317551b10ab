"""Decodes an untrusted file and re-encodes it, in a subprocess.

Image and PDF decoders are where hostile files do harm. They therefore run in a process that has no
secrets, no Django, little memory and little time, so that a crash affects nothing else. Before it decodes, it gives up
the rights to open files and connections and to look into other processes.
`python -m files.cleaning.images` and `python -m files.cleaning.pdfs` follow the protocol of child_process.py.
"""
