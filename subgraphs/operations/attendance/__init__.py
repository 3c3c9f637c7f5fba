"""Who was at school: marks of whole days and of lessons."""
