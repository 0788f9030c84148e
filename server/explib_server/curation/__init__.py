"""What people do to a library: add, edit, retire, review, go back, set it up. What they change is a revision too."""
