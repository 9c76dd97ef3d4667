"""impact.com's batch dialect as data, and what follows from it: rules for cells, rows, orders and files."""
