"""Reports for people: one self-contained page of a run, or of two runs side by side."""
