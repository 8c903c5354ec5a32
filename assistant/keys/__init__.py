"""Keys: what a terminal's bytes mean, and what keys mean to a talk."""
