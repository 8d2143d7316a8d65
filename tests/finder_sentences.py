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

LATER: list[tuple[str, str]] = [
    (
        "my visa, well, the whole thing is four five three nine, one four eight eight, zero three four three, "
        "six four six seven",
        "card",
    ),
    ("4 5 3 9 1 4 8 8 0 3 4 3 6 4 6 7", "card"),
    ("4539148803436467 exp 09/28 cvv 123", "card"),
    ("five two double oh, eight two eight two, eight two eight two, eight two one oh", "card"),
    ("the card: forty five thirty nine, fourteen eighty eight, oh three forty three, sixty four sixty seven", "card"),
    (
        "four thousand five hundred thirty nine, fourteen eighty-eight, zero three four three, six four six seven",
        "card",
    ),
    ("Card number is 4539 - 1488 - 0343 - 6467.", "card"),
    ("I'll read it in pairs: 45 39 14 88 03 43 64 67", "card"),
    ("four five three nine... one four eight eight... zero three four three... six four six seven", "card"),
    ("four five three nine uh one four eight eight uh wait zero three four three six four six seven", "card"),
    ("four, five, three, nine, one, four, eight, eight, zero, three, four, three, six, four, six, seven", "card"),
    ("So that's 4-5-3-9, 1-4-8-8, 0-3-4-3, 6-4-6-7.", "card"),
    ("My American Express is three seven one four, four nine six three five three, nine eight four three one.", "card"),
    ("3530 1113 3330 0000 JCB", "card"),
    ("Diners 3056 930902 5904", "card"),
    ("You can call me on 07911 123456.", "phone"),
    ("my mobile is oh seven nine one one, one two three, four five six", "phone"),
    ("my number is zero seven nine one one double one two three four five", "phone"),
    ("Call 212 555 0187", "phone"),
    ("(212)555-0187", "phone"),
    ("212/555-0187", "phone"),
    ("+1-212-555-0187", "phone"),
    ("area code two one two then five five five zero one eight seven", "phone"),
    ("it's area code 212, 555-0187", "phone"),
    ("five five five, oh one eight seven, that's my cell", "phone"),
    ("my cell is five five five oh one eight seven", "phone"),
    ("plus one, two one two, five five five, zero one eight seven", "phone"),
    ("plus forty-nine, one five one, two three four five six seven eight nine", "phone"),
    ("0049 30 901820", "phone"),
    ("+33 1 42 68 53 00", "phone"),
    ("00 33 1 42 68 53 00", "phone"),
    ("It is 1 (800) 555-0100 ext 22", "phone"),
    ("eight hundred five five five zero one hundred", "phone"),
    ("nine four nine, five five five, twenty-two eleven", "phone"),
    ("six one seven five five five twelve twelve", "phone"),
    ("you can email me at tom@example.com", "email"),
    ("tom.o'brien@example.com", "email"),
    ("my e-mail is tom at gmail dot com", "email"),
    ("it's t dot brown at gmail dot com", "email"),
    ("tom brown, all one word, at gmail dot com", "email"),
    ("tombrown1985 at hotmail dot co dot uk", "email"),
    ("t o m at example dot o r g", "email"),
    ("T as in Tango, O, M at example dot com", "email"),
    ("contact at my company dot com", "email"),
    ("it's john smith at my dash company dot io", "email"),
    ("send an email to HR at acme dot com", "email"),
    ("anna underscore b nineteen eighty four at yahoo dot com", "email"),
    ("john (at) example (dot) com", "email"),
    ("john[at]example.com", "email"),
    ("john at example.com", "email"),
    ("john @ example . com", "email"),
    ("My IBAN is DE 89 37 04 00 44 05 32 01 30 00", "iban"),
    ("G B two nine N W B K six zero one six one three three one nine two six eight one nine", "iban"),
    ("GB29 NWBK 6016 1331 9268 19", "iban"),
    ("golf bravo twenty nine NWBK 6016 1331 9268 19", "iban"),
    ("ES91 2100 0418 4502 0005 1332", "iban"),
    (
        "es nine one, twenty-one hundred, oh four one eight, forty-five oh two, triple oh five, thirteen thirty-two",
        "iban",
    ),
    ("AT61 1904 3002 3457 3201 please", "iban"),
    ("my social is 219 09 9999", "ssn"),
    ("my social security number is 219-09-9999 okay", "ssn"),
    ("social: two nineteen, oh nine, ninety-nine ninety-nine", "ssn"),
    ("two one nine dash oh nine dash nine nine nine nine", "ssn"),
    ("my ssn's 219.09.9999", "ssn"),
    ("it's 219-09-9999", "ssn"),
]
"""Each with the kind of what is in it: written when the finder had passed those above, and it was mended by them."""

LATER_WITHOUT: list[str] = [
    "I have had two hundred and twelve calls, five hundred fifty-five of them in 2018",
    "From 2019 to 2023 we grew by 45, 52 and 61 percent.",
    "The code is 1234, and the door is on floor 12, room 1203.",
    "Pick a number: 7, 14, 21, 28, 35, 42.",
    "It weighs 3,500 grams, costs 12,999 and has 256 gigabytes.",
    "order number 2125550187 is on its way",
    "He scored twenty one, nineteen, twenty two and eighteen.",
    "Serial number 4111-2222-3333-4444 of the pump",
    "account balance 10,245,330.55 dollars",
    "Call me at four or five",
    "meet at dot com street",
    "The call was 15 minutes, then 20, then 30 minutes, in total 65 minutes.",
    "My flight is LH 2048 at 10:45 on the 12th, seat 23A.",
    "two thirds of nine hundred is six hundred",
    "zip code 94105-1234",
    "Tracking 9400 1000 0000 0000 0000 00",
    "It happened in nineteen ninety nine, two thousand one, and two thousand and eight, in that order.",
    "lat 52.520008, long 13.404954",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
    "ten twenty thirty forty fifty sixty seventy eighty ninety one hundred",
    "ISBN 978-3-16-148410-0",
    "call 911",
    "phone me on the 20th of the 12th, 2026, at 10 or 11",
]
