"""What people read: the story of a submission, the report about it and the rejects file."""
