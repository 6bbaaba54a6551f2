"""The page at `/` until there is a portal."""

from __future__ import annotations

from html import escape

from medconsult.settings import Settings

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>MedConsult</title>
<style>
body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}
code {{ background: #eee; padding: 0 .25rem; overflow-wrap: anywhere }}
</style>
<h1>MedConsult</h1>
<p>A FHIR R4 server. The base URL for FHIR clients is <code>{base}/fhir</code>.
{access} There is no portal yet.</p>
<ul>
<li><a href="/fhir/metadata?_pretty=true">What this server can do</a> (CapabilityStatement)</li>
<li><a href="/fhir/Patient?_pretty=true">The patients</a></li>
<li><a href="/readyz">Whether it is ready</a>, <a href="/metrics">its figures</a></li>
</ul>
</html>
"""
ACCESS = "Whoever can reach this address can read and change every record: it asks for no tokens."


def front_page(settings: Settings) -> str:
    return PAGE.format(base=escape(settings.public_url), access=ACCESS)
