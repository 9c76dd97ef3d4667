"""The places where result files lie: a folder on disk, a folder behind an SFTP login."""
