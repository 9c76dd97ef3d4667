"""What the SFTP channel is made of: keys, a connection with deadlines, the protocol, a delivery's steps.

`connection` and what it imports load paramiko, which takes longer than most commands run; it is imported
when the first connection is made.
"""
