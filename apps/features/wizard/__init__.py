"""The way to a new feature for somebody who has never made one: basics, form, pipeline, try and publish."""
