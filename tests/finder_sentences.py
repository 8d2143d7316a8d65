"""Sentences with personal data, written and spoken, and sentences without: what the finder is measured by.

Written before the finder.  Numbers are those that are published for tests: cards of payment providers, telephone
numbers for films (555-01xx, Ofcom's), IBANs of the registry's examples, and names at example.com.
"""

from __future__ import annotations

WITH: list[tuple[str, list[tuple[str, str]]]] = [
    # -- cards, written
    ("My card is 4111 1111 1111 1111.", [("card", "4111 1111 1111 1111")]),
    ("It's 4111-1111-1111-1111, expiring in May.", [("card", "4111-1111-1111-1111")]),
    ("4242424242424242", [("card", "4242424242424242")]),
    ("Sure, 5555 5555 5555 4444 is the number.", [("card", "5555 5555 5555 4444")]),
    ("Amex: 3782 822463 10005", [("card", "3782 822463 10005")]),
    ("The number on it is 6011,1111,1111,1117.", [("card", "6011,1111,1111,1117")]),
    (
        "use 4012 8888 8888 1881 or 5105 1051 0510 5100",
        [("card", "4012 8888 8888 1881"), ("card", "5105 1051 0510 5100")],
    ),
    # -- cards, spoken
    (
        "It is four one one one, one one one one, one one one one, one one one one.",
        [("card", "four one one one, one one one one, one one one one, one one one one")],
    ),
    (
        "Four two four two four two four two four two four two four two four two, that's it.",
        [("card", "Four two four two four two four two four two four two four two four two")],
    ),
    (
        "okay so forty-one eleven, eleven eleven, eleven eleven, eleven eleven",
        [("card", "forty-one eleven, eleven eleven, eleven eleven, eleven eleven")],
    ),
    (
        "Five five five five, um, five five five five, five five five five, four four four four.",
        [("card", "Five five five five, um, five five five five, five five five five, four four four four")],
    ),
    (
        "It is four zero one two, then double eight double eight, double eight double eight, one double eight one.",
        [
            (
                "card",
                "four zero one two, then double eight double eight, double eight double eight, one double eight one",
            )
        ],
    ),
    (
        "thirty-seven eighty-two, eight two two four six three, one triple zero five",
        [("card", "thirty-seven eighty-two, eight two two four six three, one triple zero five")],
    ),
    (
        "six oh one one, one one one one, one one one one, one one one seven",
        [("card", "six oh one one, one one one one, one one one one, one one one seven")],
    ),
    (
        "Fifty-one oh five, ten fifty-one, oh five ten, fifty-one hundred.",
        [("card", "Fifty-one oh five, ten fifty-one, oh five ten, fifty-one hundred")],
    ),
    (
        "4111, then one one one one, then 1111 1111",
        [("card", "4111, then one one one one, then 1111 1111")],
    ),
    # -- telephones, written
    ("Call me at (415) 555-0132.", [("phone", "(415) 555-0132")]),
    ("415-555-0132 is best", [("phone", "415-555-0132")]),
    ("My number's +1 415 555 0132, extension 4.", [("phone", "+1 415 555 0132")]),
    ("You can reach me on 020 7946 0958 in London.", [("phone", "020 7946 0958")]),
    ("+44 20 7946 0958", [("phone", "+44 20 7946 0958")]),
    ("Text 07700 900123 when you are there.", [("phone", "07700 900123")]),
    ("Ring +49 30 23125 014 please.", [("phone", "+49 30 23125 014")]),
    ("call 555-0132", [("phone", "555-0132")]),
    ("1-800-555-0199 is the hotline", [("phone", "1-800-555-0199")]),
    ("415.555.0132", [("phone", "415.555.0132")]),
    # -- telephones, spoken
    (
        "It's four one five, five five five, oh one three two.",
        [("phone", "four one five, five five five, oh one three two")],
    ),
    (
        "oh seven seven double oh, nine hundred, one two three",
        [("phone", "oh seven seven double oh, nine hundred, one two three")],
    ),
    (
        "plus four four, twenty, seven nine four six, oh nine five eight",
        [("phone", "four four, twenty, seven nine four six, oh nine five eight")],
    ),
    (
        "One eight hundred, five five five, oh one nine nine.",
        [("phone", "One eight hundred, five five five, oh one nine nine")],
    ),
    (
        "My cell is nine one seven five five five zero one four five",
        [("phone", "nine one seven five five five zero one four five")],
    ),
    (
        "zero two zero, seven nine four six, zero nine five eight",
        [("phone", "zero two zero, seven nine four six, zero nine five eight")],
    ),
    (
        "phone number three one zero five five five oh one seven seven okay?",
        [("phone", "three one zero five five five oh one seven seven")],
    ),
    (
        "it's two one two, triple five, zero one hundred",
        [("phone", "two one two, triple five, zero one hundred")],
    ),
    # -- e-mail, written
    ("Write to dana.miller@example.com please.", [("email", "dana.miller@example.com")]),
    ("DANA_M+work@Example.co.uk", [("email", "DANA_M+work@Example.co.uk")]),
    ("it's info@mail.example.org, okay?", [("email", "info@mail.example.org")]),
    ("mail: d-m99@example-shop.de", [("email", "d-m99@example-shop.de")]),
    # -- e-mail, spoken
    ("It's dana dot miller at example dot com.", [("email", "dana dot miller at example dot com")]),
    ("you can write to info at example dot org", [("email", "info at example dot org")]),
    ("Dana underscore m at example dot co dot uk, please.", [("email", "Dana underscore m at example dot co dot uk")]),
    ("my email is j smith forty two at example dot net", [("email", "j smith forty two at example dot net")]),
    ("d dash m at example dash shop dot d e", [("email", "d dash m at example dash shop dot d e")]),
    ("It is D-A-N-A at example dot com", [("email", "D-A-N-A at example dot com")]),
    ("send it to sales@example dot com", [("email", "sales@example dot com")]),
    ("billing at sign example dot com", [("email", "billing at sign example dot com")]),
    (
        "The address is kim hyphen lee at mail dot example dot com.",
        [("email", "kim hyphen lee at mail dot example dot com")],
    ),
    # -- IBAN
    ("My IBAN is GB82 WEST 1234 5698 7654 32.", [("iban", "GB82 WEST 1234 5698 7654 32")]),
    ("DE89370400440532013000", [("iban", "DE89370400440532013000")]),
    ("iban: de89 3704 0044 0532 0130 00", [("iban", "de89 3704 0044 0532 0130 00")]),
    ("FR14 2004 1010 0505 0001 3M02 606 is mine", [("iban", "FR14 2004 1010 0505 0001 3M02 606")]),
    ("Transfer it to NL91 ABNA 0417 1643 00, thanks.", [("iban", "NL91 ABNA 0417 1643 00")]),
    ("CH93-0076-2011-6238-5295-7", [("iban", "CH93-0076-2011-6238-5295-7")]),
    (
        "D E eight nine, three seven zero four, zero zero four four, zero five three two, zero one three zero, "
        "zero zero.",
        [
            (
                "iban",
                "D E eight nine, three seven zero four, zero zero four four, zero five three two, zero one three zero, "
                "zero zero",
            )
        ],
    ),
    (
        "It's N L nine one A B N A zero four one seven one six four three zero zero",
        [("iban", "N L nine one A B N A zero four one seven one six four three zero zero")],
    ),
    (
        "D-E-8-9, 3704 0044 0532 0130, double zero",
        [("iban", "D-E-8-9, 3704 0044 0532 0130, double zero")],
    ),
    # -- social security numbers
    ("My social is 219-09-9999.", [("ssn", "219-09-9999")]),
    ("SSN 219 09 9999", [("ssn", "219 09 9999")]),
    ("social security number 219099999", [("ssn", "219099999")]),
    ("two one nine, oh nine, nine nine nine nine", [("ssn", "two one nine, oh nine, nine nine nine nine")]),
    (
        "My social security number is two one nine zero nine nine nine nine nine.",
        [("ssn", "two one nine zero nine nine nine nine nine")],
    ),
    # -- several
    (
        "Card 4111 1111 1111 1111, mail dana at example dot com, phone 415 555 0132.",
        [("card", "4111 1111 1111 1111"), ("email", "dana at example dot com"), ("phone", "415 555 0132")],
    ),
]

