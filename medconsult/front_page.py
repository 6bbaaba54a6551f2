"""The page at `/` until there is a portal."""

from __future__ import annotations

from html import escape

from medconsult.settings import Settings

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>MedConsult</title>
<link rel="icon" href="/auth/static/icon.svg">
<link rel="stylesheet" href="/auth/static/tokens.css">
<link rel="stylesheet" href="/auth/static/auth.css">
</head>
<body>
<main>
<h1>MedConsult</h1>
<p>A FHIR R4 server. The base URL for FHIR clients is <code>{base}/fhir</code>.
{access} There is no portal yet.</p>
<p><a class="button" href="/auth/login">Sign in</a></p>
<ul>
<li><a href="/auth/apps">Apps you let in</a>, and registering one of yours</li>
<li><a href="/fhir/metadata?_pretty=true">What this server can do</a> (CapabilityStatement)</li>
<li><a href="/fhir/.well-known/smart-configuration">How apps get a token</a></li>
<li><a href="/readyz">Whether it is ready</a>, <a href="/metrics">its figures</a></li>
</ul>
</main>
</body>
</html>
"""
TOKENS = "Every request needs an access token."
OPEN = "Whoever can reach this address can read and change every record: it asks for no tokens."


def front_page(settings: Settings) -> str:
    return PAGE.format(base=escape(settings.public_url), access=OPEN if settings.open else TOKENS)
