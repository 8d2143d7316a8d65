"""TTML 2 in the IMSC 1 text profile, through ttconv.  XML has escapes for everything that a caption may hold.

Speakers who talk at once stand in two regions, the first speaker's at the top.  IMSC has no voices, so the name
stands before the text where the speaker changes.  A paragraph has the language and the direction of its text.
"""

from __future__ import annotations

import io
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from ttconv import model
from ttconv import style_properties as style
from ttconv.imsc import writer
from ttconv.imsc.attributes import TimeExpressionSyntaxEnum
from ttconv.imsc.config import IMSCWriterConfiguration

from ..languages import directed
from ..speakers import label_of, lanes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Cue
    from .registry import RenderOptions

_REGIONS = ("bottom", "top")
_PARAGRAPH = "{http://www.w3.org/ns/ttml}p"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


def render(cues: Sequence[Cue], look: RenderOptions) -> str:
    document = model.ContentDocument()
    document.set_lang(look.language)
    regions = [_region(document, name) for name in _REGIONS]
    body, division = model.Body(document), model.Div(document)
    document.set_body(body)
    body.push_child(division)
    upper = _in_the_upper_region(cues)
    last: tuple[str, str] | None = None
    for cue, is_upper in zip(cues, upper, strict=True):
        label = label_of(cue.speaker, look.profile) if look.speakers and cue.voice != last else ""
        last = cue.voice
        division.push_child(_paragraph(document, cue, label, regions[is_upper]))
    out = io.BytesIO()
    configuration = IMSCWriterConfiguration(time_format=TimeExpressionSyntaxEnum.clock_time)
    tree = writer.from_model(document, configuration)
    for element, cue in zip(tree.iter(_PARAGRAPH), cues, strict=True):  # which ttconv writes without their language
        if cue.language != look.language:
            element.set(_LANGUAGE, cue.language)
    tree.write(out, encoding="utf-8", xml_declaration=True)
    return out.getvalue().decode() + "\n"


def _in_the_upper_region(cues: Sequence[Cue]) -> list[bool]:
    """Which cues stand at the top: those of the first speaker that overlap another's."""
    lanes = lanes_of(cues)
    upper = [False] * len(cues)
    for number, (cue, after) in enumerate(pairwise(cues)):
        if after.start_ms < cue.end_ms:
            first = number if lanes[cue.voice] < lanes[after.voice] else number + 1
            upper[first] = True
    return upper


def _region(document: model.ContentDocument, name: str) -> model.Region:
    region = model.Region(name, document)
    top = name == "top"
    region.set_style(style.StyleProperties.Origin, style.CoordinateType(x=_percent(10), y=_percent(10 if top else 50)))
    region.set_style(style.StyleProperties.Extent, style.ExtentType(width=_percent(80), height=_percent(40)))
    align = style.DisplayAlignType.before if top else style.DisplayAlignType.after
    region.set_style(style.StyleProperties.DisplayAlign, align)
    region.set_style(style.StyleProperties.TextAlign, style.TextAlignType.center)
    document.put_region(region)
    return region


def _percent(value: int) -> style.LengthType:
    return style.LengthType(value, style.LengthType.Units.pct)


def _paragraph(document: model.ContentDocument, cue: Cue, label: str, region: model.Region) -> model.P:
    paragraph = model.P(document)
    paragraph.set_begin(Fraction(cue.start_ms, 1000))
    paragraph.set_end(Fraction(cue.end_ms, 1000))
    paragraph.set_region(region)
    if cue.is_rtl:
        paragraph.set_style(style.StyleProperties.Direction, style.DirectionType.rtl)
        paragraph.set_style(style.StyleProperties.UnicodeBidi, style.UnicodeBidiType.embed)
    for number, line in enumerate(cue.lines):
        if number:
            paragraph.push_child(model.Br(document))
        span = model.Span(document)
        shown = directed(f"{label} {line}", rtl=cue.is_rtl) if label and not number else line
        span.push_child(model.Text(document, shown))
        paragraph.push_child(span)
    return paragraph