WITHOUT: list[str] = [
    "I would guess around fifteen hours, maybe twenty when we close the month.",
    "The starter plan is four hundred and ninety dollars a month.",
    "What if you could cut that work down to twenty minutes?",
    "We have one, two, three, four, five people in the team.",
    "In 2024 we had 1,250,000 visitors, in 2025 it was 1,475,300.",
    "Order 10023456 was shipped on 2026-11-28 at 14:30.",
    "It costs 1,299.99, or 12 times 119.",
    "The meeting is from nine thirty to ten fifteen on the twenty-second of March.",
    "Version 1.2.3.4 of the firmware, build 20261128.",
    "He was born in nineteen eighty-four and moved in two thousand and one.",
    "Take the M25, exit 14, then the A4 for 3 miles.",
    "Let us meet at the office, dot your i's and cross your t's.",
    "Look at that dot over there.",
    "I am at home, call me later.",
    "We are at seven point five percent, up from six point nine.",
    "Ten, nine, eight, seven, six, five, four, three, two, one, go!",
    "She arrived at noon dot on time.",
    "The IP address is 192.168.100.200.",
    "One in ten, two in twenty, three in thirty.",
    "There are between 1000 and 1500 of them, roughly 1200.",
    "The invoice number is INV-2026-004512.",
    "Chapter 12, page 345, line 6.",
    "My size is 42, hers is 38 or 40.",
    "It took 3 days, 4 hours, 5 minutes and 6 seconds.",
    "The answer is 3.14159265358979.",
    "At two o'clock, or at half past two.",
    "Give me one or two or three of those, not four.",
    "The tracking id is 1Z 999 AA1 01 2345 6784.",
    "We sold 4111 units and 1111 of them came back.",
    "2 plus 2 is 4, 4 plus 4 is 8, 8 plus 8 is 16.",
]
