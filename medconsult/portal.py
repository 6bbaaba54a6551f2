"""The portal's part of a process: billing with the provider that the settings name, and the pages."""

from __future__ import annotations

from billing.demo_provider import DemoProvider
from billing.payments import Billing
from billing.provider import Provider
from medconsult.settings import Settings
from smart_auth.auth import Auth
from ui.portal import Portal


def portal_of(settings: Settings, auth: Auth) -> Portal:
    return Portal(auth, billing_of(settings, auth), settings.time_zone, settings.clamd)


def billing_of(settings: Settings, auth: Auth) -> Billing:
    return Billing(auth.engine, auth.store, provider_of(settings, auth), auth.issuer)


def provider_of(settings: Settings, auth: Auth) -> Provider:
    """Return who takes the money; without keys of one, the demo that takes none."""
    if key := settings.stripe_secret_key.get_secret_value():
        # Only who is paid by Stripe waits for its SDK to load.
        from billing.stripe_provider import provider  # noqa: PLC0415

        secret = settings.stripe_webhook_secret.get_secret_value()
        return provider(key, secret, settings.stripe_api_base)
    return DemoProvider(auth.engine, settings.public_url, auth.keys.secret)
