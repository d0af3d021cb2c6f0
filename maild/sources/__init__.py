"""Where mail comes from: IMAP folders, and an SMTP or LMTP listener. Each source is a `maild.ports.MailSource`."""
