"""Where mail comes from: IMAP folders, and an SMTP or LMTP listener. Each source keeps to `maild.ports.MailSource`."""
