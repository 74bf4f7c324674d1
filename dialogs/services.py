"""Services in the language of a talk: billing has plain English words, which the pay pages have translated."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dialogs.catalog import SOURCE, load_catalogs

PAGES = "pages"


def N_(text: str) -> str:  # noqa: N802 pybabel knows by this name a text that is translated later
    """The text as it is."""
    return text


WORDS: Mapping[str, str] = {
    "internet": N_("Internet"),
    "tv": N_("Television"),
    "television": N_("Television"),
    "mobile": N_("Mobile phone"),
    "phone": N_("Telephone"),
    "telephone": N_("Telephone"),
    "landline": N_("Telephone"),
    "electricity": N_("Electricity"),
    "gas": N_("Gas"),
    "water": N_("Water"),
    "heating": N_("Heating"),
    "insurance": N_("Insurance"),
    "loan": N_("Loan"),
}
"""The text of the pay pages for each word of billing's."""
BESIDE = re.compile(r"(?<=\()[^()]+(?=\))")
"""A service in brackets, after the number of its account."""


def service_named(service: str, language: str) -> str:
    """The word for a service within a sentence; one that is not known stays as it is."""
    text = WORDS.get(service.lower())
    if text is None or language == SOURCE:
        return service
    return str(load_catalogs(domain=PAGES)[language].translations.gettext(text)).lower()


def services_named(accounts: str, language: str) -> str:
    """The same for accounts with their services, as in 3801-2207 (internet)."""
    return BESIDE.sub(lambda found: service_named(found[0], language), accounts)
