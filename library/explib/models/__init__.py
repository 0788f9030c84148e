"""The nouns of the experience library, as frozen dataclasses: a module for each. They import nothing else of ours.

Times are seconds since the epoch (UTC). Rewards are finite numbers in the library's range.
"""
