"""Attempts as agents and logs write them, read as steps; and steps as the bytes that are stored."""

from explib.trajectories.codec import as_messages, decode_steps, encode_steps
from explib.trajectories.parsing import Reading, parse_trajectory, read_trajectory

__all__ = ["Reading", "as_messages", "decode_steps", "encode_steps", "parse_trajectory", "read_trajectory"]
