"""The portal for patients, practitioners and staff."""
