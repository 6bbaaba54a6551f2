"""Where resources lie: tables, the statements that write and read them, and blobs."""
