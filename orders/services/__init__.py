"""Operations on orders that change several rows or send email."""
