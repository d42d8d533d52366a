"""The reference: every key, command, event and reason, written out from where the program itself has them."""
