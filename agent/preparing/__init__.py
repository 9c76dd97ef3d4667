"""What happens inside the limited child process: one file in, checked batches and findings out."""
