"""Names of labels that say a trait of people are found in many languages, and names of things are not."""

from __future__ import annotations

import pytest

from regard.stewardship.policy.traits import TRAITS, found_in, vocabulary

LANGUAGES = {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ar", "zh", "ja"}
SAYING = {
    "race": "Caucasian african-american AfricanAmerican black_man WhiteWoman white-people dunkelhäutige dunkelhaeutig "
    "négroïdes mulatos meticcia mestiço ciemnoskóry zenciler زنجي 黑人 白人男性 黒人男性 weiße_Frau mujer_negra",
    "ethnicity": "hispanic ethnicity Kurdish kurdin maghrébine étnico zingari ciganos koerden cygan çingeneler أكراد "
    "维吾尔族 少数民族 ウイグル人",
    "religion": "Muslim non-muslim IsMuslim m.u.s.l.i.m ＭＵＳＬＩＭ muslіm mus1im muslimisch jüdin juedin Juden juif "
    "musulmane judíos ebrei muçulmanos moslims żydzi MÜSLÜMAN المسلمين والمسلمين 穆斯林 イスラム教徒",
    "orientation": "gay g4y schwule lesbisch homosexuell lesbiennes homosexuales omosessuale homossexual homoseksueel "
    "gej eşcinsel ESCINSEL سحاقية 同性恋 同性愛 レズビアン",
    "health": "autistic HIV_positive schizophrenia Demenzkranke trisomie esquizofrénico demenza geestesziek "
    "schizofrenia otizmli توحد 自闭症 自閉症 sick_person",
    "emotion": "emotion emotions Emotionen émotions emoción emozioni emoções emoties emocje duygular مشاعر 情绪 感情 "
    "happy_person sad-face traurigesGesicht wütende_Frau visage_triste",
}
THINGS = (
    "screw bolt jewel jewelry jewellery turkey china polish whitewall racecar embrace trace brace saddle illumination "
    "chill grill blackberry WhiteBoard white_wine black-tea yellow_jacket watch_face hearing-aid mood_light schwül "
    "homogeneous Christiania gayatri cat dog cat_holic RBC WBC Platelets raccoon with_mask without_mask t-shirt sandal "
    "daisy roses pizza arabica crack Kratzer défaut pintura vite porta schroef śruba vida برغي 螺丝 ねじ smile "
    "wheelchair male-connector pair_of_jeans hastings turquoise Essay"
)
EITHER = (
    "white black Schwarz noir negro blanco nero preto zwart biały beyaz أبيض 黑色 sick krank healthy_leaf happy sad "
    "straight christian Buddhist_temple indian african tumor"
)


@pytest.mark.parametrize("trait", TRAITS)
def test_a_name_that_says_a_trait_is_found_in_any_language_and_spelling(trait: str) -> None:
    names = SAYING[trait].split()
    assert [name for name in names if (trait, True) not in {(f.trait, f.certain) for f in found_in(name)}] == []


def test_the_names_of_things_are_no_traits() -> None:
    assert [(name, found_in(name)) for name in THINGS.split() if found_in(name)] == []


def test_what_is_a_thing_as_well_is_found_and_not_for_certain() -> None:
    found = {name: found_in(name) for name in EITHER.split()}
    assert [name for name, each in found.items() if not each or any(f.certain for f in each)] == []


def test_every_trait_has_words_in_every_language() -> None:
    for trait in TRAITS:
        words = getattr(vocabulary(), trait)
        there = {language for each in (words.plain, words.ambiguous) for language, those in each.items() if those}
        assert there >= LANGUAGES, trait
    assert vocabulary().people.keys() >= LANGUAGES
