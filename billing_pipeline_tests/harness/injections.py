"""Names that a tenant could give itself, to be asserted in every place that shows or exports names."""

from __future__ import annotations

INJECTIONS = {
    "escape sequences": "a\x1b[2J\x1b]0;owned\x07b",
    "C1 control sequence": "a\x9b2Jb",
    "line breaks": "a\n2026-09  loaded, 1 row\r\nb",
    "Unicode line breaks": "a\u2028b\u2029c\x85d\x0be\x0cf",
    "backspaces": "billed\b\b\b\b\b\bfree\x7f",
    "right-to-left override": "a\u202egpj.exe",
    "invisible": "a\u200bb\u2060c\ufeffd\xade",
    "Markdown image": "![](/graphql?query=mutation{wipeAssets(assetPartitionRanges:[])})",
    "Markdown link": "[free](javascript:alert(1)) <https://evil.example> *a* _b_ ~~c~~ `d` # e",
    "Markdown escapes": "\\![](x) \\| a \\` b",
    "table cell": "a | b || c",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>&amp;\"'",
    "template": "{{ 7 * 7 }}{% raw %}${7*7}%s%(name)s{0}",
    "formula": '=HYPERLINK("http://evil.example";"free")',
    "formula after a blank": " \t@SUM(1+1)*cmd|' /C calc'!A0",
    "number with leading zeros": "00149",
    "spreadsheet escape": "_x0041_ _x000D_\x01",
    "quotes and commas": 'a","b;c\'--',
    "honest": "Bäckerei Müller & Söhne GmbH, 100% 株式会社",
}
