"""What changes licenses besides what stores say of them: one file a subject."""
