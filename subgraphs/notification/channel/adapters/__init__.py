"""Outside parties that take mails, behind `channel.rules.Mailer`."""
