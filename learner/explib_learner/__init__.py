"""How experiences are learned: analysts, the pipeline that orders their steps, and the worker that runs it."""
