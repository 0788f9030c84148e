"""`python -m explib_server` is `explib`."""

from explib_server.cli import main

if __name__ == "__main__":
    main()
