"""Scripts by how they write speech, as ranges for a character class of a regular expression (Unicode 16, blocks).

One table for all that asks how long a text takes, where it may be broken and what a word is.
"""

from __future__ import annotations

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
KANA = "\u3040-\u30ff\u31f0-\u31ff"
HANGUL = "\u1100-\u11ff\uac00-\ud7af"
SOUTHEAST_ASIAN = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""Thai, Lao, Burmese, Khmer."""

CJK = KANA + HAN
"""As wide as two Latin letters, and a line may break nearly anywhere."""
WITHOUT_SPACES = SOUTHEAST_ASIAN + CJK
"""No spaces between words."""
SYLLABIC = WITHOUT_SPACES + HANGUL
"""A character is about a syllable."""
