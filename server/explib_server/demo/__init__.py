"""The demo's simulated order desk and the scripted agent that works at it."""
