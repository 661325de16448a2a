"""Sign-in at an OpenID Connect provider: authorization code with PKCE, state and nonce."""
