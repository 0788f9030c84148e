"""Taking out what should never have been stored: attempts and libraries, with everything that was made of them."""
