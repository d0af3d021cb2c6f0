"""The header of a mail (RFC 5322 2.2): reads its fields, and writes the fields of outgoing mails."""
