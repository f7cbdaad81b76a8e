"""Alphabets of other scripts that web pages offer as "fancy text": read as Latin all the same.

Nothing in UTS 39 says that these letters look alike, and one by one they hardly do; in a word each
of them is read as what it stands for. Each row stands for a to z; a dot where the letter is known
otherwise.
"""

from typing import Final

ALPHABETS: Final = (
    "ᏗᏰፈᎴᏋᎦᎶᏂᎥᏠᏦᏝᎷᏁᎧᎮ.ᏒᏕᏖᏬᏉᏇጀᎩፚ",  # Cherokee and Ethiopic
    "卂乃.ᗪ乇千Ꮆ卄丨ﾌҜㄥ爪几ㄖ卩Ɋ尺丂ㄒㄩᐯ山乂ㄚ乙",  # Han and Bopomofo
    "ﾑ乃.d乇ｷgん.ﾌズﾚﾶ刀oｱq尺丂ｲu√wﾒﾘ乙",  # kana
    "ꍏꌃꉓꀸꍟꎇꁅꃅꀤꀭꀘ꒒ꂵꈤꂦꉣꆰꋪꌗ꓄ꀎꃴꅏꊼꌩꁴ",  # Yi
    "ค๒ς๔є.ﻮђเ.кɭ๓ภ๏ק.гรtยשฬאץչ",  # Thai, Hebrew and Arabic
    "ᗩᗷᑕᗪ.ᖴ.ᕼ.ᒍ.ᒪᗰᑎ.ᑭᑫᖇᔕ.ᑌᐯᗯ᙭.ᘔ",  # Canadian syllabics
    "ᗋᗸᑢᗞ....ᒋ..ᒻᗱᑏ.ᑮᑬᖆᔑ.ᑘᐺ.ᕁ..",
    "αв¢∂єƒ.н.נк.мησρ.яѕтυ.ωχ..",  # Greek and Cyrillic
    "Λ.ᄃ.Σ..Ή...ᄂ.ПӨ..Я.ƬЦ.Щ...",
    "Δ.₡ÐΞ₣₲Ħ..₭.₥₦Ø₱..§₮....¥.",  # currencies
    "ąҍçժҽƒցհìʝҟ.ʍղօ.զɾʂէմѵա×վ.",  # Armenian
    "ⲁⲃⲥⲇⲉϝ.ϩⲓ.ⲕⲗⲙⲛⲟⲣ..ⲋⲧⲩ.ⲱⲭⲩⲍ",  # Coptic
    "ꭺᏼꮯꭰꭼ.ꮐꮋꭵ.ꮶꮮꮇꮑ.ꮲ..ꮪꭲ.ꮩꮃ.ꭹꮓ",  # small Cherokee
    "ꮨ..ꮄꮛ.ꮆꮒ.ꮰ..ꮗ.ꮎ..ꮢꮥꮦ...ꮘ..",
    "ᏜᏴᏟᎠᎬ.ᎶᎻᏆᎫ.ᏞᎹᏁ..Ꮔ.ડᎢᏌᏙᎳ.ᎽᏃ",
)
# Signs that stand for letters in such a word.
FANCY: Final = {"§": "s", "¶": "p", "฿": "b", "Ժ": "d", "ɿ": "i"} | {
    shown: letter
    for alphabet in ALPHABETS
    for letter, shown in zip("abcdefghijklmnopqrstuvwxyz", alphabet, strict=True)
    if not shown.isascii()
}
