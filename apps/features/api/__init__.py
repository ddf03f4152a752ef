"""`/api/v1/admin/*`: the management API of features, one file per noun."""
