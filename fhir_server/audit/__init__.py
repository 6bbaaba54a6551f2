"""Who did what with which record: one row for each access, kept for good, shown as AuditEvent."""
