"""Learning without a model: small predicates over what attempts did, which name decisions and code attempts."""
