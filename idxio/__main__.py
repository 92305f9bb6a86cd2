"""The command idxio, and python -m idxio."""


def run() -> int:
    """Run the command; Ctrl-C while its modules are imported ends it as at any other time."""
    try:
        from .cli.main import main

        return main()
    except KeyboardInterrupt:
        return 130  # `exit_codes.INTERRUPTED`, which is one of those modules


if __name__ == "__main__":
    raise SystemExit(run())
