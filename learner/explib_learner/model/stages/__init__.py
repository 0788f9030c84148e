"""The steps in which a model speaks. They do not know each other; `analyst` orders them."""
