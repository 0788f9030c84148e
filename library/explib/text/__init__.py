"""What is done to texts before they are stored: secrets and personal data are taken out."""
