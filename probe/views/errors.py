"""What can be wrong with the pages; apart from them, so that no command loads aiohttp for it."""


class WebUnavailableError(Exception):
    """The pages cannot be served; one line that says what to do."""
