"""Names of the sandbox's tenants: those of a distributor in the Alps, its partners and their customers.

One customer's name is Japanese and one has an apostrophe; umlauts are usual.
"""

from types import MappingProxyType

ROOT_NAME = "Alpenland Cloud Distribution AG"

# Names of the distributor's first direct children, by place. Places of the form 4n+1 belong to partners.
DIRECT_CHILDREN = MappingProxyType(
    {
        0: "Bäckerei Müller GmbH",
        1: "Nordlicht Systemhaus GmbH",
        2: "Zahnarztpraxis Lang & Partner",
        3: "株式会社さくらシステム",
        4: "Hotel Alpenblick AG",
        5: "Wagner IT-Service GmbH",
        6: "Stadtwerke Hügelheim",
        7: "Messebau Huber (befristet)",
        8: "Kanzlei Dr. Steiner",
        9: "Bodensee Cloud Services GmbH",
        10: "Schulen Landkreis Lindau",
        11: "O'Reilly & Daughters Ltd.",
    }
)

_FIRST = (
    "Ahorn", "Bergmann", "Castelli", "Dürr", "Eichendorff", "Fischer", "Garnier", "Hofer", "Innauer", "Jäger",
    "Kowalski", "Lindner", "Moser", "Novak", "Oberhauser", "Pichler", "Quelle", "Rossi", "Schmid", "Tanner",
    "Unterberger", "Vogel", "Weiss", "Zimmermann", "De Vries", "Egger", "Baumann", "Gruber", "Keller",
    "Sommer",
)  # fmt: skip
_TRADE = (
    "Logistik", "Zahntechnik", "Steuerberatung", "Metallbau", "Apotheke", "Consulting", "Immobilien",
    "Medien", "Hotel", "Elektro", "Kanzlei", "Architekten", "Weinhandel", "Reisen", "Optik", "Textil",
    "Druck", "Maschinenbau", "Software",
)  # fmt: skip
_PARTNER_TRADE = ("Systemhaus", "IT-Service", "Cloud Services", "Managed IT", "Datentechnik")
_FORM = ("GmbH", "AG", "KG", "e.K.", "GmbH & Co. KG")
_UNITS = ("Zentrale", "Filiale Nord", "Werk 2", "Vertrieb", "Buchhaltung", "Lager")
RENAMED_SUFFIXES = ("", " Gruppe", " International")


def composed_name(kind: str, draw: int, number: int) -> str:
    """A name for a tenant that has none of its own.

    Args:
        draw: any number ≥ 0; chooses the legal form.
        number: tenants of one kind whose numbers are less than 150 apart have different names.
    """
    first = _FIRST[number % len(_FIRST)]
    if kind == "unit":
        return f"{_UNITS[number % len(_UNITS)]} {first}"
    if kind == "folder":
        return f"Kunden {first}"
    trades = _PARTNER_TRADE if kind == "partner" else _TRADE
    return f"{first} {trades[number // len(_FIRST) % len(trades)]} {_FORM[draw % len(_FORM)]}"
