"""The composition root: every collaborator is made and joined here."""
