"""The fault run: steady load through a gateway whose backends break, one after the other, and come back."""
