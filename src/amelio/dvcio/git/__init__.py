"""What Git has, read and written without touching the user's tree, index and branches."""
