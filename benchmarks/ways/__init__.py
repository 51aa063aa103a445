"""One file a way; each runs in a process of its own: `python -m benchmarks.ways.<way> <input> <folder>`.

Each prints how many rows it loaded and the sum of `absolute_total` over them: nobody wins by loading less.
"""
