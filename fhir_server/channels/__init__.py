"""Ways out of the house: messages that are queued with a change and delivered afterwards."""
