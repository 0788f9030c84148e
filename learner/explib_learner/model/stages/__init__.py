"""The steps in which a model speaks. They do not know each other; `model_analyst` orders them."""
