"""What everything that talks over a network is made of: sockets, deadlines, TLS, patience with refused logins.

Knows no protocol above TCP and TLS, and decides nothing about batches.
"""
