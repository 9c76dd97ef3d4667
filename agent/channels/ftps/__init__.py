"""What the FTP channel is made of: a control connection with deadlines, TLS on both connections, a delivery's steps.

The protocol is RFC 959 with RFC 2428 (EPSV), RFC 3659 (SIZE) and RFC 4217 (TLS). It is spoken here rather than by
ftplib, whose replies have no length limit, whose second connection resumes no TLS session and waits without
limit for its end, and whose sockets nobody else can shut.
"""
