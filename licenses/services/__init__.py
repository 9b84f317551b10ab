"""What changes licences besides what stores say of them: one file a subject."""
