"""The site that the tests read from."""
