"""A desk without hardware: virtual time, a simulated room, recorded people."""
