"""The passwords that are guessed first, as far as the length rule lets them through.

Published lists of leaked passwords hold, at ten characters and more, nearly only these shapes: a common word with digits
or signs around it, a run on the keyboard, a short piece repeated, and a few phrases.
"""

import re

_PHRASES = frozenset(
    """
    iloveyouforever iloveyousomuch iloveyoubaby ihateyou123 letmeinplease trustno1trustno1 changemenow nopassword
    passwordpassword mypassword thisismypassword yourpassword newpassword oldpassword defaultpassword temppassword
    secretpassword password1password 1password password2password adminpassword rootpassword userpassword testpassword
    passw0rdpassw0rd administrator administrateur administrador superuser supervisor correcthorsebatterystaple
    opensesame abracadabra christopher elizabeth1 alexander1 manchester liverpool1 manchesterunited barcelona1 realmadrid
    juventus1897 chelseafc1 arsenal123 slipknot666 metallica1 ironmaiden linkinpark greenday123 spiderman1 superman123
    batman12345 starwars123 startrek123 pokemon123 naruto1234 dragonball dragonballz minecraft1 fortnite123 counterstrike
    1q2w3e4r5t 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx3edc 1qazxsw23edc 1qaz1qaz1qaz qazwsxedcrfv qazwsxedc1 zaq12wsxcde3
    zaq1xsw2cde3 q1w2e3r4t5 q1w2e3r4t5y6 qweasdzxc1 qweasdzxc123 asdfghjkl1 zxcvbnm123 qwerty123456 123qweasdzxc 123456qwerty
    1234qwerasdf qwer1234asdf asdf1234qwer abcd123456 abc1234567 a123456789 a1b2c3d4e5 a1b2c3d4e5f6 aa12345678 aaa123456789
    123456789a 123456789q 1234567891 123456789abc 12345678910 0123456789 9876543210 1029384756 0192837465 1122334455
    5544332211 1212121212 1231231230 1234554321 1357924680 2468013579 1472583690 1478963250 3141592653 31415926535
    2718281828 147258369a studyteddy1 studyteddy123 teddybear123 flashcards123
    """.split()  # noqa: SIM905 - a list of two hundred quoted words reads worse
)

# Alone too short; with digits or signs before or after, or twice, they are the bulk of every list.
_WORDS = frozenset(
    """
    password passwort passwd passw0rd p@ssword p@ssw0rd pa$$word motdepasse contrasena senha parola wachtwoord haslo salasana
    admin root user login welcome welkom bienvenue willkommen bienvenido letmein changeme secret default guest test testing
    temp master access system server qwerty qwertz azerty qwertyuiop asdfgh asdfghjkl zxcvbn zxcvbnm qazwsx abc abcd abcdef
    abcdefg iloveyou loveyou iloveu love lovely sunshine princess prince monkey dragon shadow football baseball basketball
    soccer hockey superman batman spiderman starwars pokemon michael jordan jennifer jessica ashley daniel charlie thomas
    robert andrew joshua matthew anthony william jonathan nicole amanda hannah samantha michelle summer winter spring autumn
    january february march april may june july august september october november december monday friday sunday
    computer internet samsung google facebook twitter instagram youtube microsoft windows apple iphone android linux
    killer hunter ranger soldier police freedom flower cookie cheese banana orange chocolate pepper ginger tigger buster
    angel angels babygirl baby lucky happy hello helloworld whatever nothing blahblah student teacher school university
    college study studyteddy teddy teddybear london paris berlin madrid newyork america canada australia india london
    ferrari mercedes porsche mustang corvette yamaha harley liverpool chelsea arsenal barcelona juventus
    """.split()  # noqa: SIM905
)

_RUNS = tuple(
    run
    for row in (
        "abcdefghijklmnopqrstuvwxyz",
        "qwertyuiop",
        "qwertzuiop",
        "azertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "1234567890",
    )
    for run in (row * 3, row[::-1] * 3)
)
_REPEATED = re.compile(r"(.{1,12}?)\1+")
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")


def is_common(password: str) -> bool:
    """Whether a password in lower case is among the first that are guessed."""
    if repeated := _REPEATED.fullmatch(password):
        return len(repeated[1]) < 6 or is_common(repeated[1])
    core = _AROUND.sub("", password)
    return (
        password in _PHRASES
        or password in _WORDS
        or core in _WORDS
        or core in _PHRASES
        or any(password in run for run in _RUNS)
        or (not core and len(set(password)) < 5)
    )
