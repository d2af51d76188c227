"""What operating systems do differently, a file for each concern.

Each file chooses by the system in one place and offers the same names everywhere, so that whoever
uses it need not ask.
"""
