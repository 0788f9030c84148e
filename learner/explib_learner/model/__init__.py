"""The `model` analyst and its calls: chat models, recorded answers, the stages that ask."""
