"""What files of rows are made of: lines of JSONL, and compression."""
