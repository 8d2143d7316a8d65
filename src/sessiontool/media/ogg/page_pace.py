"""How many samples an Ogg page holds: it tells whether the number and the granule of a damaged one go together."""

from __future__ import annotations


class PagePace:
    """The pages of a recording that have a place, in order."""

    def __init__(self) -> None:
        self._pages: list[tuple[int, int]] = []  # number and granule: of the first, and of the last

    def add(self, number: int, granule: int) -> None:
        """The next page, and the granule at its end."""
        self._pages[1:] = [(number, granule)]

    def fits(self, number: int, begin: int) -> bool:
        """Whether a page that begins at a granule is where its number says, but for less than half a page."""
        if len(self._pages) < 2:
            return False
        (first, first_end), (last, end) = self._pages
        count, samples = last - first, end - first_end
        between = number - last - 1
        return between >= 0 and count > 0 and abs((begin - end) * count - between * samples) * 2 < samples
