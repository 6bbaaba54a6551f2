"""OAuth 2.1, OpenID Connect and SMART App Launch 2.2 server."""
