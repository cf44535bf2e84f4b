"""What devstack says instead of a traceback."""


class DevstackError(Exception):
    """Something that the person at the keyboard can put right; the message is a sentence that says how."""
