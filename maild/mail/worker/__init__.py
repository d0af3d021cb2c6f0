"""Worker processes that read mails. A mail that breaks its reader costs one process, never the daemon."""
