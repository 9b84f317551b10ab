"""Readable text for any vendor color, by the contrast formula of WCAG 2.2."""

import re
from functools import lru_cache

AA_CONTRAST = 4.5  # for text of normal size
WHITE = "#ffffff"
BLACK = "#000000"
_STEPS = 20  # from the color itself to black or white


def _channels(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of `#rgb` or `#rrggbb`. Raises ValueError for anything else."""
    digits = color.strip().removeprefix("#")
    if not re.fullmatch(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}", digits):
        raise ValueError(f"{color} is not a color. Write it as #0b5cad.")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _luminance(color: str) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(channel) for channel in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache
def text_on(background: str) -> str:
    """Return white or black, whichever has more contrast; one of them always passes AA."""
    return max((WHITE, BLACK), key=lambda color: contrast(color, background))


def mix(color: str, other: str, share: float) -> str:
    """Mix a share (0 to 1) of the other color into it, as `#rrggbb`."""
    channels = zip(_channels(color), _channels(other), strict=True)
    return "#{:02x}{:02x}{:02x}".format(*(round(a + (b - a) * share) for a, b in channels))


@lru_cache
def readable_on(background: str, color: str) -> str:
    """Return the color itself if it passes AA as text on that background, otherwise the nearest shade that does."""
    target = text_on(background)
    shades = (mix(color, target, step / _STEPS) for step in range(_STEPS + 1))
    return next((shade for shade in shades if contrast(shade, background) >= AA_CONTRAST), target)
