"""What operating systems do differently, a file for each concern.

Each file chooses by the system in one place and offers the same names everywhere; nothing else in
Bertie asks which system it runs on, but for the server's sockets and signals, which are its own.
"""
