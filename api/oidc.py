"""Log in through an OpenID Connect provider that the settings name. Without one nothing of this is done and no outside host is asked."""

from __future__ import annotations

from urllib.parse import urlsplit

from gis.settings import Settings


def provider_name(settings: Settings) -> str | None:
    """What the provider is called on the log-in page, None when the settings name none."""
    return (settings.oidc_name or urlsplit(settings.oidc_issuer).hostname) if settings.oidc_issuer else None
