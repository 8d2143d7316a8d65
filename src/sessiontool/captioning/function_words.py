"""The small words of some languages, which tell where a text may be broken: a table, a row for each language."""

from __future__ import annotations

from msgspec import Struct


class SmallWords(Struct, frozen=True):
    """Words that bind the next one (articles, possessives), open a phrase, or lean on what follows."""

    binding: frozenset[str]
    opening: frozenset[str]
    leaning: frozenset[str]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _words(binding: str, opening: str, leaning: str) -> SmallWords:
    return SmallWords(_set(binding), _set(opening), _set(leaning))


TITLES = _set(
    "mr mrs ms dr prof st mx sir madam lord lady captain president herr herrn frau mme mlle monsieur madame sr sra don "
    "doña sig dott meneer mevrouw dhr mevr"
)
"""What stands before a name, without a stop."""

NO_WORDS = _words("", "", "")
WORDS: dict[str, SmallWords] = {
    "en": _words(
        "a an the my your his its our their this these those every each no",
        "and but or nor so because although though while when where which who whom whose that if unless until "
        "since after before as than of to in on at by for from with without into onto over under about between "
        "through during against towards",
        "her i you he she it we they is are was were be been will would can could shall should may might must do does "
        "did have has had not i'm you're he's she's it's we're they're i'll you'll i've we've i'd don't doesn't "
        "didn't can't won't very more most too",
    ),
    "de": _words(
        "der die das dem den des ein eine einen einem einer eines kein keine keinen mein meine dein deine sein "
        "seine ihr ihre unser unsere dieser diese dieses diesem diesen jeder jede jedes",
        "und oder aber denn sondern weil dass daß ob wenn als wie während obwohl damit bevor nachdem welche "
        "welcher welches in im an am auf aus bei beim mit nach von vom zu zum zur für gegen ohne um über unter vor "
        "durch zwischen",
        "ich du er sie es wir ihr man ist sind war waren bin bist wird werden kann können hat haben hatte nicht "
        "sehr mehr",
    ),
    "fr": _words(
        "le la les un une des du au aux ce cet cette ces mon ma mes ton ta tes son sa ses notre nos votre vos leur "
        "leurs chaque",
        "et ou mais donc car ni que qui quoi dont où quand si lorsque puisque comme parce de à en dans sur sous "
        "avec sans pour par chez vers entre depuis pendant avant après",
        "je tu il elle on nous vous ils elles est sont était ai as a ont suis ne pas plus très se",
    ),
    "es": _words(
        "el la los las un una unos unas lo mi mis tu tus su sus nuestro nuestra este esta estos estas ese esa cada "
        "al del",
        "y e o u pero sino porque aunque cuando donde que quien cual si como mientras de a en con sin por para "
        "sobre entre desde hasta hacia según",
        "yo tú él ella nosotros ellos usted ustedes es son era está están ha han he no se me te muy más",
    ),
    "it": _words(
        "il lo la i gli le un uno una del dello della dei degli delle al allo alla ai nel nella mio mia tuo tua "
        "suo sua nostro vostro loro questo questa questi queste ogni",
        "e ed o ma però perché che chi cui dove quando se come mentre anche di a da in con su per tra fra senza",
        "io tu lui lei noi voi è sono era ha hanno ho non si mi ti più molto",
    ),
    "pt": _words(
        "o a os as um uma uns umas do da dos das no na nos nas ao meu minha teu tua seu sua nosso nossa este esta "
        "esse essa cada",
        "e ou mas porque embora quando onde que quem se como enquanto de em com sem por para sobre entre desde até",
        "eu tu ele ela nós eles você vocês é são era está estão não me te mais muito",
    ),
    "nl": _words(
        "de het een mijn jouw je zijn haar ons onze hun deze dit die dat elke elk iedere geen",
        "en of maar want omdat dat als wanneer toen terwijl hoewel waar wie van in op aan met naar voor door uit "
        "bij om over onder tussen zonder",
        "ik jij hij zij wij jullie is was waren ben bent wordt kan kunnen heeft hebben niet zeer meer",
    ),
}
