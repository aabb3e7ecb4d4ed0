"""What a command says when it cannot do what was asked."""


class Refusal(Exception):
    """The message tells the user what is wrong and what to do. Exit code 1."""
