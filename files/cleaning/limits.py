"""How much of a file is worked on. Read by both sides of the pipe, so without a decoder."""

MOST_PIXELS = 60_000_000  # taken; phones make up to 50 million
KEPT_PIXELS = 16_000_000  # what more a photo has does not make a receipt more readable
MOST_PAGES = 50
PROCESSOR_TIME = 20  # seconds
MEMORY = 1536 * 1024**2  # bytes of address space; a picture of the most pixels needs about half
