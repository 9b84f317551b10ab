"""Limits for decoding. Imported by both processes, so this module must not import a decoder."""

MAX_PIXELS = 60_000_000  # of an accepted image; phones make up to 50 million
MAX_STORED_PIXELS = 16_000_000  # larger images are scaled down: more pixels don't make a receipt more readable
MAX_PAGES = 50
CPU_SECONDS = 20
MEMORY_BYTES = 1536 * 1024**2  # of address space; an image of MAX_PIXELS needs about half
