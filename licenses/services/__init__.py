"""Operations on licenses, one file per subject."""
