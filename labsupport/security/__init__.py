"""What a model, a caller and a key are held to before they are believed: files, signatures, encryption, tokens, limits."""
