from collections import Counter


class Tally(Counter):
    """A Counter whose differences keep what is below zero."""

    def __sub__(self, other):
        return Tally({key: self[key] - other[key] for key in self.keys() | other.keys()})
