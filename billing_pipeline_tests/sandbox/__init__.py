"""The sandbox is the witness that everything else is held against, so it is tested on its own."""
