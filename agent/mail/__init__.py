"""What is needed to send mail: the settings of a relay, a message that costs no memory, a session that splits the dot.

Knows nothing of batches, channels and people. Its failures are those of `failures.py` and `net/failures.py`;
whoever uses it decides what follows from them.
"""
