"""What the SFTP channel is made of: keys, a connection with deadlines, the protocol, a delivery's steps.

`connection` and what it imports load paramiko; `loading` does that at the first connection.
"""
