"""The command `multilabel`."""

import argparse
from importlib.metadata import version


def main() -> None:
    """`multilabel --version`."""
    parser = argparse.ArgumentParser("multilabel", description="Multi-label classification of images, text, and both.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('multilabel')}")
    parser.parse_args()
    parser.print_help()


if __name__ == "__main__":
    main()
